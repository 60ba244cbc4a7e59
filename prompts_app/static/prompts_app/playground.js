// Tries versions of a prompt side by side: one socket, one frame for each version, one column for each answer.
"use strict";

(() => {
  const page = document.getElementById("playground");
  const data = JSON.parse(document.getElementById("playground-data").textContent);
  const find = (name) => document.getElementById(`playground-${name}`);
  const fields = [...page.querySelectorAll("[data-variable]")];
  const boxes = [...page.querySelectorAll("input[name=version]")];
  const columns = new Map();
  let socket = null;
  let runs = 0;

  // Input

  const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const known = () => new Set(chosen().flatMap((label) => data.variables[label]));

  function fit() {
    const full = chosen().length >= data.atOnce;
    for (const box of boxes) box.disabled = full && !box.checked;
    const wanted = known();
    for (const field of fields) field.closest(".prompt-field").hidden = !wanted.has(field.dataset.variable);
    find("no-variables").hidden = wanted.size > 0;
  }

  // What is left empty is left out. Throws what a person can act on.
  function read(field) {
    const { variable, kind } = field.dataset;
    const text = field.value;
    if (kind === "text") return text;
    if (text.trim() === "") return undefined;
    if (kind === "number") {
      if (Number.isFinite(Number(text))) return Number(text);
      throw new Error(`${variable} is a number`);
    }
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`${variable} is JSON: ["…"], {"…": …} or a number`);
    }
  }

  function input() {
    const wanted = known();
    const values = fields.filter((field) => wanted.has(field.dataset.variable)).map((field) => [field.dataset.variable, read(field)]);
    return Object.fromEntries(values.filter(([, value]) => value !== undefined));
  }

  function inputOf(label, values) {
    const optional = new Set(data.optional[label]);
    const own = data.variables[label].filter((name) => name in values && !(values[name] === "" && optional.has(name)));
    return Object.fromEntries(own.map((name) => [name, values[name]]));
  }

  function fill(values) {
    for (const field of fields) {
      const value = values[field.dataset.variable];
      field.value = value === undefined ? "" : field.dataset.kind === "json" ? JSON.stringify(value) : String(value);
    }
  }

  const note = (text) => { find("note").textContent = text; };

  // Answers

  function element(parent, tag, name, text = "") {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text;
    parent.append(made);
    return made;
  }

  function column(label, id) {
    const card = element(find("answers"), "section", "prompt-card prompt-answer");
    const head = element(card, "h3", "", label);
    const model = element(head, "span", "prompt-quiet");
    const stop = element(head, "button", "prompt-plain prompt-right", "Stop");
    const text = element(card, "pre", "prompt-text");
    const facts = element(card, "p", "prompt-facts", "waiting…");
    stop.type = "button";
    stop.addEventListener("click", () => {
      socket?.send(JSON.stringify({ type: "cancel", id }));
      finish(id, "stopped");
    });
    columns.set(id, { card, model, stop, text, facts, began: performance.now() });
  }

  function finish(id, says, wrong = false) {
    const { card, stop, facts } = columns.get(id);
    stop.remove();
    facts.textContent = says;
    card.classList.toggle("prompt-wrong", wrong);
    columns.delete(id);
  }

  const seconds = (value) => (value < 10 ? `${Math.round(value * 1000).toLocaleString("en")} ms` : `${value.toFixed(1)} s`);

  function facts(end) {
    const { input_tokens, output_tokens, thinking_tokens } = end.usage;
    const thought = thinking_tokens ? ` + ${thinking_tokens} thinking` : "";
    return [
      seconds(end.latency),
      `${input_tokens} → ${output_tokens}${thought} tokens`,
      end.cost_usd === null ? "cost unknown" : `$${end.cost_usd.toFixed(6)}`,
      end.cache_hit ? "from the cache" : "",
      end.finish_reason === "stop" ? "" : `ended by ${end.finish_reason}`,
    ].filter(Boolean).join(" · ");
  }

  function hear(frame) {
    const at = columns.get(frame.id);
    if (!at) {
      if (frame.type === "error" && frame.id === null) note(frame.message);
    } else if (frame.type === "start") {
      at.model.textContent = frame.model;
      at.facts.textContent = `first word after ${seconds((performance.now() - at.began) / 1000)}`;
    } else if (frame.type === "delta") {
      at.text.append(frame.text);
    } else if (frame.type === "end") {
      finish(frame.id, facts(frame));
    } else {
      finish(frame.id, frame.message, true);
    }
  }

  function open() {
    if (socket?.readyState === WebSocket.OPEN) return Promise.resolve();
    const url = new URL(data.socket, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    socket = new WebSocket(url);
    socket.addEventListener("message", (message) => hear(JSON.parse(message.data)));
    socket.addEventListener("close", () => {
      for (const id of [...columns.keys()]) finish(id, "The connection was lost.", true);
    });
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("close", () => reject(new Error("No connection. Are you still logged in?")));
    });
  }

  async function run() {
    const labels = chosen();
    if (!labels.length) throw new Error("Choose a version.");
    const values = input();
    await open();
    for (const id of columns.keys()) socket.send(JSON.stringify({ type: "cancel", id }));
    columns.clear();
    find("answers").replaceChildren();
    runs += 1;
    for (const label of labels) {
      const id = `${label}#${runs}`;
      column(label, id);
      const frame = { type: "try", id, prompt_name: data.prompt, version: label, variables: inputOf(label, values) };
      socket.send(JSON.stringify({ ...frame, cached: find("cached").checked }));
    }
  }

  // Examples

  function listExamples(selected = "") {
    const list = find("example");
    list.replaceChildren(new Option("Saved examples…", ""), ...Object.keys(data.examples).map((name) => new Option(name, name)));
    list.value = selected;
    list.hidden = list.options.length === 1;
    find("forget").hidden = !selected;
  }

  async function change(method, name, variables) {
    const reply = await fetch(data.examplesUrl, {
      method,
      headers: { "Content-Type": "application/json", "X-CSRFToken": page.querySelector("[name=csrfmiddlewaretoken]").value },
      body: JSON.stringify({ name, variables }),
    });
    const found = await reply.json().catch(() => ({ error: "It could not be saved. Are you still logged in?" }));
    if (!reply.ok) throw new Error(found.error);
    data.examples = found.examples;
  }

  async function keep() {
    const name = find("name").value.trim();
    if (!name) throw new Error("Give the example a name.");
    await change("POST", name, input());
    find("name").value = "";
    listExamples(name);
    note(`Saved as “${name}”.`);
  }

  async function forget() {
    const name = find("example").value;
    if (!confirm(`Delete the example “${name}”?`)) return;
    await change("DELETE", name, {});
    listExamples();
    note(`“${name}” is deleted.`);
  }

  async function takeOver() {
    const reply = await fetch(data.inputUrl);
    if (!reply.ok) throw new Error("The input of that call is not kept, or not for you to see.");
    fill((await reply.json()).variables);
    note("Filled in with the call’s input as it was kept: masked.");
  }

  const telling = (action) => async (event) => {
    event.preventDefault();
    note("");
    await action().catch((error) => note(error.message));
  };

  for (const box of boxes) box.addEventListener("change", fit);
  find("form").addEventListener("submit", telling(run));
  find("keep").addEventListener("click", telling(keep));
  find("forget").addEventListener("click", telling(forget));
  find("example").addEventListener("change", ({ target }) => {
    if (target.value) fill(data.examples[target.value]);
    find("forget").hidden = !target.value;
  });
  listExamples();
  fit();
  if (data.inputUrl) takeOver().catch((error) => note(error.message));
})();
