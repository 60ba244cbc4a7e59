// Compares what has just been chosen.
"use strict";

document.getElementById("compare").addEventListener("change", (event) => event.currentTarget.submit());
