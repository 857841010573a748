// Numbers and times as people read them, and small helpers for elements.

export const NONE = "–";

export const percent = (fraction) => (fraction == null ? NONE : `${(fraction * 100).toFixed(fraction === 1 ? 0 : 1)}%`);
export const number = (value) => (value == null ? NONE : value.toLocaleString("en-US"));
export const seconds = (ms) => (ms == null ? NONE : ms < 60_000 ? (ms / 1000).toFixed(1) : clock(ms));

// 0:07, 12:34, 1:02:03
export function clock(ms) {
  const all = Math.max(0, Math.floor(ms / 1000));
  const two = (value) => String(value).padStart(2, "0");
  const minutes = Math.floor(all / 60) % 60;
  return all < 3600
    ? `${minutes}:${two(all % 60)}`
    : `${Math.floor(all / 3600)}:${two(minutes)}:${two(all % 60)}`;
}

// How urgent a wait is: the caller should be answered within ten seconds.
export function urgency(ms) {
  if (ms >= 10_000) return "late";
  if (ms >= 8_000) return "near";
  return ms >= 5_000 ? "soon" : "calm";
}

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

// Changes the page only where it differs: thousands of figures a minute must not make it flicker.
export function say(element, text) {
  const said = String(text);
  if (element.textContent !== said) element.textContent = said;
}

export function mark(element, name, value) {
  if (element.dataset[name] !== String(value)) element.dataset[name] = value;
}

// Children by key, in order; made when new, dropped when gone.
export function keyed(parent, keys, create) {
  parent.keyed ??= new Map();
  const wanted = new Set(keys);
  for (const [key, element] of parent.keyed) {
    if (!wanted.has(key)) {
      element.remove();
      parent.keyed.delete(key);
    }
  }
  let after = null;
  for (const key of keys) {
    let element = parent.keyed.get(key);
    if (!element) {
      element = create(key);
      parent.keyed.set(key, element);
    }
    const place = after ? after.nextSibling : parent.firstChild;
    if (place !== element) parent.insertBefore(element, place);
    after = element;
  }
  return parent.keyed;
}
