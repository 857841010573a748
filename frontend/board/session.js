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
  if (type === "/problems/locked-out") return `${word("lockedOut")} (${clock((seconds ?? 0) * 1000)})`;
  return "";
}

// Sends something to be done, with the proof that this page asks for it.
export function send(path, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}

export async function signOut() {
  await fetch("/api/session", { method: "DELETE", headers: { "X-CSRF-Token": csrf } });
}

function remember(person) {
  csrf = person.csrf_token;
  return person;
}
