// The large figures: the service-level gauge and the tiles of the whole hotline.

import { NONE, clock, keyed, make, mark, number, percent, say, seconds, urgency } from "./format.js";
import { word } from "./words.js";

const by = (id) => document.getElementById(id);

export function renderGauge(data) {
  const { sl10, sl10_recent: recent, sl20 } = data.total;
  const target = Number(data.names.alarms.service_level_low?.raise_at ?? 80) / 100;
  say(by("gauge-number"), percent(sl10));
  by("gauge-value").setAttribute("stroke-dasharray", `${(sl10 ?? 0) * 100} 100`);
  by("gauge-target").setAttribute("transform", `rotate(${-90 + 180 * target} 120 140)`);
  mark(document.querySelector(".gauge-card"), "level", level(sl10, target));
  say(by("sl10-recent"), percent(recent));
  mark(by("sl10-recent"), "level", level(recent, target));
  say(by("sl20"), percent(sl20));
  say(by("target"), percent(target));
}

export function level(fraction, target) {
  if (fraction == null) return "none";
  if (fraction >= target) return "good";
  return fraction >= target - 0.1 ? "fair" : "poor";
}

// Each tile: its figure (opens into calls), its words, its value, and a line or bar beneath.
const TILES = [
  { key: "longest_wait_ms", title: "longest", live: true, value: longest, level: (data, now) => waitLevel(data, now) },
  { key: "connection_rate", title: "connection", value: (data) => percent(data.total.connection_rate), note: (data) => `${number(data.total.answered)} / ${number(data.total.offered - data.total.waiting)}` },
  { key: "answer_mean_ms", title: "answerMean", value: (data) => withUnit(data.total.answer_mean_ms), note: (data) => `${word("max")} ${withUnit(data.total.answer_max_ms)}` },
  { key: "abandoned", title: "abandoned", value: (data) => number(data.total.abandoned), bar: abandons },
  { key: "handling_mean_ms", title: "handling", value: (data) => minutes(data.total.handling_mean_ms), bar: handling },
  { key: "occupancy", title: "occupancy", closed: true, value: (data) => percent(data.total.occupancy), bar: (data) => [["talk", data.total.occupancy ?? 0, ""], ["rest", 1 - (data.total.occupancy ?? 0), ""]] },
  { key: "satisfaction_mean", title: "satisfaction", value: (data) => data.total.satisfaction_mean?.toFixed(2) ?? NONE, note: survey },
  { key: "arrived", title: "arrived", value: (data) => number(data.calls.arrived), note: (data) => `${word("inMenu")} ${data.calls.in_menu} · ${word("talking")} ${data.calls.talking} · ${word("inSurvey")} ${data.calls.in_survey}${data.calls.outside ? ` · ${word("outside")} ${data.calls.outside}` : ""}` },
];

function longest(data, now) {
  const since = data.total.longest_since;
  return since ? clock(now - Date.parse(since)) : "0:00";
}

function waitLevel(data, now) {
  const since = data.total.longest_since;
  return since ? urgency(now - Date.parse(since)) : "calm";
}

const withUnit = (ms) => (ms == null || ms >= 60_000 ? seconds(ms) : `${seconds(ms)} ${word("unit")}`);
const minutes = (ms) => (ms == null ? NONE : clock(ms));

function abandons({ total }) {
  return [
    ["quick", total.abandoned_5, `${word("quick")} ${total.abandoned_5}`],
    ["middle", total.abandoned_10, `${word("middle")} ${total.abandoned_10}`],
    ["late", total.abandoned_later, `${word("late")} ${total.abandoned_later}`],
  ];
}

function handling({ total }) {
  return [
    ["talk", total.talk_mean_ms ?? 0, `${word("talk")} ${minutes(total.talk_mean_ms)}`],
    ["hold", total.hold_mean_ms ?? 0, `${word("hold")} ${minutes(total.hold_mean_ms)}`],
    ["consult", total.consult_mean_ms ?? 0, `${word("consult")} ${minutes(total.consult_mean_ms)}`],
    ["wrapup", total.wrapup_mean_ms ?? 0, `${word("wrapup")} ${minutes(total.wrapup_mean_ms)}`],
  ].filter(([name, size]) => size || !["hold", "consult"].includes(name));
}

function survey({ total }) {
  return `${word("replied")} ${total.surveys_answered}/${total.surveys_asked} · ${word("solved")} ${percent(total.solved_rate)}`;
}

export function renderTiles(data, now) {
  const tiles = keyed(by("tiles"), TILES.map((tile) => tile.key), makeTile);
  for (const tile of TILES) {
    const element = tiles.get(tile.key);
    say(element.head, word(tile.title));
    say(element.figure, tile.value(data, now));
    if (tile.level) mark(element, "level", tile.level(data, now));
    if (tile.note) say(element.foot, tile.note(data));
    if (tile.bar) renderBar(element.share, element.foot, tile.bar(data));
  }
}

function makeTile(key) {
  const tile = TILES.find((each) => each.key === key);
  const element = make("article", "card tile");
  element.head = make("h3");
  element.figure = make(tile.closed ? "div" : "button", "value");
  if (!tile.closed) {
    element.figure.type = "button";
    element.figure.dataset.figure = key;
  }
  element.share = make("div", "bar");
  element.share.hidden = !tile.bar;
  element.foot = make("p", "note");
  element.append(element.head, element.figure, element.share, element.foot);
  return element;
}

function renderBar(bar, note, parts) {
  const segments = keyed(bar, parts.map(([name]) => name), (name) => make("i", `part ${name}`));
  const notes = keyed(note, parts.filter(([, , text]) => text).map(([name]) => name), (name) => make("span", `key ${name}`));
  for (const [name, size, text] of parts) {
    segments.get(name).style.flexGrow = size;
    if (text) say(notes.get(name), text);
  }
}
