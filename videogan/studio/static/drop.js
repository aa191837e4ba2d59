// Drop: a file goes up, and what comes of it appears card by card.

import { $, ask, element, modelQuery, say } from "./page.js";
import { restore } from "./play.js";

const LOOK_EVERY = 500;

export function startDropping(openRoom) {
  const zone = $("zone");
  $("file").addEventListener("change", () => { takeAll($("file").files, openRoom); $("file").value = ""; });
  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", type === "dragover");
      if (type === "drop" && event.dataTransfer.files.length) {
        openRoom("drop");
        takeAll(event.dataTransfer.files, openRoom);
      }
    });
  }
}

function takeAll(files, openRoom) {
  for (const file of files) take(file, openRoom);
}

async function take(file, openRoom) {
  const card = element("article", { className: "card" }, element("h2", {}, file.name));
  const doing = element("p", {}, "sending …"), bar = element("progress", { max: 1 });
  card.append(doing, bar);
  $("dropped").prepend(card);
  try {
    const headers = { "content-type": "application/octet-stream", "x-file-name": encodeURIComponent(file.name) };
    const answer = await ask(`/api/clips${modelQuery()}`, { method: "POST", body: file, headers });
    if (answer.recipe) {
      bar.remove();
      doing.textContent = "Made by videogan: its settings are back.";
      restore(answer.recipe.settings, answer.recipe.model);
      if (answer.recipe.model === null) say("The model that made it is not here; its settings are tried on this one.");
      openRoom("play");
      return;
    }
    await follow(answer.clip, card, doing, bar);
  } catch (error) {
    bar.remove();
    doing.replaceWith(element("p", { className: "problem" }, error.message));
  }
}

async function follow(clip, card, doing, bar) {
  const gallery = element("div", { className: "gallery" });
  card.append(gallery);
  for (;;) {
    const now = await ask(`/api/clips/${clip}`);
    doing.textContent = `${now.doing} …`;
    bar.value = now.share;
    for (const video of now.videos.slice(gallery.children.length)) gallery.append(figure(video));
    if (now.done) {
      bar.remove();
      if (now.problem) throw new Error(now.problem);
      doing.textContent = `PSNR ${now.figures.psnr.toFixed(1)} dB, SSIM ${now.figures.ssim.toFixed(3)}`;
      return;
    }
    await new Promise((later) => setTimeout(later, LOOK_EVERY));
  }
}

function figure({ title, video }) {
  const source = `/api/videos/${video}.mp4`;
  const film = element("video", { src: source, autoplay: true, loop: true, muted: true, playsInline: true, controls: true });
  film.setAttribute("aria-label", title);
  const link = element("a", { href: `${source}?download`, download: "" }, "save");
  return element("figure", {}, film, element("figcaption", {}, element("span", {}, title), link));
}
