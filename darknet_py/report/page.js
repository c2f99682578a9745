"use strict";
// Without this script the page is complete: it adds the sorting and hiding of columns, and values at the pointer.

const NONE = ["", "n/a", "\u2013"];

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// The number that a cell starts with: of "41.6 ± 0.8", "9 202 068" and "▲ −1.2"; NaN where there is none.
function numberOf(text) {
  const plain = text.replace(/[\u202f\u00a0,]/g, "").replace(/\u2212/g, "-").replace(/^[^\d.+-]*\s/, "");
  return parseFloat(plain);
}

function sortable(table) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells], original = [...body.rows];
  const collator = new Intl.Collator("en", { numeric: true });
  const textAt = (row, at) => row.cells[at].textContent.trim();
  heads.forEach((head, at) => {
    const known = original.map((row) => textAt(row, at)).filter((text) => !NONE.includes(text));
    const numbers = at > 0 && known.length > 0 && known.every((text) => !isNaN(numberOf(text)));
    const first = numbers ? "descending" : "ascending", second = numbers ? "ascending" : "descending";
    const button = make("button", { class: "sort", type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const order = before === first ? second : before === second ? "" : first;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (order) head.setAttribute("aria-sort", order);
      const sign = order === "descending" ? -1 : 1;
      const compare = (a, b) => numbers ? numberOf(a) - numberOf(b) : collator.compare(a, b);
      const rows = [...original];
      if (order) rows.sort((one, other) => {
        const a = textAt(one, at), b = textAt(other, at);
        return NONE.includes(a) - NONE.includes(b) || (NONE.includes(a) ? 0 : sign * compare(a, b));
      });
      body.append(...rows);
    });
  });
}

function hideable(table, box) {
  const choices = make("div", {});
  [...table.tHead.rows[0].cells].slice(1).forEach((head, before) => {
    const tick = make("input", { type: "checkbox" });
    tick.checked = true;
    tick.addEventListener("change", () => {
      for (const row of table.rows) row.cells[before + 1].hidden = !tick.checked;
    });
    choices.append(make("label", {}, tick, " " + head.textContent));
  });
  box.before(make("details", { class: "columns" }, make("summary", {}, "Columns"), choices));
}

for (const box of document.querySelectorAll(".scroll")) {
  const table = box.querySelector("table");
  if (table.matches(".pairs")) continue;
  if (table.rows[0].cells.length > 2) hideable(table, box);
  if (table.tBodies[0].rows.length > 1) sortable(table);
}

const tip = make("div", { class: "tip", role: "status" });
tip.hidden = true;
document.body.append(tip);

// Series of points, each with its place in the picture and its text; single marks are one series together.
function seriesOf(picture) {
  const single = [...picture.querySelectorAll("rect")].map((mark) => {
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => +mark.getAttribute(name));
    return { x: x + width / 2, y: y + height / 2, half: [width / 2, height / 2], text: mark.textContent };
  });
  const lines = [...picture.querySelectorAll("polyline")].map((line) => {
    const values = line.dataset.values.split(" "), [across, up] = [line.dataset.x, line.dataset.y];
    return line.getAttribute("points").split(" ").map((point, at) => {
      const [x, y] = point.split(",").map(Number), [epoch, value] = values[at].split(",");
      return { x, y, half: [0, 0], text: `${line.textContent}\n${across} ${epoch}: ${up} ${value}` };
    });
  });
  return [single, ...lines].filter((points) => points.length);
}

function hover(picture) {
  const series = seriesOf(picture), ring = document.createElementNS(picture.namespaceURI, "circle");
  const view = picture.viewBox.baseVal, far = 24;
  let place = null;
  ring.setAttribute("class", "at");
  ring.setAttribute("r", 5.5);
  picture.querySelectorAll("title").forEach((title) => title.remove());
  picture.setAttribute("tabindex", 0);

  function hide() {
    tip.hidden = true;
    ring.remove();
    place = null;
  }

  function show(at, along) {
    const point = series[at][along], frame = picture.getBoundingClientRect();
    place = [at, along];
    ring.setAttribute("cx", point.x);
    ring.setAttribute("cy", point.y);
    picture.append(ring);
    tip.textContent = point.text;
    tip.hidden = false;
    const x = frame.left + (point.x * frame.width) / view.width;
    const y = frame.top + (point.y * frame.height) / view.height;
    const top = y - tip.offsetHeight - 12;
    tip.style.left = `${Math.max(4, Math.min(x + 10, innerWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${top > 4 ? top : y + 14}px`;
  }

  function follow(event) {
    const frame = picture.getBoundingClientRect();
    const x = ((event.clientX - frame.left) * view.width) / frame.width;
    const y = ((event.clientY - frame.top) * view.height) / frame.height;
    let nearest = [far, far * far];  // from the mark, and from its middle
    let found = null;
    series.forEach((points, at) => points.forEach((point, along) => {
      const dx = Math.abs(x - point.x), dy = Math.abs(y - point.y);
      const outside = Math.hypot(Math.max(0, dx - point.half[0]), Math.max(0, dy - point.half[1]));
      const middle = Math.hypot(dx, dy);
      if (outside < nearest[0] || (outside === nearest[0] && middle < nearest[1])) {
        nearest = [outside, middle];
        found = [at, along];
      }
    }));
    if (found) show(...found);
    else hide();
  }

  function step(event) {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [0, 0];
    if (event.key === "Escape") hide();
    if (!dx && !dy) return;
    event.preventDefault();
    if (!place) return show(0, 0);
    const [at, along] = place, next = (at + dy + series.length) % series.length;
    const move = series.length === 1 ? dx + dy : dx;
    show(next, Math.max(0, Math.min(along + move, series[next].length - 1)));
  }

  picture.addEventListener("pointermove", follow);
  picture.addEventListener("pointerdown", follow);
  picture.addEventListener("pointerleave", hide);
  picture.addEventListener("focus", () => { if (!place && picture.matches(":focus-visible")) show(0, 0); });
  picture.addEventListener("blur", hide);
  picture.addEventListener("keydown", step);
  addEventListener("scroll", () => { if (place) show(...place); }, { passive: true });
}

document.querySelectorAll(".marks").forEach(hover);

const opened = [];
addEventListener("beforeprint", () => document.querySelectorAll("details:not([open], .columns)").forEach((part) => {
  part.open = true;
  opened.push(part);
}));
addEventListener("afterprint", () => opened.splice(0).forEach((part) => { part.open = false; }));
