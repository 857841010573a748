// What a person sees of their own account: the sign-in before, where they are signed in, and their password.

import { make, mark, say } from "./format.js";
import { changePassword, endSession, mySessions } from "./session.js";
import { locale, word } from "./words.js";

const by = (id) => document.getElementById(id);
let person = null;
let changed = () => {};
let left = () => {};

// onChanged: the password is another one, and everything else is open now. onLeft: somebody who has to change it would rather sign out.
export function openAccount({ onChanged, onLeft }) {
  changed = onChanged;
  left = onLeft;
  by("who").addEventListener("click", showAccount);
  by("account-close").addEventListener("click", () => by("account").close());
  by("account-password").addEventListener("click", () => {
    by("account").close();
    showChange("");
  });
  by("change-form").addEventListener("submit", change);
  by("change-leave").addEventListener("click", leave);
  // Escape closes a window, but not the one that everything else waits for.
  by("change").addEventListener("cancel", (event) => {
    if (person?.must_change) event.preventDefault();
  });
}

export function setPerson(who) {
  person = who;
  say(by("who"), who ? `${who.name} ${who.staff}` : "");
  mark(by("who"), "failed", (who?.before?.failed ?? 0) > 0);
  by("who").title = who ? before() : "";
  if (who) return;
  by("account").close();
  by("change").close();
}

// The form at once, for whoever may do nothing else; `old` as it was typed just now.
export function demandChange(old) {
  showChange(old);
}

function showChange(old) {
  const must = person.must_change;
  by("change-form").reset();
  by("change-staff").value = person.staff;
  by("old-password").value = old;
  say(by("change-why"), must ? word(must === "initial" ? "mustInitial" : "mustExpired") : "");
  say(by("change-rule"), word("passwordRule").replace("{n}", person.password_length));
  say(by("change-leave"), word(must ? "signOut" : "close"));
  say(by("change-trouble"), "");
  if (!by("change").open) by("change").showModal();
  by(old ? "new-password" : "old-password").focus();
}

async function change(event) {
  event.preventDefault();
  const fresh = by("new-password").value;
  if (fresh !== by("again-password").value) return say(by("change-trouble"), word("notTheSame"));
  const trouble = await changePassword(by("old-password").value, fresh);
  say(by("change-trouble"), trouble);
  if (trouble) return;
  by("change-form").reset();
  by("change").close();
  if (person.must_change) changed();
}

function leave() {
  by("change-form").reset();
  by("change").close();
  if (person.must_change) left();
}

async function showAccount() {
  say(by("account-name"), `${person.name} ${person.staff}`);
  say(by("account-before"), before());
  say(by("account-trouble"), "");
  by("account-password").hidden = person.way === "provider";
  await listSessions();
  if (!by("account").open) by("account").showModal();
}

function before() {
  const last = person.before;
  if (!last) return word("firstSignIn");
  const failed = last.failed ? ` · ${word("failedSince")} ${last.failed}` : "";
  return `${word("lastSignIn")} ${when(last.at)} ${last.address}${failed}`;
}

async function listSessions() {
  const living = await mySessions().catch(() => null);
  if (!living) return say(by("account-trouble"), word("failedSessions"));
  by("account-sessions").replaceChildren(...living.map(row));
}

function row(session) {
  const item = make("li");
  const time = make("time", "", when(session.started_at));
  const where = make("span", "", `${session.address} ${session.client}`);
  where.title = session.client;
  const end = make("button", "quiet", word(session.current ? "thisOne" : "endSession"));
  end.type = "button";
  end.disabled = session.current;
  end.addEventListener("click", async () => {
    const over = await endSession(session.id).catch(() => false);
    if (over) await listSessions();
    else say(by("account-trouble"), word("failedSessions"));
  });
  item.append(time, where, end);
  return item;
}

function when(iso) {
  return new Date(iso).toLocaleString(locale(), { timeZone: "Asia/Shanghai", hour12: false });
}
