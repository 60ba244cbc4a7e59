// Shows the split as a bar while it is written, and what is missing to a hundred.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const shares = [...document.querySelectorAll("input[name^=share-]")];
  const bar = document.createElementNS(SVG, "svg");
  const told = document.createElement("p");
  const percent = (field) => Math.max(0, Math.trunc(Number(field.value)) || 0);

  function show() {
    const sum = shares.reduce((total, field) => total + percent(field), 0);
    let start = 0;
    // By the order of the labels, as the prompt's page has them.
    const byLabel = shares.filter(percent).sort((one, other) => (one.name < other.name ? -1 : 1));
    bar.replaceChildren(...byLabel.map((field, number) => {
      const arm = document.createElementNS(SVG, "rect");
      const width = (percent(field) / Math.max(sum, 100)) * 100;
      const placed = { class: `prompt-arm-${number % 6}`, x: `${start}%`, width: `${width}%`, height: "100%" };
      for (const [name, value] of Object.entries(placed)) arm.setAttribute(name, value);
      start += width;
      return arm;
    }));
    told.textContent = sum === 100 ? "100 %" : sum < 100 ? `${sum} %: ${100 - sum} to give` : `${sum} %: ${sum - 100} too many`;
    told.className = sum === 100 ? "prompt-quiet" : "prompt-check-warning";
  }

  if (!shares.length) return;
  bar.classList.add("prompt-bar");
  shares.at(-1).closest(".prompt-row").after(bar, told);
  for (const field of shares) field.addEventListener("input", show);
  show();
})();
