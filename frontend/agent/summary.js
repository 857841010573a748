// The summaries that are owed, and a form with what the chosen call type demands.

import { make } from "../board/format.js";
import { get, post } from "./server.js";
import { named, word } from "./words.js";

const $ = (id) => document.getElementById(id);
const CHOICES = { nature: ["ordinary", "complex", "grave"], urgency: ["high", "medium", "low"] };

export class Summaries {
  #owed = [];
  #leg = "";

  constructor(lists) {
    this.lists = lists;
    $("type").onchange = () => this.#fields();
    $("summary").onsubmit = (event) => {
      event.preventDefault();
      this.#save();
    };
  }

  async look() {
    this.#owed = (await get("/api/summaries/owed")).owed;
    this.draw();
  }

  draw() {
    if (!this.#owed.some(({ leg }) => leg === this.#leg)) this.#leg = this.#owed.at(-1)?.leg ?? "";
    $("owed").replaceChildren(...this.#owed.map((one) => this.#row(one)));
    $("nothing-owed").hidden = this.#owed.length > 0;
    $("summary").hidden = !this.#leg;
    const chosen = $("type").value;
    $("type").replaceChildren(...this.lists.types.map((type) => new Option(named(type), type.code)));
    if (chosen) $("type").value = chosen;
    this.#fields();
  }

  #row({ leg, queue, ended_at: ended }) {
    const time = new Date(ended).toLocaleTimeString("zh-CN", { hour12: false });
    const row = make("li", "", `${time} ${named(this.lists.queues.get(queue)) || queue}`);
    row.setAttribute("aria-current", leg === this.#leg);
    row.onclick = () => {
      this.#leg = leg;
      this.draw();
    };
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
