// A figure opens into the calls it counts, and says how it is counted.

import { NONE, number } from "./format.js";
import { current, label, locale, word } from "./words.js";

let formulas = null;

export function openOnClick(names) {
  document.addEventListener("click", (event) => {
    const figure = event.target.closest("[data-figure]");
    if (figure) open(figure.dataset.figure, figure.dataset.queue ?? "", names());
  });
}

async function open(figure, queue, names) {
  formulas ??= await ask("/api/board/formulas");
  const behind = await ask(`/api/board/calls?${new URLSearchParams({ figure, queue, limit: 200 })}`);
  if (!behind) return;
  const formula = [...(formulas?.queue ?? []), ...(formulas?.calls ?? [])].find((each) => each.figure === figure);
  const title = formula ? formula[current() === "zh" ? "name_zh" : "name_en"] : figure;
  const where = queue ? label(names.queues[queue], queue) : word("total");
  text("behind-title", `${title} · ${where}`);
  text("behind-formula", formula?.formula ?? "");
  text("behind-count", `${number(behind.count)} ${word("calls")}${behind.whole ? "" : word("forgotten")}`);
  document.getElementById("behind-calls").replaceChildren(...behind.calls.map(row));
  document.getElementById("behind").showModal();
}

function row({ call, at }) {
  const item = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date(at).toLocaleTimeString(locale(), { timeZone: "Asia/Shanghai", hour12: false });
  const id = document.createElement("code");
  id.textContent = call || NONE;
  item.append(time, id);
  return item;
}

async function ask(path) {
  try {
    const answer = await fetch(path);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the connection's own sign says that the server is out of reach
  }
}

function text(id, said) {
  document.getElementById(id).textContent = said;
}
