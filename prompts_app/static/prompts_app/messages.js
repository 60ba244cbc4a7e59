// Earlier turns as rows to fill in; the JSON that is sent stays behind them, one click away.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const json = document.getElementById("id_messages");
  if (!json) return;
  const ROLES = ["user", "assistant"];
  const rows = document.createElement("div");
  const tools = document.createElement("div");
  rows.className = "prompt-turns";
  tools.className = "prompt-inline";

  function read() {
    try {
      const turns = JSON.parse(json.value || "[]");
      const fits = (turn) => ROLES.includes(turn?.role) && typeof turn.content === "string";
      return Array.isArray(turns) && turns.every(fits) ? turns : null;
    } catch {
      return null;
    }
  }

  function write() {
    const turns = [...rows.children].map((row) => ({
      role: row.querySelector("select").value,
      content: row.querySelector("textarea").value,
    }));
    json.value = turns.length ? JSON.stringify(turns, null, 2) : "";
    json.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "prompt-plain";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  }

  function add({ role, content }) {
    const row = document.createElement("div");
    const select = document.createElement("select");
    const text = document.createElement("textarea");
    row.className = "prompt-turn";
    select.append(...ROLES.map((name) => new Option(name, name, false, name === role)));
    select.setAttribute("aria-label", "who speaks");
    text.className = `${json.className} prompt-said`;
    text.setAttribute("aria-label", "what is said");
    text.value = content;
    row.append(select, text, button("Remove", () => { row.remove(); write(); }));
    row.addEventListener("input", (event) => { event.stopPropagation(); write(); });
    rows.append(row);
    return text;
  }

  function show() {
    const turns = read();
    rows.replaceChildren();
    json.hidden = turns !== null;
    rows.hidden = !json.hidden;
    for (const turn of turns ?? []) add(turn);
  }

  tools.append(
    button("Add a turn", () => {
      if (read() === null) return;
      if (rows.hidden) show();
      add({ role: ROLES[rows.children.length % 2], content: "" }).focus();
      write();
    }),
    button("JSON", () => {
      if (json.hidden) [json.hidden, rows.hidden] = [false, true];
      else show();
    }),
  );
  json.after(rows, tools);
  show();
});
