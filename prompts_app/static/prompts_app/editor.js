// Asks the server what it thinks of the version being written, half a second after the last key.
"use strict";

(() => {
  const PAUSE = 500;

  function line(parent, name, text, kind) {
    if (!text) return;
    const row = document.createElement("div");
    row.className = `prompt-check-${kind}`;
    const label = document.createElement("b");
    label.textContent = name;
    row.append(label, " ", text);
    parent.append(row);
  }

  function show(card, found) {
    card.replaceChildren();
    const optional = new Set(found.optional);
    const variables = (found.variables ?? []).map((name) => (optional.has(name) ? `${name} (optional)` : name));
    line(card, "Variables", variables.join(", ") || "none", "fact");
    line(card, "Includes", (found.includes ?? []).join(", "), "fact");
    line(card, "Length", found.tokens === undefined ? "" : `about ${found.tokens} tokens, variables not counted`, "fact");
    line(card, "Declared but unused", (found.unused ?? []).join(", "), "warning");
    for (const problem of found.problems) line(card, "Cannot be published:", problem, "problem");
  }

  document.addEventListener("DOMContentLoaded", () => {
    const card = document.getElementById("prompt-check");
    const form = document.getElementById("promptversion_form");
    if (!card || !form) return;
    let timer;
    let latest = 0;

    async function ask() {
      const mine = ++latest;
      const reply = await fetch(card.dataset.url, { method: "POST", body: new FormData(form) }).catch(() => null);
      if (reply?.ok && mine === latest) show(card, await reply.json());
    }

    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE);
    });
    ask();
  });
})();
