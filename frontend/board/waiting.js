// Callers who wait, the longest first, each with a bar that fills towards ten seconds.

import { clock, keyed, make, mark, say, urgency } from "./format.js";
import { partsOf, word } from "./words.js";

const by = (id) => document.getElementById(id);
const SHOWN = 9;

export function renderCallers(data, now) {
  const callers = Object.entries(data.waiting)
    .flatMap(([queue, waits]) => waits.map((wait) => ({ queue, ...wait, at: Date.parse(wait.since) })))
    .sort((one, other) => one.at - other.at || (one.call < other.call ? -1 : 1));
  say(by("waiting-count"), callers.length);
  mark(by("waiting-count"), "level", callers.length ? urgency(now - callers[0].at) : "calm");
  const shown = callers.slice(0, callers.length > SHOWN ? SHOWN - 1 : SHOWN);
  const keys = shown.map((caller) => caller.call);
  if (callers.length > shown.length) keys.push("more");
  if (!callers.length) keys.push("nobody");
  const rows = keyed(by("callers"), keys, makeCaller);
  for (const caller of shown) renderCaller(rows.get(caller.call), caller, data.names, now);
  if (rows.has("more")) say(rows.get("more"), `+ ${callers.length - shown.length}`);
  if (rows.has("nobody")) say(rows.get("nobody"), word("nobodyWaits"));
}

function makeCaller(key) {
  if (key === "more" || key === "nobody") return make("li", key);
  const row = make("li", "caller");
  row.fill = make("i", "fill");
  row.queue = make("span", "caller-queue");
  row.tongue = make("span", "tongue");
  row.vip = make("span", "vip");
  row.number = make("span", "caller-number");
  row.time = make("b", "caller-time");
  row.append(row.fill, row.queue, row.tongue, row.vip, row.number, row.time);
  return row;
}

function renderCaller(row, caller, names, now) {
  const waited = now - caller.at;
  mark(row, "level", urgency(waited));
  const [business, tongue] = partsOf(caller.queue, names);
  say(row.queue, business);
  say(row.tongue, tongue);
  say(row.vip, caller.vip ? word("vip") : "");
  say(row.number, caller.caller || "***");
  say(row.time, clock(waited));
  row.fill.style.width = `${Math.min(100, waited / 100)}%`;
}
