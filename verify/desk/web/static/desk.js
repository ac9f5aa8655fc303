// The page of the desk: shows each state that the desk sends, and sends what the officer does.

import { byId, make, render, text } from "./dom.js";
import * as entry from "./entry.js";
import { forgetPicture } from "./live.js";
import { keepOnly, report, zoomBy } from "./report.js";
import { follow, get, post, REFUSALS, takeKey } from "./server.js";
import { play } from "./sound.js";

const RETRY_MS = 1000;
const settings = {
  get: (name) => localStorage.getItem(`desk-${name}`),
  set: (name, value) => localStorage.setItem(`desk-${name}`, value),
};
let words = {};
let language = settings.get("language") ?? (navigator.language.startsWith("de") ? "de" : "en");
let before = { phase: "", number: 0 };
let stopping = new AbortController();

/** Tell the desk what the officer wants; show why, if it refuses. */
async function act(body) {
  const response = await post(`/officer?language=${language}`, body);
  if (!REFUSALS.includes(response.status)) return;
  const { refused } = await response.json();
  byId("text").textContent = byId("alert").textContent = refused;
}

const actionButton = (action, quiet) =>
  make("button", { type: "button", class: quiet ? "quiet" : false, click: () => act(action) }, action.label);

function showPhase(view) {
  const phase = byId("phase");
  const busy = view.phase === "inspecting" ? "busy" : view.phase;
  phase.className = `phase ${view.tone} ${busy}`;
  byId("title").textContent = view.title;
  const parts = view.report ? [view.report.meaning, view.report.do, view.text] : [view.text];
  render(byId("text"), parts, () => [parts.filter(Boolean).join(" ")]);
  render(byId("actions"), view.actions, () => view.actions.map((each) => actionButton(each, each.quiet)));
}

function showProgress(view) {
  byId("progress").hidden = !view.steps;
  if (!view.steps) return;
  const { stages, lines, octets, done, of } = view.steps;
  render(byId("stages"), stages, () =>
    stages.map((each) => make("li", { class: each.state, "aria-current": each.state === "running" ? "step" : false }, each.text)));
  const meter = byId("meter");
  meter.hidden = view.phase !== "inspecting"; // a bar without a value moves
  if (of) [meter.max, meter.value] = [of, done];
  else meter.removeAttribute("value");
  byId("octets").textContent = octets;
  const list = byId("lines");
  if (render(list, lines, () => lines.map((each) => make("li", { class: each.sign }, text(each.text))))) list.scrollTop = list.scrollHeight;
}

function showRest(view) {
  const reader = byId("reader");
  reader.textContent = view.reader.text;
  reader.className = `reader ${view.reader.tone}`;
  byId("notices").hidden = !view.notices.length;
  render(byId("notices"), view.notices, () =>
    view.notices.map((each) => make("li", {}, make("span", {}, text(each.text)), each.action ? actionButton(each.action, true) : null)));
  render(byId("history"), view.history, () =>
    view.history.map((each) =>
      make("li", {},
        make("button", { type: "button", class: each.verdict, "aria-current": each.shown ? "true" : false, click: () => act({ do: "recall", number: each.number }) },
          make("b", {}, `${each.word} · ${each.time}`), make("span", {}, text(each.name || each.document || "–"))))));
  byId("history-empty").hidden = view.history.length > 0;
  render(byId("grounds"), view.grounds, () => view.grounds.map((each) => make("li", { class: each.warns ? "warns" : false }, text(each.text))));
  byId("lock").hidden = view.phase === "locked";
}

/** Tell a screen reader about a change of phase; a verdict interrupts it. */
function announce(view, changed) {
  if (!changed) return;
  const said = [view.title, view.report?.meaning ?? view.text].filter(Boolean).join(". ");
  byId(view.report || view.tone === "warn" ? "alert" : "status").textContent = said;
}

