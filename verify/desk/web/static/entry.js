// The field for the MRZ or the CAN: a scanner that types, a paste, or the keyboard.
// Which characters are right is decided by the desk (emrtd.mrz), not here.

import { byId, make, render } from "./dom.js";
import { post, REFUSALS } from "./server.js";

const WHOLE = new Set([90, 72, 88]); // TD1; TD2 and MRV-B; TD3 and MRV-A
const field = byId("typed");
let language = "en";
let asked = 0;
let words = {};
let keepMs = Infinity;
let idle = 0;

const compact = () => field.value.replace(/\s/g, "");

/** Whether Enter should read the card, rather than begin the next line. */
function seemsWhole() {
  const text = compact();
  return WHOLE.has(text.length) || /^[0-9]{6,16}$/.test(text) || text.includes(",");
}

/** Forget what was typed, and not sent or sent in vain, when nobody has touched it for as long as a result is kept. */
function restart() {
  clearTimeout(idle);
  if (Number.isFinite(keepMs)) idle = setTimeout(clear, keepMs);
}

export function setKeep(seconds) {
  keepMs = 1000 * seconds;
  restart();
}

async function look() {
  restart();
  const number = ++asked;
  if (!compact()) return show({ text: "", fields: [] });
  const response = await post(`/typed?language=${language}`, { text: field.value.slice(0, 400) });
  if (response.ok && number === asked) show(await response.json());
}

function show(typed) {
  const line = byId("typed-text");
  if (line.textContent !== typed.text) line.textContent = typed.text;
  field.setAttribute("aria-invalid", typed.fields.some((each) => each.state === "wrong") ? "true" : "false");
  render(byId("typed-fields"), typed.fields, () =>
    typed.fields.map((each) =>
      make("li", { class: `mark ${each.state}` }, `${each.label}: ${each.word}`, ...each.hints.map((hint) => ` – ${hint}`)),
    ),
  );
}

async function submit() {
  const number = ++asked;
  const response = await post(`/officer?language=${language}`, { do: "password", text: field.value });
  if (REFUSALS.includes(response.status) && number === asked) byId("typed-text").textContent = (await response.json()).refused;
  else if (response.ok) field.dataset.given = "yes";
}

export function clear() {
  ++asked;
  field.value = "";
  delete field.dataset.given;
  show({ text: "", fields: [] });
}

/** Show the field, ready for the next scan: what was given before is selected, so that it is replaced. */
export function ask(focus) {
  byId("entry").hidden = false;
  if (!focus) return;
  field.focus({ preventScroll: true });
  if (field.dataset.given) {
    delete field.dataset.given;
    field.select();
    look();
  }
}

export function setLanguage(tag, texts) {
  language = tag;
  words = texts;
  keypad();
  if (compact()) look();
}

function keypad() {
  const insert = (character) => () => {
    field.value += character;
    look();
  };
  const keys = [..."1234567890"].map((digit) => make("button", { type: "button", class: "quiet", click: insert(digit) }, digit));
  const remove = () => {
    field.value = field.value.slice(0, -1);
    look();
  };
  keys.push(make("button", { type: "button", class: "quiet", click: remove, "aria-label": words["page.delete"] ?? "" }, "⌫"));
  byId("keypad").replaceChildren(...(document.documentElement.classList.contains("large") ? keys : []));
}

export const resize = keypad;

field.addEventListener("input", look);
field.addEventListener("paste", () => setTimeout(() => WHOLE.has(compact().length) && submit()));
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && seemsWhole()) {
    event.preventDefault();
    submit();
  }
});
byId("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
// A scanner types wherever the focus is: lead it here.
document.addEventListener("keydown", (event) => {
  const away = document.activeElement?.closest("input, select, textarea, dialog");
  if (away || event.ctrlKey || event.metaKey || event.altKey || byId("entry").hidden) return;
  if (/^[A-Za-z0-9<]$/.test(event.key)) field.focus();
});
