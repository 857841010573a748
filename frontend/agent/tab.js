// What this tab calls itself: the same after it is loaded anew, another one in every other tab.

const KEY = "agent-tab";

export function tabName() {
  const [entry] = performance.getEntriesByType("navigation");
  const kept = entry?.type === "reload" ? sessionStorage.getItem(KEY) : null;
  const name = kept ?? random();
  sessionStorage.setItem(KEY, name);
  return name;
}

// crypto.randomUUID is there over HTTPS alone.
function random() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