function show(view) {
  const number = view.report?.number ?? 0;
  const changed = view.phase !== before.phase || number !== before.number || view.title !== before.title;
  document.title = `${view.title} – ${words["page.title"]}`;
  showPhase(view);
  showProgress(view);
  showRest(view);
  const article = byId("report");
  article.hidden = !view.report;
  keepOnly(view.history.map((each) => each.number));
  if (number !== before.number) forgetPicture();
  render(article, view.report && [view.report, language], () => (view.report ? report(view.report, words, language) : []));
  byId("entry").classList.toggle("next", view.phase === "showing");
  byId("input-label").textContent = words[view.phase === "showing" ? "page.input-next" : "page.input"];
  if (view.asks) entry.ask(changed && view.phase !== "showing");
  else byId("entry").hidden = true;
  if (view.prepared && !before.prepared) entry.clear();
  if (changed && (view.phase === "showing" || view.phase === "locked" || (view.phase === "ready" && view.tone === "plain"))) entry.clear();
  if (changed && view.phase === "showing") {
    if (byId("zoom").open) byId("zoom").close();
    byId("phase").focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
    if (settings.get("sound") === "on") play(view.report.verdict);
  }
  if (changed && view.phase !== "showing" && byId("zoom").open) byId("zoom").close();
  announce(view, changed);
  before = { phase: view.phase, number, title: view.title, prepared: view.prepared };
}

/** Show that the desk is out of reach, or not open to this window. */
function showAway(which) {
  const view = { phase: "away", tone: "warn", title: words[`page.${which}.title`], text: words[`page.${which}.text`], actions: [] };
  showPhase(view);
  announce(view, before.phase !== "away");
  before = { phase: "away", number: 0 };
  for (const id of ["entry", "progress", "report", "notices"]) byId(id).hidden = true;
  for (const id of ["report", "history", "notices", "lines"]) render(byId(id), null, () => []);
  byId("reader").textContent = "";
  if (byId("zoom").open) byId("zoom").close();
  entry.clear();
  keepOnly([]);
  forgetPicture();
}

async function setLanguage(tag) {
  const response = await get(`/words?language=${tag}`);
  if (!response.ok) return false;
  const found = await response.json();
  language = found.language;
  words = found.texts;
  settings.set("language", language);
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = words[element.dataset.word];
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", words[element.dataset.label]);
  byId("language").replaceChildren(
    ...Object.entries(found.languages).map(([key, name]) => make("option", { value: key, lang: key, selected: key === language }, name)));
  entry.setLanguage(language, words);
  entry.setKeep(found.keep);
  return true;
}

function toggle(id, change) {
  const button = byId(id);
  const set = (on) => {
    button.setAttribute("aria-pressed", String(on));
    settings.set(id, on ? "on" : "off");
    change?.(on);
  };
  set(settings.get(id) === "on");
  button.addEventListener("click", () => set(button.getAttribute("aria-pressed") !== "true"));
}

async function run() {
  const refusedWords = { "page.refused.title": "This page is not open to this window", "page.refused.text": "The desk is open in another window. Use that one, or start it again." };
  for (;;) {
    stopping = new AbortController();
    try {
      if (!(await setLanguage(language))) {
        words = refusedWords;
        showAway("refused");
        return;
      }
      await follow(language, show, stopping.signal);
    } catch {
      // The desk has ended, or the language has changed.
    }
    if (!stopping.signal.aborted) {
      showAway("lost");
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

toggle("sound");
toggle("large", (on) => {
  document.documentElement.classList.toggle("large", on);
  entry.resize();
});
byId("lock").addEventListener("click", () => act({ do: "lock" }));
byId("language").addEventListener("change", (event) => {
  language = event.target.value;
  stopping.abort();
});
byId("zoom-in").addEventListener("click", () => zoomBy(1));
byId("zoom-out").addEventListener("click", () => zoomBy(-1));
byId("zoom-close").addEventListener("click", () => byId("zoom").close());
takeKey();
run();
