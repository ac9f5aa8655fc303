// A result: portrait, holder, permit, and the checks.

import { byId, make, text } from "./dom.js";
import { livePicture, slot } from "./live.js";
import { image } from "./server.js";

const images = new Map();

async function imageOf(path) {
  if (!images.has(path)) images.set(path, image(path));
  return images.get(path);
}

/** Forget the images of results that the desk has forgotten. */
export function keepOnly(numbers) {
  for (const [path, address] of images) {
    if (numbers.includes(Number(path.split("/")[2]))) continue;
    images.delete(path);
    address.then((found) => found && URL.revokeObjectURL(found));
  }
}

/** The name of a State by its two letters, which the browser knows in every language. */
function valueOf(row, language) {
  if (!row.region) return row.text;
  const name = new Intl.DisplayNames([language], { type: "region", fallback: "none" }).of(row.region);
  return name ? `${name} (${row.text})` : row.text;
}

const rows = (list, language) =>
  make("dl", {}, ...list.flatMap((row) => [make("dt", {}, row.label), make("dd", {}, text(valueOf(row, language)))]));

function picture(path, caption, broken, words, zoom) {
  const figure = make("figure", { class: "face" }, make("div", { class: "nothing" }, "…"), make("figcaption", {}, caption));
  imageOf(path).then((address) => {
    const shown = address
      ? make("button", { type: "button", class: "picture", click: zoom, "aria-label": `${words["page.enlarge"]}: ${caption}` },
          make("img", { src: address, alt: caption }))
      : make("p", { class: "nothing" }, broken);
    figure.firstChild.replaceWith(shown);
  });
  return figure;
}

const ZOOMS = [1, 1.5, 2, 3, 4];
let zoomed = 0;

/** Show the images of the dialog larger or smaller. */
export function zoomBy(steps) {
  zoomed = Math.max(0, Math.min(ZOOMS.length - 1, zoomed + steps));
  byId("zoom-images").style.setProperty("--zoom", ZOOMS[zoomed]);
  byId("zoom-out").disabled = zoomed === 0;
  byId("zoom-in").disabled = zoomed === ZOOMS.length - 1;
}

/** Save the report as a file, where the officer wants it. */
async function save(number) {
  const address = await image(`/report/${number}`);
  if (!address) return;
  make("a", { href: address, download: `report-${number}.html` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function openZoom(title, paths) {
  zoomBy(-ZOOMS.length);
  byId("zoom-title").textContent = title;
  Promise.all(paths.map((path) => (path.startsWith("blob:") ? path : imageOf(path)))).then((addresses) => {
    byId("zoom-images").replaceChildren(...addresses.filter(Boolean).map((src) => make("img", { src, alt: title })));
    byId("zoom").showModal();
  });
}

function permit(view, language) {
  return make("section", { class: view.muted ? "card permit muted" : "card permit", "aria-labelledby": "permit-title" },
    make("h2", { id: "permit-title" }, view.title),
    view.claim ? make("p", { class: "claim" }, view.claim) : null,
    view.over ? make("p", { class: "claim" }, view.over) : null,
    make("p", { class: "category" }, text(view.category)),
    make("ul", { class: "tiles" }, ...view.tiles.map((tile) => make("li", { class: `tile ${tile.sign}` }, make("b", {}, tile.label), make("span", {}, text(tile.text))))),
    rows(view.rows, language));
}

function problem(check, words) {
  return make("li", { class: `problem ${check.outcome}` },
    make("div", { class: "top" }, make("h3", {}, check.title), make("span", { class: `outcome ${check.outcome}` }, `${check.sign} ${check.word}`)),
    make("p", { class: "reason", lang: "en" }, text(check.reason)),
    check.next ? make("p", { class: "next" }, `${words["report.next"]}: ${check.next}`) : null,
    make("p", { class: "soft" }, `${words["report.clause"]}: `, text(check.clause, { lang: "en" }), ` · ${check.id}`));
}

function folded(title, checks) {
  return make("details", { class: "card" }, make("summary", {}, title),
    make("ul", { class: "checks" }, ...checks.map((check) =>
      make("li", {},
        make("span", {}, make("span", { class: `outcome ${check.outcome}` }, `${check.sign} ${check.word}`), ` ${check.title}`),
        make("span", { class: "reason", lang: "en" }, text(check.reason), ` [${check.clause}]`)))));
}

export function report(view, words, language) {
  const portrait = `/portrait/${view.number}`;
  const zoom = () => openZoom(view.portrait_text, [...(view.portrait ? [portrait] : []), ...(livePicture() ? [livePicture()] : [])]);
  const [first] = view.holder;
  const faces = make("div", { class: "faces" },
    view.portrait
      ? picture(portrait, view.portrait_text, view.portrait_broken, words, zoom)
      : make("figure", { class: "face" }, make("p", { class: "nothing" }, view.portrait_text)),
    slot(words, zoom));
  const holder = make("section", { class: "card", "aria-labelledby": "holder-title" },
    make("h2", { id: "holder-title" }, words["page.holder"]),
    view.claim ? make("p", { class: "claim" }, view.claim) : null,
    first ? make("p", { class: "name" }, text(view.holder_name)) : null,
    rows(view.holder, language),
    make("h2", { class: "gap" }, words["page.document"]),
    rows(view.document, language),
    view.mrz ? make("pre", { class: "mrz", tabindex: "0", "aria-label": words["page.mrz"] }, view.mrz) : null);
  const closed = !view.holder.length && !view.document.length;
  const parts = [];
  if (view.problems.length) {
    parts.push(make("section", { class: "card", "aria-labelledby": "problems-title" },
      make("h2", { id: "problems-title" }, words["report.problems"]),
      make("ol", { class: "problems" }, ...view.problems.map((check) => problem(check, words)))));
  }
  if (!closed || view.portrait) {
    const facts = make("div", { class: "facts" }, view.permit ? permit(view.permit, language) : null, holder);
    if (view.permit_absent) facts.prepend(make("p", { class: "card" }, view.permit_absent));
    const person = make("div", { class: "person" }, faces, facts);
    if (view.verdict === "accept") parts.unshift(person);
    else parts.push(person);
  }
  if (view.fingers.length) {
    parts.push(make("section", { class: "card", "aria-labelledby": "fingers-title" },
      make("h2", { id: "fingers-title" }, words["page.fingers"]),
      make("div", { class: "fingers" }, ...view.fingers.map((finger, at) => {
        const path = `/finger/${view.number}/${at + 1}`;
        return picture(path, finger.text, finger.broken, words, () => openZoom(finger.text, [path]));
      }))));
  }
  if (view.passed.length) parts.push(folded(view.passed_text, view.passed));
  if (view.skipped.length) parts.push(folded(view.skipped_text, view.skipped));
  parts.push(make("details", { class: "card" }, make("summary", {}, words["page.grounds"]), rows(view.facts, language)));
  parts.push(make("p", { class: "actions" }, make("button", { type: "button", class: "quiet", click: () => save(view.number) }, words["page.save"])));
  return parts;
}
