// The team leader's wall: signs in, follows the live topic, draws what has changed.

import { demandChange, openAccount, setPerson } from "./account.js";
import { renderAgents } from "./agents.js";
import { forgetAlarms, letTake, openAlarms, renderAlarms } from "./alarms.js";
import { openOnClick } from "./drill.js";
import { Feed } from "./feed.js";
import { mark, number, say } from "./format.js";
import { offerOwed, openOwed } from "./owed.js";
import { renderQueues } from "./queues.js";
import { providerName, signIn, signOut, whoAmI } from "./session.js";
import { renderGauge, renderTiles } from "./tiles.js";
import { renderCallers } from "./waiting.js";
import { locale, sayWords, switchLanguage, word } from "./words.js";

const by = (id) => document.getElementById(id);
const TICK_MS = 250;
const STALE_MS = 3_000;
const OLD_MS = 8_000;

let lineState = "connecting";
let due = false;
let signedIn = null;

const feed = new Feed({
  onChange: draw,
  onState: (state) => {
    lineState = state;
    renderLine();
  },
  onRefused: (why) => askToSignIn(why === "rights" ? word("noRight") : ""),
});

// Many messages between two frames of the screen are drawn once.
function draw() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    if (feed.data) render(feed.data, feed.now());
  });
}

function render(data, now) {
  by("board").hidden = false;
  renderAlarms(data, now);
  renderGauge(data);
  renderTiles(data, now);
  renderCallers(data, now);
  renderQueues(data, now);
  renderAgents(data, now);
  renderFoot(data);
}

function renderFoot({ nodes, gaps, folded, stored }) {
  const said = nodes.map((each) => `${each.node} ${each.connected ? "●" : `○ ${word("lost")}`} ${each.detail}`);
  say(by("nodes"), said.join("   "));
  mark(by("nodes"), "lost", nodes.some((each) => !each.connected));
  say(by("gaps"), gaps.length ? `⚠ ${word("gap")} × ${gaps.length}` : "");
  say(by("numbers"), `${word("folded")} #${number(folded)} · ${word("stored")} #${number(stored)}`);
}

function renderLine() {
  mark(by("line"), "state", lineState);
  say(by("line-text"), word(lineState));
}

function renderAge() {
  const age = feed.age();
  say(by("age-text"), age == null ? "–" : `${(age / 1000).toFixed(1)} ${word("unit")}`);
  mark(document.body, "age", age == null ? "none" : age < STALE_MS ? "fresh" : age < OLD_MS ? "stale" : "old");
  const now = new Date(feed.now());
  say(by("clock"), now.toLocaleTimeString(locale(), { timeZone: "Asia/Shanghai", hour12: false }));
}

function askToSignIn(trouble = "") {
  feed.stop();
  mark(document.body, "signed", "out");
  by("board").hidden = true;
  by("sign-out").hidden = true;
  offerOwed(false);
  forgetAlarms();
  signedIn = null;
  setPerson(null);
  say(by("trouble"), trouble);
  by("sign-in").hidden = false;
  by("staff").focus();
}

// `typed`: the password, if it was given just now.
function enter(person, typed = "") {
  by("password").value = "";
  signedIn = person;
  setPerson(person);
  if (person.must_change) {
    by("sign-in").hidden = true;
    return demandChange(typed);
  }
  if (!person.rights.includes("board.read")) return askToSignIn(word("noRight"));
  mark(document.body, "signed", "in");
  by("sign-in").hidden = true;
  by("sign-out").hidden = false;
  offerOwed(true);
  letTake(person.rights.includes("alarms.acknowledge"));
  feed.start();
}

async function begin() {
  try {
    const person = await whoAmI();
    if (person) enter(person);
    else askToSignIn();
  } catch {
    lineState = "broken";
    renderLine();
    setTimeout(begin, 2_000);
  }
}

by("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const typed = by("password").value;
  try {
    enter(await signIn(by("staff").value.trim(), typed), typed);
  } catch (error) {
    say(by("trouble"), error.message);
  }
});
async function leave() {
  await signOut(signedIn);
  askToSignIn();
}

async function offerProvider() {
  const name = await providerName().catch(() => "");
  by("by-provider").hidden = !name;
  by("by-provider").dataset.name = name;
  sayProvider();
}

function sayProvider() {
  say(by("by-provider"), word("byProvider").replace("{name}", by("by-provider").dataset.name ?? ""));
}

by("sign-out").addEventListener("click", leave);
by("language").addEventListener("click", () => {
  switchLanguage();
  relabel();
});

function relabel() {
  say(by("language"), word("other"));
  sayProvider();
  renderLine();
  draw();
}

sayWords();
relabel();
openAccount({ onChanged: begin, onLeft: leave });
openOwed();
openOnClick(() => feed.data?.names ?? { queues: {} });
openAlarms(() => ({ data: feed.data, now: feed.now() }));
setInterval(() => {
  renderAge();
  draw();
}, TICK_MS);
offerProvider();
begin();
