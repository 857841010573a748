// The call on the desk: who calls, and what can be done with it.

import { post } from "./server.js";
import { named, word } from "./words.js";

const $ = (id) => document.getElementById(id);

// 138****5678, as the board has it: a screen may be looked at by others.
export function masked(number) {
  return number.length < 7 ? number : `${number.slice(0, 3)}****${number.slice(-4)}`;
}

export function drawCall(phone, now, known) {
  const { call } = phone;
  $("call").dataset.state = call?.state ?? "idle";
  $("caller").textContent = call ? masked(call.number) : word("idle");
  $("queue").textContent = call && now?.queue ? named(known?.queues.get(now.queue)) || now.queue : "";
  const late = call && now?.apologise;
  $("apology").textContent = late ? word("apologise").replace("{s}", Math.round(now.waited_ms / 1000)) : "";
  const talking = call?.state === "talking";
  $("answer").hidden = !call || talking || !call.incoming;
  $("mute").textContent = word(call?.muted ? "unmute" : "mute");
  $("mute").setAttribute("aria-pressed", Boolean(call?.muted));
  $("hold").textContent = word(call?.held ? "resume" : "hold");
  $("hold").setAttribute("aria-pressed", Boolean(call?.held));
  $("hold-reason").hidden = Boolean(call?.held);
  for (const id of ["mute", "hold", "survey"]) $(id).disabled = !talking;
  for (const field of $("transfer-form").elements) field.disabled = !talking;
}

// attempt(action): does it and shows a refusal; say(text).
export function listenToCall(phone, attempt, say) {
  $("answer").onclick = () => phone.answer();
  $("hang-up").onclick = () => phone.hangUp();
  $("mute").onclick = () => phone.mute(!phone.call.muted);
  $("hold").onclick = () => attempt(() => hold(phone));
  $("survey").onclick = () => attempt(() => post("/api/agent/survey"));
  $("transfer-form").onsubmit = (event) => {
    event.preventDefault();
    phone.transfer($("target").value).then(
      () => ($("target").value = ""),
      () => say(word("refused")),
    );
  };
}

async function hold(phone) {
  const { call } = phone;
  if (!call.held && call.id) await post("/api/agent/hold", { reason: $("hold-reason").value, consent: true });
  await phone.hold(!call.held);
}
