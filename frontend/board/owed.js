// The call-backs that one owes. Whose customer was answered meanwhile says so, and is ended with one click.

import { make, say } from "./format.js";
import { send } from "./session.js";
import { locale, word } from "./words.js";

const by = (id) => document.getElementById(id);

export function openOwed() {
  by("owed-open").addEventListener("click", async () => {
    await list();
    if (!by("owed").open) by("owed").showModal();
  });
}

export function offerOwed(may) {
  by("owed-open").hidden = !may;
  if (may) return;
  by("owed").close();
  by("owed-list").replaceChildren();
}

async function list() {
  const owed = await ask();
  say(by("owed-trouble"), owed ? "" : word("failedOwed"));
  if (!owed) return;
  say(by("owed-none"), owed.length ? "" : word("nothingOwed"));
  by("owed-list").replaceChildren(...owed.map(row));
}

// Null if they cannot be had.
async function ask() {
  try {
    const answer = await fetch("/api/callbacks");
    return answer.ok ? (await answer.json()).callbacks : null;
  } catch {
    return null;
  }
}

function row({ id, cause, number, due_at: due, spoken }) {
  const item = make("li");
  item.append(make("time", "", when(due)), make("span", "", masked(number)), make("span", "", word("causes")[cause] ?? cause));
  if (spoken) item.append(answered(spoken), ending(id, spoken.outcome));
  return item;
}

function answered({ call, agent, at }) {
  const link = make("a", "standing-taker", word("spokenBy").replace("{agent}", agent).replace("{time}", when(at)));
  link.href = `/api/calls/${encodeURIComponent(call)}/story.svg`;
  link.target = "_blank";
  link.rel = "noopener";
  return link;
}

function ending(id, outcome) {
  const button = make("button", "quiet", word("settle"));
  button.type = "button";
  button.addEventListener("click", async () => {
    const done = await send(`/api/callbacks/${encodeURIComponent(id)}/done`, { outcome }).catch(() => null);
    await list();
    if (!done?.ok) say(by("owed-trouble"), word("failedOwed"));
  });
  return button;
}

// The board hangs on a wall: whoever calls gets the whole number from the record.
function masked(number) {
  return number.length > 7 ? `${number.slice(0, 3)}****${number.slice(-4)}` : "****";
}

function when(iso) {
  return new Date(iso).toLocaleString(locale(), { timeZone: "Asia/Shanghai", hour12: false });
}
