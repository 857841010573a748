// What the page asks of the server.

import { send } from "../board/session.js";

// The answer's body; if the server refuses, an Error with its sentence, status and kind ("elsewhere").
async function told(asked) {
  const answer = await asked;
  const text = await answer.text();
  const body = text ? JSON.parse(text) : null;
  if (answer.ok) return body;
  const faults = (body?.errors ?? []).map(({ where, problem }) => `${where}: ${problem}`);
  const sentence = [body?.detail, ...faults].filter(Boolean).join("; ");
  throw Object.assign(new Error(sentence), { status: answer.status, kind: body?.type?.split("/").at(-1) });
}

export const get = (path) => told(fetch(path));
export const post = (path, body = undefined) => told(send(path, body));

// Lists of the directory that the page shows by name.
export async function lists() {
  const [reasons, holds, queues, types] = await Promise.all([
    get("/api/directory/reasons"),
    get("/api/directory/hold-reasons"),
    get("/api/directory/queues"),
    get("/api/directory/call-types"),
  ]);
  return {
    reasons: reasons.reasons,
    holds: Object.values(holds)[0],
    queues: new Map(queues.queues.map((queue) => [queue.name, queue])),
    types: types.call_types,
  };
}
