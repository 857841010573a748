// The summaries that are owed, and a form with what the chosen call type demands.

import { make } from "../board/format.js";
import { get, post } from "./server.js";
import { named, word } from "./words.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 400;
const TRIES = 40;
const CHOICES = { nature: ["ordinary", "complex", "grave"], urgency: ["high", "medium", "low"] };

export class Summaries {
  #owed = [];
  #leg = "";
  #timer = 0;

  constructor(lists) {
    this.lists = lists;
    $("type").onchange = () => this.#fields();
    $("summary").onsubmit = (event) => {
      event.preventDefault();
      this.#save();
    };
  }

  // leg: of the talk that has just ended; what it owes is written down a moment later.
  async look(leg = "", tries = TRIES) {
    clearTimeout(this.#timer);
    this.#owed = (await get("/api/summaries/owed")).owed;
    if (this.#owed.some((one) => one.leg === leg)) return this.#choose(leg);
    this.draw();
    if (leg && tries) this.#timer = setTimeout(() => this.look(leg, tries - 1), AGAIN_MS);
  }

  // What has been written about one talk is not said of another.
  #choose(leg) {
    if (this.#leg !== leg) $("fields").replaceChildren();
    this.#leg = leg;
    this.draw();
  }

  draw() {
    if (!this.#owed.some(({ leg }) => leg === this.#leg)) this.#leg = this.#owed.at(-1)?.leg ?? "";
    $("owed").replaceChildren(...this.#owed.map((one) => this.#row(one)));
    $("nothing-owed").hidden = this.#owed.length > 0;
    $("summary").hidden = !this.#leg;
    $("summary").dataset.leg = this.#leg;
    const chosen = $("type").value;
    $("type").replaceChildren(...this.lists.types.map((type) => new Option(named(type), type.code)));
    if (chosen) $("type").value = chosen;
    this.#fields();
  }

  #row({ leg, queue, ended_at: ended }) {
    const time = new Date(ended).toLocaleTimeString("zh-CN", { hour12: false });
    const row = make("li", "", `${time} ${named(this.lists.queues.get(queue)) || queue}`);
    row.setAttribute("aria-current", leg === this.#leg);
    row.onclick = () => this.#choose(leg);
    return row;
  }

  #fields() {
    const type = this.lists.types.find(({ code }) => code === $("type").value);
    const before = this.#values();
    $("fields").replaceChildren(...(type?.mandatory ?? []).map((name) => this.#field(name, before[name] ?? "")));
  }

  #field(name, value) {
    const label = make("label");
    const field = make(CHOICES[name] ? "select" : "input");
    for (const code of CHOICES[name] ?? []) field.append(new Option(word("choices")[code], code));
    field.name = name;
    if (name === "read_back") field.type = "checkbox";
    else if (name === "callback_due") field.type = "datetime-local";
    if (value === true) field.checked = true;
    else if (value) field.value = value;
    label.append(make("span", "", word("fields")[name] ?? name), field);
    return label;
  }

  #values() {
    return Object.fromEntries([...$("fields").querySelectorAll("[name]")].map((field) => [field.name, written(field)]));
  }

  async #save() {
    $("summary-trouble").textContent = "";
    try {
      await post("/api/summaries", { leg: this.#leg, type: $("type").value, ...this.#values() });
      $("fields").replaceChildren();
      await this.look();
    } catch (error) {
      $("summary-trouble").textContent = error.message || word("failed");
    }
  }
}

function written({ type, value, checked }) {
  if (type === "checkbox") return checked;
  return type === "datetime-local" && value ? new Date(value).toISOString() : value;
}
