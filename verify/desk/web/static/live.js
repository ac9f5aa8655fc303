// The slot for a live image beside the portrait: a file or the camera.  It never leaves this window.

import { make } from "./dom.js";

let picture = null;
let stream = null;

const forget = () => {
  if (picture) URL.revokeObjectURL(picture);
  picture = null;
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
};

/** Return the slot; `zoom` is called when the picture is to be enlarged. */
export function slot(words, zoom) {
  const box = make("figure", { class: "face live" });
  const show = (...children) => box.replaceChildren(...children, make("figcaption", {}, words["page.live"]), tools());
  const choose = (event) => {
    const [file] = event.target.files;
    if (!file) return;
    forget();
    picture = URL.createObjectURL(file);
    still();
  };
  const still = () =>
    show(
      make("button", { type: "button", class: "picture", click: () => zoom(), "aria-label": `${words["page.enlarge"]}: ${words["page.live"]}` },
        make("img", { src: picture, alt: words["page.live"] })),
    );
  const empty = () => show(make("p", { class: "nothing" }, words["page.live-none"]));
  const camera = async () => {
    let found;
    try {
      found = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 }, audio: false });
    } catch {
      show(make("p", { class: "nothing", role: "status" }, words["page.live-failed"]));
      return;
    }
    forget();
    stream = found;
    if (!box.isConnected) return forget(); // the result has gone while the browser was asking
    const video = make("video", { autoplay: true, muted: true, playsinline: true });
    video.srcObject = stream;
    show(video);
  };
  const take = () => {
    const video = box.querySelector("video");
    const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => {
      forget();
      picture = URL.createObjectURL(blob);
      still();
    });
  };
  const remove = () => {
    forget();
    empty();
  };
  const tools = () => {
    const button = (key, click) => make("button", { type: "button", class: "quiet", click }, words[key]);
    const file = make("label", { class: "button" }, words["page.live-choose"], make("input", { type: "file", accept: "image/*", change: choose }));
    const parts = [file];
    if (stream) parts.push(button("page.live-take", take));
    else if (navigator.mediaDevices) parts.push(button("page.live-camera", camera));
    if (picture || stream) parts.push(button("page.live-remove", remove));
    return make("div", { class: "actions" }, ...parts);
  };
  if (picture) still();
  else empty();
  return box;
}

export const livePicture = () => picture;
export const forgetPicture = forget;
