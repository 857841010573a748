// Signing in and out.

import { clock } from "./format.js";
import { word } from "./words.js";

let csrf = "";

// The person, or null if nobody is signed in. Throws if the server cannot be reached.
export async function whoAmI() {
  const answer = await fetch("/api/session");
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(`session: ${answer.status}`);
  return remember(await answer.json());
}

// The person; an Error with a sentence for people if they cannot be signed in.
export async function signIn(staff, password) {
  let answer;
  try {
    answer = await fetch("/api/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ staff, password }),
    });
  } catch {
    throw new Error(word("failed"));
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(refusal(body) || body.detail || word("failed"));
  return remember(body);
}

// The page's own words for the refusals people meet; the server's are English.
function refusal({ type, retry_after_s: seconds }) {
  if (type === "/problems/wrong-sign-in") return word("wrongSignIn");
  if (type === "/problems/provider-only") return word("providerOnly");
  if (type === "/problems/locked-out") return `${word("lockedOut")} (${clock((seconds ?? 0) * 1000)})`;
  return "";
}

// Sends something to be done, with the proof that this page asks for it.
export function send(path, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}

export async function signOut(person) {
  // keepalive: also when the page is left or closed right after the click.
  await fetch("/api/session", { method: "DELETE", headers: { "X-CSRF-Token": csrf }, keepalive: true });
  // Whoever came by the provider would be let in again by it without a word.
  if (person?.way === "provider") location.assign("/api/session/oidc/out");
}

// What the identity provider is called; "" if there is none.
export async function providerName() {
  const answer = await fetch("/api/sign-in");
  return answer.ok ? (await answer.json()).provider : "";
}

// An empty string if the password is another one now, else why it is not, in a sentence for people.
export async function changePassword(old, fresh) {
  try {
    const answer = await send("/api/session/password", { old, new: fresh });
    if (answer.ok) return "";
    const problem = await answer.json();
    const faults = (problem.errors ?? []).map(({ code }) => word("faults")[code]).filter(Boolean);
    return faults.join(word("and")) || refusal(problem) || word("failedChange");
  } catch {
    return word("failedChange");
  }
}

// The living sessions of the person, newest first; null if they cannot be had.
export async function mySessions() {
  const answer = await fetch("/api/sessions");
  return answer.ok ? (await answer.json()).sessions : null;
}

// Whether the session is over now.
export async function endSession(id) {
  const headers = { "X-CSRF-Token": csrf };
  const answer = await fetch(`/api/sessions/${encodeURIComponent(id)}`, { method: "DELETE", headers });
  return answer.ok || answer.status === 404;
}

function remember(person) {
  csrf = person.csrf_token;
  return person;
}
