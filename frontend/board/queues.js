// One row for each queue: who waits, what came in, how it was served.

import { NONE, clock, keyed, make, mark, number, percent, say, seconds, urgency } from "./format.js";
import { level } from "./tiles.js";
import { partsOf, word } from "./words.js";

const by = (id) => document.getElementById(id);
const CHIPS = 5;
const USUAL_S = 10;
const COLUMNS = [
  { key: "name", title: () => word("queue") },
  { key: "waiting", title: () => word("waiting"), figure: "waiting" },
  { key: "offered", title: () => word("offered"), figure: "offered", text: (q) => number(q.offered) },
  { key: "answered", title: () => word("answered"), figure: "answered", text: (q) => number(q.answered) },
  { key: "abandoned", title: () => word("abandoned"), figure: "abandoned", text: (q) => number(q.abandoned) },
  { key: "sl", title: () => "SL", figure: "sl" },
  { key: "recent", title: () => "15′", figure: "sl_recent", text: (q) => percent(q.sl_recent) },
  { key: "answer", title: () => word("answerShort"), figure: "answer_mean_ms", text: (q) => seconds(q.answer_mean_ms) },
  { key: "handling", title: () => word("handlingShort"), figure: "handling_mean_ms", text: (q) => (q.handling_mean_ms == null ? NONE : clock(q.handling_mean_ms)) },
  { key: "ready", title: () => word("ready"), text: (q) => `${q.ready} / ${q.on_duty}` },
];

export function renderQueues(data, now) {
  const heads = keyed(by("queues-head"), COLUMNS.map(({ key }) => key), (key) => make("th", key));
  for (const column of COLUMNS) say(heads.get(column.key), column.title());
  const names = [...Object.keys(data.names.queues), ...Object.keys(data.queues)];
  const rows = keyed(by("queues"), [...new Set(names)].filter((name) => data.queues[name]), makeRow);
  const target = Number(data.names.alarms.service_level_low?.raise_at ?? 80) / 100;
  for (const [name, row] of rows) renderRow(row, name, data, now, target);
}

function makeRow(queue) {
  const row = make("tr");
  row.cells_ = {};
  for (const { key, figure } of COLUMNS) {
    const cell = make("td", key);
    if (figure) Object.assign(cell.dataset, { figure, queue });
    row.cells_[key] = cell;
    row.append(cell);
  }
  row.business = make("span", "business");
  row.tongue = make("span", "tongue");
  row.cells_.name.append(row.business, row.tongue);
  row.chips = make("span", "chips");
  row.cells_.waiting.append(row.chips);
  row.meter = make("i", "meter");
  row.level = make("b");
  row.within = make("span", "within");
  row.cells_.sl.append(row.meter, row.within, row.level);
  return row;
}

function renderRow(row, name, data, now, target) {
  const queue = data.queues[name];
  const [business, tongue] = partsOf(name, data.names);
  say(row.business, business);
  say(row.tongue, tongue);
  mark(row, "idle", !queue.offered && !queue.waiting && !queue.turned_away && !queue.callback_unserved);
  for (const { key, text } of COLUMNS) if (text) say(row.cells_[key], text(queue));
  renderChips(row.chips, data.waiting[name] ?? [], now);
  const within = Number(data.names.queues[name]?.service_level_s ?? USUAL_S);
  say(row.within, within === USUAL_S ? "" : `${within}″`); // the promise of this queue, where it is its own
  say(row.level, percent(queue.sl));
  row.meter.style.width = `${(queue.sl ?? 0) * 100}%`;
  mark(row.cells_.sl, "level", level(queue.sl, target));
  mark(row.cells_.recent, "level", level(queue.sl_recent, target));
  mark(row.cells_.ready, "level", queue.on_duty ? (queue.ready ? "good" : "fair") : "poor");
}

function renderChips(parent, waits, now) {
  const shown = waits.slice(0, waits.length > CHIPS ? CHIPS - 1 : CHIPS);
  const keys = shown.map((wait) => wait.call);
  if (waits.length > shown.length) keys.push("more");
  const chips = keyed(parent, keys, () => make("span", "chip"));
  for (const wait of shown) {
    const waited = now - Date.parse(wait.since);
    const chip = chips.get(wait.call);
    say(chip, `${Math.max(0, Math.floor(waited / 1000))}″`); // seconds, lest it be read as a count
    mark(chip, "level", urgency(waited));
  }
  if (chips.has("more")) say(chips.get("more"), `+${waits.length - shown.length}`);
}
