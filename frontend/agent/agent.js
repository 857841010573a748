// The agents' desk: puts sign-in, telephone, state and summaries together.

import { Feed } from "../board/feed.js";
import { clock } from "../board/format.js";
import { providerName, signIn, signOut, whoAmI } from "../board/session.js";
import { drawCall, listenToCall } from "./call.js";
import { Phone } from "./phone.js";
import { beReady, Ready } from "./ready.js";
import { lists, post } from "./server.js";
import { Summaries } from "./summary.js";
import { tabName } from "./tab.js";
import { fill, named, switchLanguage, word } from "./words.js";

const $ = (id) => document.getElementById(id);
const tab = tabName();
let person = null;
let known = null;
let summaries = null;
let feed = null;
let trouble = "";
let leaving = false;

const phone = new Phone({
  change: draw,
  rings: (call) => $("auto").checked && phone.answer(call),
  sound: (stream) => ($("far").srcObject = stream),
  lost: () => ready.lost(feed?.data),
  back: () => ready.back(feed?.data),
  out: (why) => (why === "session" ? leave() : say(why === "elsewhere" ? word("elsewhere") : "", why === "elsewhere")),
});
const ready = new Ready(post);

function say(text, elsewhere = false) {
  trouble = text;
  $("use-here").hidden = !elsewhere;
  draw();
}

// Does what a button asks for; what is refused stands beside it.
async function attempt(action) {
  say("");
  try {
    return await action();
  } catch (error) {
    say(error.message || word("failed"));
    return null;
  }
}

async function sit(take = false) {
  try {
    // Asked for before the first call: whoever answers must not be looking for a button then.
    for (const track of (await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks()) track.stop();
  } catch {
    return say(word("microphone"));
  }
  try {
    await phone.start(await post("/api/agent/phone", { tab, take }), tab);
    sessionStorage.setItem("seated", person.staff);
    say("");
  } catch (error) {
    const elsewhere = error.kind === "elsewhere";
    const sentence = error.status ? error.message : word("noTelephone");
    say(elsewhere ? word("elsewhere") : sentence, elsewhere || take);
  }
}

// Whether the agent sits at no telephone of this page any more.
async function logOut() {
  if (phone.state === "off") return true;
  if (!(await attempt(() => post("/api/agent/logout")))) return false;
  phone.stop();
  sessionStorage.removeItem("seated");
  draw();
  return true;
}

// The server's word: a talk that is over there is over here, too, whether or not a BYE has come through.
function told() {
  const { state, call: id, leg } = feed.data;
  const call = phone.call;
  if (call?.id) {
    const on = id === call.id && state !== "wrap_up";
    if (on) call.known = true;
    else if (call.known) phone.hangUp(call);
  }
  ready.told(feed.data, phone.state);
  if (known && ["wrap_up", "not_ready", "ready"].includes(state)) summaries.look(state === "wrap_up" ? leg : "");
  draw();
}

function draw() {
  const now = feed?.data;
  $("line").dataset.state = phone.state;
  $("line-text").textContent = `${word("line")} ${word("lineState")[phone.state]}`;
  $("trouble").textContent = trouble;
  const state = now?.state ?? "logged_out";
  $("state").dataset.state = state;
  $("state-text").textContent = word("state")[state] ?? state;
  $("state-why").textContent = why(now);
  const busy = ["ringing", "talking", "consulting", "reserved"].includes(state);
  const seated = phone.state !== "off";
  $("sit").hidden = seated;
  for (const id of ["ready", "reason", "not-ready", "log-out"]) $(id).hidden = !seated;
  $("ready").disabled = phone.state !== "ready" || state === "ready" || state === "wrap_up";
  for (const id of ["log-out", "sign-out"]) $(id).disabled = busy;
  drawCall(phone, now, known);
  tick();
}

function why(now) {
  if (!now) return "";
  if (now.state === "wrap_up") return word("wrapUp");
  const reason = now.reason || now.after_call;
  if (!reason || reason === "ready") return "";
  return word("because")[reason] ?? (named(known?.reasons.find(({ code }) => code === reason)) || reason);
}

function tick() {
  $("state-time").textContent = feed?.data ? clock(feed.now() - Date.parse(feed.data.since)) : "";
  $("call-time").textContent = phone.call ? clock(Date.now() - phone.call.since) : "";
}

async function enter(who) {
  if (who.must_change) return ask(word("mustChange"));
  if (!who.rights.some((right) => right.startsWith("agents.act"))) return ask(word("noRight"));
  person = who;
  known = await lists();
  summaries = new Summaries(known);
  document.body.dataset.signed = "in";
  $("sign-in").hidden = true;
  $("desk").hidden = false;
  $("who").textContent = `${who.name} ${who.staff}`;
  feed = new Feed({ topic: `agent:${who.staff}`, onChange: told, onState: draw, onRefused: leave });
  feed.start();
  relabel();
  await summaries.look();
  // Whoever sat in a page already, and loads it anew, sits there again.
  if (sessionStorage.getItem("seated") === who.staff) await sit();
}

function relabel() {
  fill();
  $("reason").replaceChildren(...known.reasons.map((one) => new Option(named(one), one.code)));
  $("hold-reason").replaceChildren(...known.holds.map((one) => new Option(named(one), one.code)));
  summaries.draw();
  draw();
}

// A call that is on is not ended: the browser's word that the page goes gives its customer back.
function leave() {
  leaving = true;
  feed?.stop();
  sessionStorage.removeItem("seated");
  location.reload();
}

function ask(text = "") {
  fill();
  document.body.dataset.signed = "out";
  $("sign-in").hidden = false;
  $("desk").hidden = true;
  $("sign-in-trouble").textContent = text;
}

$("sign-in-form").onsubmit = async (event) => {
  event.preventDefault();
  try {
    await enter(await signIn($("staff").value, $("password").value));
  } catch (error) {
    ask(error.message);
  }
};
$("sign-out").onclick = async () => {
  if (!(await logOut())) return;
  await signOut(person);
  leave();
};
$("language").onclick = () => {
  switchLanguage();
  if (known) relabel();
  else fill();
};
$("sit").onclick = () => sit();
$("use-here").onclick = () => sit(true);
$("ready").onclick = () => attempt(() => beReady(post));
$("not-ready").onclick = () => attempt(() => post("/api/agent/not-ready", { reason: $("reason").value }));
$("log-out").onclick = logOut;
$("auto").checked = localStorage.getItem("auto") !== "no";
$("auto").onchange = () => localStorage.setItem("auto", $("auto").checked ? "yes" : "no");
addEventListener("beforeunload", (event) => phone.call && !leaving && event.preventDefault());
setInterval(tick, 500);
listenToCall(phone, attempt, say);

fill();
const who = await whoAmI();
if (who) await enter(who);
else {
  ask();
  const provider = await providerName();
  $("by-provider").textContent = word("byProvider").replace("{name}", provider);
  $("by-provider").hidden = !provider;
}
