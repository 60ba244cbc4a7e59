"use strict";

// Shows how far a run is, and its report when it is over.
const EVERY = 1500;
const place = document.querySelector("[data-live]");

async function look() {
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (answer.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live]");
      if (!fresh) {
        location.reload();
        return;
      }
      place.replaceChildren(...fresh.childNodes);
    }
  } catch (error) {
    // Away for a moment: the next look tells.
  }
  setTimeout(look, EVERY);
}

if (place) setTimeout(look, EVERY);
