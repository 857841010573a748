// Agents by state, each with a clock since when; those who ask for help come first.

import { clock, keyed, make, mark, say } from "./format.js";
import { becauseOf, current, label, stateName, word } from "./words.js";

const by = (id) => document.getElementById(id);
const ORDER = ["talking", "consulting", "ringing", "reserved", "wrap_up", "ready", "not_ready"];
// From when on a state is remarkable, in ms.
const LONG = { talking: 300_000, ringing: 10_000, reserved: 10_000, wrap_up: 60_000, not_ready: 1_800_000 };

const nameOf = (agent) => (current() === "en" && agent.name_en) || agent.name || agent.agent;

export function renderAgents(data, now) {
  const agents = Object.values(data.agents);
  const here = agents.filter((agent) => agent.state !== "logged_out").sort(inOrder);
  renderStates(here);
  const cards = keyed(by("agents"), here.map((agent) => agent.agent), makeCard);
  for (const agent of here) renderCard(cards.get(agent.agent), agent, data.names, now);
  const gone = agents.filter((agent) => agent.state === "logged_out");
  const names = gone.map(nameOf).join(current() === "zh" ? "、" : ", ");
  say(by("absent"), gone.length ? `${word("absent")} ${gone.length}${current() === "zh" ? "：" : ": "}${names}` : "");
}

function inOrder(one, other) {
  const help = Boolean(other.help_since) - Boolean(one.help_since);
  return help || ORDER.indexOf(one.state) - ORDER.indexOf(other.state) || (one.agent < other.agent ? -1 : 1);
}

function renderStates(here) {
  const counts = new Map(ORDER.map((state) => [state, 0]));
  for (const agent of here) counts.set(agent.state, (counts.get(agent.state) ?? 0) + 1);
  const present = ORDER.filter((state) => counts.get(state));
  const segments = keyed(by("states-bar"), present, (state) => make("i", `segment ${state}`));
  const legend = keyed(by("states"), present, (state) => make("span", `key ${state}`));
  for (const state of present) {
    segments.get(state).style.flexGrow = counts.get(state);
    say(legend.get(state), `${stateName(state)} ${counts.get(state)}`);
  }
}

function makeCard() {
  const card = make("div", "agent");
  card.name = make("b", "agent-name");
  card.number = make("span", "agent-number");
  card.what = make("span", "agent-what");
  card.time = make("time", "agent-time");
  card.flags = make("span", "agent-flags");
  const head = make("div", "agent-head");
  const body = make("div", "agent-body");
  head.append(card.name, card.number, card.flags);
  body.append(card.what, card.time);
  card.append(head, body);
  return card;
}

function renderCard(card, agent, names, now) {
  const lasted = now - Date.parse(agent.since);
  mark(card, "state", agent.state);
  mark(card, "long", lasted >= (LONG[agent.state] ?? Infinity));
  mark(card, "help", Boolean(agent.help_since));
  say(card.name, nameOf(agent));
  say(card.number, agent.agent);
  say(card.time, clock(lasted));
  say(card.what, whatOf(agent, names));
  say(card.flags, flagsOf(agent, now));
}

function whatOf(agent, names) {
  if (agent.state === "not_ready") return label(names.reasons[agent.reason], becauseOf(agent.reason) || stateName(agent.state));
  const queue = agent.queue && label(names.queues[agent.queue], agent.queue);
  if (agent.state === "talking" && queue) return queue;
  return queue ? `${stateName(agent.state)} · ${queue}` : stateName(agent.state);
}

function flagsOf(agent, now) {
  const flags = [];
  if (agent.help_since) flags.push(`${word("help")} ${clock(now - Date.parse(agent.help_since))}`);
  if (agent.held_since) flags.push(`${word("hold")} ${clock(now - Date.parse(agent.held_since))}`);
  if (agent.asking_since) flags.push(`${word("consult")} ${clock(now - Date.parse(agent.asking_since))}`);
  if (agent.device_lost) flags.push(word("phoneLost"));
  if (agent.unanswered > 1) flags.push(`${word("missed")} ${agent.unanswered}`);
  return flags.join(" · ");
}
