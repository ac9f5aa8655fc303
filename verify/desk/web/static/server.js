// Requests to the desk.  The key is kept for this window; see verify/desk/web/access.py.

const KEY = "chipseal-desk-key";

/** Take the key from the address, once, and remove it from there. */
export function takeKey() {
  const found = new URLSearchParams(location.hash.slice(1)).get("key");
  if (found) {
    sessionStorage.setItem(KEY, found);
    history.replaceState(null, "", "/");
  }
  return sessionStorage.getItem(KEY) !== null;
}

/** The statuses of an answer that says in words why the desk does not do it. */
export const REFUSALS = [404, 409, 422];

const headers = () => ({ "x-desk-key": sessionStorage.getItem(KEY) ?? "" });

export const get = (path) => fetch(path, { headers: headers(), cache: "no-store" });

export const post = (path, body) =>
  fetch(path, { method: "POST", headers: { ...headers(), "content-type": "application/json" }, body: JSON.stringify(body) });

/** Return an image's blob address; null if it cannot be shown. */
export async function image(path) {
  const response = await get(path);
  return response.ok ? URL.createObjectURL(await response.blob()) : null;
}

/** Call `take` with each state until `signal` aborts; returns the status of a refusal, or 0. */
export async function follow(language, take, signal) {
  const response = await fetch(`/events?language=${language}`, { headers: headers(), cache: "no-store", signal });
  if (!response.ok) return response.status;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return 0;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) if (part.startsWith("data: ")) take(JSON.parse(part.slice(6)));
  }
}
