// Elements are made from values only: no text of a chip is ever read as markup.

export const byId = (id) => document.getElementById(id);

/** Return a new element: attributes (or properties that are functions), then children or texts. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Text of a chip, in its own direction. */
export const text = (value, attributes = {}) => make("bdi", attributes, value);

const shown = new WeakMap();

/** Replace the children of an element, unless they were made from the same value before. */
export function render(element, value, children) {
  const key = JSON.stringify(value ?? null);
  if (shown.get(element) === key) return false;
  shown.set(element, key);
  element.replaceChildren(...children());
  return true;
}
