// Alarms: the strip along the top, and the window in which a leader takes one upon himself.

import { clock, keyed, make, mark, say } from "./format.js";
import { send } from "./session.js";
import { current, label, word } from "./words.js";

const by = (id) => document.getElementById(id);
const SEVERITIES = ["critical", "warning", "info"];

let shownKind = ""; // the kind of alarm whose window is open
let mayTake = false;

export function letTake(may) {
  mayTake = may;
}

export function renderAlarms(data, now) {
  renderStrip(data, now);
  if (by("standing").open) renderWindow(data, now);
}

export function forgetAlarms() {
  by("standing").close();
  by("alarms").replaceChildren();
  by("alarms").keyed = undefined;
}

// Alarms of one kind share a sign, so that the strip stays one line high.
function renderStrip(data, now) {
  const { alarms, names } = data;
  const kinds = new Map();
  for (const each of alarms) kinds.set(each.alarm, [...(kinds.get(each.alarm) ?? []), each]);
  const rank = (alarm) => SEVERITIES.indexOf(names.alarms[alarm]?.severity);
  const order = [...kinds.keys()].sort((one, other) => rank(one) - rank(other));
  const strip = keyed(by("alarms"), order.length ? order : ["none"], makeSign);
  if (!order.length) say(strip.get("none"), `✓ ${word("noAlarms")}`);
  const shown = current() === "zh" ? 2 : 1; // what fits
  for (const [alarm, standing] of kinds) {
    const sign = strip.get(alarm);
    const subjects = standing.slice(0, shown).map(({ subject }) => subjectOf(subject, data));
    if (standing.length > shown) subjects.push(`+${standing.length - shown}`);
    const since = clock(now - Date.parse(standing[0].since));
    const said = [label(names.alarms[alarm], alarm), subjects.join(current() === "zh" ? "、" : ", "), since];
    const taken = standing.filter((each) => each.acknowledged);
    if (taken.length) said.push(takenOf(standing, taken, now));
    mark(sign, "severity", names.alarms[alarm]?.severity ?? "warning");
    mark(sign, "taken", taken.length === standing.length);
    say(sign, said.join(" · "));
    sign.setAttribute("title", standing.map(({ subject, detail }) => `${subject}: ${detail}`).join("\n"));
  }
}

// A sign that is somebody's says whose; of several, how many of them are.
function takenOf(standing, taken, now) {
  if (standing.length === 1) return takerOf(taken[0], now);
  return `${word("taken")} ${taken.length}/${standing.length}`;
}

function takerOf({ acknowledged: { by: number, name, name_en: english, since } }, now) {
  const person = (current() === "en" && english) || name || number;
  return `${person} ${word("taken")} ${clock(now - Date.parse(since))}`;
}

function makeSign(kind) {
  if (kind === "none") return make("div", "calm");
  const sign = make("button", "alarm");
  sign.type = "button";
  sign.dataset.kind = kind;
  return sign;
}

function subjectOf(subject, { agents, names }) {
  if (subject === "all") return word("total");
  const agent = agents[subject];
  return agent ? `${agent.name || ""} ${subject}`.trim() : label(names.queues[subject], subject);
}

function renderWindow(data, now) {
  const standing = data.alarms.filter((each) => each.alarm === shownKind);
  say(by("standing-title"), label(data.names.alarms[shownKind], shownKind));
  say(by("standing-none"), standing.length ? "" : word("over"));
  by("standing-note").hidden = !mayTake || !standing.some((each) => !each.acknowledged);
  by("standing-note").placeholder = word("note");
  const rows = keyed(by("standing-list"), standing.map((each) => each.subject), makeRow);
  for (const each of standing) {
    const row = rows.get(each.subject);
    say(row.what, `${subjectOf(each.subject, data)} · ${each.detail}`);
    say(row.time, clock(now - Date.parse(each.since)));
    say(row.taker, each.acknowledged ? [takerOf(each, now), each.acknowledged.note].filter(Boolean).join(" · ") : "");
    say(row.take, word("take"));
    row.take.hidden = !mayTake || Boolean(each.acknowledged);
  }
}

function makeRow(subject) {
  const row = make("li", "standing-alarm");
  row.what = make("span", "standing-what");
  row.time = make("time");
  row.taker = make("span", "standing-taker");
  row.take = make("button", "quiet take");
  row.take.type = "button";
  row.take.addEventListener("click", () => take(shownKind, subject));
  row.append(row.time, row.what, row.taker, row.take);
  return row;
}

// What has been taken comes back by the live topic, as on every other screen.
async function take(alarm, subject) {
  const note = by("standing-note").value.trim();
  try {
    const answer = await send("/api/alarms/acknowledge", { alarm, subject, note });
    say(by("standing-trouble"), answer.ok ? "" : word(answer.status === 409 ? "notTaken" : "failedTake"));
    if (answer.ok) by("standing-note").value = "";
  } catch {
    say(by("standing-trouble"), word("failedTake"));
  }
}

// `look`: the data shown now and the server's time.
export function openAlarms(look) {
  by("alarms").addEventListener("click", (event) => {
    const sign = event.target.closest("[data-kind]");
    const { data, now } = look();
    if (!sign || !data) return;
    shownKind = sign.dataset.kind;
    say(by("standing-trouble"), "");
    by("standing-note").value = "";
    renderWindow(data, now);
    by("standing").showModal();
  });
  by("standing-note").addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it would close the window, and the note be lost
  });
}
