// Play: the screen, what stands below it, and the keys.

import { $, ask, download, element, modelQuery, pressed, say } from "./page.js";
import { Controls } from "./controls.js";
import { Player } from "./player.js";

const WALK_SECONDS = 4;
const LONGEST_LOOP = 256;
const MOST_PINS = 16;
const KEYS = [
  ["space", "play or pause", " ", () => $("playing").click()],
  ["Home", "from the beginning", "Home", () => $("restart").click()],
  ["n", "next seed", "n", () => controls.nextSeed(1)],
  ["b", "seed before", "b", () => controls.nextSeed(-1)],
  ["r", "another seed", "r", () => controls.newSeed()],
  ["m", "another motion", "m", () => controls.newMotion()],
  ["M", "motion of the content's seed", "M", () => { $("own-motion").checked = false; controls.changed(); }],
  ["1 … 9", "class", null, null],
  ["0", "any class", "0", () => controls.pickClass(null)],
  ["x", "mix classes", "x", () => $("mix").click()],
  ["arrows", "move on the pad", null, null],
  ["Escape", "middle of the pad", "Escape", () => controls.moveTo(0, 0)],
  ["t T", "truncation down, up", null, null],
  ["- +", "speed down, up", null, null],
  ["[ ]", "frames per second down, up", null, null],
  ["p", "pin this seed", "p", () => $("pin").click()],
  ["w", "walk along the pins", "w", () => $("walk").click()],
  [", .", "back and on between the pins", null, null],
  ["l", "loop", "l", () => $("loop").click()],
  ["c", "record from the beginning, and stop", "c", () => $("record").click()],
  ["s", "save as MP4", "s", () => $("save").click()],
  ["k", "copy the command", "k", () => $("copy").click()],
  ["?", "these keys", "?", () => $("help").click()],
];
const SLIDES = {
  t: () => controls.slide("truncation", -1), T: () => controls.slide("truncation", 1),
  "-": () => controls.slide("speed", -1), "+": () => controls.slide("speed", 1),
  "[": () => controls.slide("frame-rate", -1), "]": () => controls.slide("frame-rate", 1),
  ",": () => controls.slide("at", -10), ".": () => controls.slide("at", 10),
  ArrowLeft: () => controls.moveBy(-0.25, 0), ArrowRight: () => controls.moveBy(0.25, 0),
  ArrowUp: () => controls.moveBy(0, 0.25), ArrowDown: () => controls.moveBy(0, -0.25),
};

export const controls = new Controls();
export const player = new Player($("screen"));
let restoring = null; // settings that wait for their model
let walked = null;
const pictures = []; // of the pins

export function restore(settings, model) {
  const other = model !== null && model !== $("model").value;
  if (!other) { controls.restore(settings); return; }
  restoring = settings;
  $("model").value = model;
  $("model").dispatchEvent(new Event("change"));
}

export function startPlaying() {
  listenToPlayer();
  listenToButtons();
  listenToKeys();
  controls.addEventListener("change", () => {
    if (!controls.onStrip) walk(false);
    player.set({ controls: controls.value() });
  });
  controls.addEventListener("showing", () => {
    player.set({ frame_rate: controls.frameRate, loop: controls.looping ? Math.min(controls.frames, LONGEST_LOOP) : 0 });
    $("record").disabled = controls.looping;
  });
  controls.addEventListener("pins", showPins);
  $("model").addEventListener("change", () => {
    player.forget("controls", "frame_rate", "loop");
    player.connect();
  });
  player.connect();
}

function listenToPlayer() {
  player.addEventListener("model", ({ detail }) => {
    $("notice").textContent = "";
    controls.setModel(detail);
    if (restoring) controls.restore(restoring);
    restoring = null;
    player.set({ controls: controls.value() });
  });
  player.addEventListener("lost", ({ detail }) => {
    $("notice").textContent = detail;
    pressed($("record"), false);
  });
  player.addEventListener("problem", ({ detail }) => say(detail));
  player.addEventListener("recorded", ({ detail }) => { pressed($("record"), false); download(detail); });
  player.addEventListener("rate", ({ detail }) => { $("rate").textContent = `${detail.toFixed(0)} fps`; });
}

function listenToButtons() {
  $("playing").addEventListener("click", () => {
    player.set({ playing: !player.playing });
    $("playing").setAttribute("aria-label", player.playing ? "Pause" : "Play");
    $("playing").querySelector("use").setAttribute("href", player.playing ? "#i-pause" : "#i-play");
  });
  $("restart").addEventListener("click", () => player.set({ restart: true }));
  $("loop").addEventListener("click", () => {
    pressed($("loop"), !controls.looping);
    controls.changed();
    controls.dispatchEvent(new Event("showing"));
  });
  $("record").addEventListener("click", () => {
    const recording = $("record").getAttribute("aria-pressed") !== "true";
    pressed($("record"), recording);
    player.set({ record: recording });
  });
  $("save").addEventListener("click", () => withSettings("/api/videos", ({ video }) => download(video)));
  $("copy").addEventListener("click", () => withSettings("/api/command", ({ command }) => {
    navigator.clipboard?.writeText(command).then(() => say("Copied."), () => {});
    $("said").querySelector("pre").textContent = command;
    $("said").showModal();
  }));
  $("pin").addEventListener("click", pin);
  $("walk").addEventListener("click", () => walk($("walk").getAttribute("aria-pressed") !== "true"));
  $("help").addEventListener("click", () => $("keys").showModal());
}

async function withSettings(path, use) {
  try {
    const body = JSON.stringify(controls.settings());
    use(await ask(path + modelQuery(), { method: "POST", body, headers: { "content-type": "application/json" } }));
  } catch (error) {
    say(error.message);
  }
}

function listenToKeys() {
  $("keys").querySelector("dl").append(
    ...KEYS.flatMap(([keys, what]) => [element("dt", {}, keys), element("dd", {}, what)]),
  );
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || $("play").hidden || document.querySelector("dialog[open]")) return;
    if (target.matches("input[type=number], select")) return;
    if (target.matches("input[type=range]") && /^(Arrow|Home|End|Page)/.test(key)) return;
    if (target.matches("button, input[type=checkbox]") && key === " ") return;
    const action = SLIDES[key] ?? KEYS.find(([, , its]) => its === key)?.[3];
    if (action) action();
    else if (/^[1-9]$/.test(key) && controls.classNames[key - 1] !== undefined) controls.pickClass(controls.classNames[key - 1]);
    else return;
    event.preventDefault();
  });
}

function pin() {
  if (controls.pins.length === MOST_PINS) { say(`${MOST_PINS} seeds can be pinned; let one go first.`); return; }
  controls.pins = [...controls.pins, Number($("seed").value)];
  pictures.push(picture());
  showPins();
}

function showPins() {
  pictures.length = Math.min(pictures.length, controls.pins.length);
  $("pins").replaceChildren(...controls.pins.map((seed, number) => {
    const jump = element("button", { title: `Seed ${seed}` }, pictures[number] ?? "", element("span", {}, String(seed)));
    jump.setAttribute("aria-label", `To seed ${seed}`);
    jump.addEventListener("click", () => jumpTo(number));
    const remove = element("button", { className: "remove", title: "Let this seed go" }, "×");
    remove.setAttribute("aria-label", `Let seed ${seed} go`);
    remove.addEventListener("click", () => {
      controls.pins = controls.pins.filter((_, other) => other !== number);
      pictures.splice(number, 1);
      showPins();
      controls.changed();
    });
    return element("li", {}, jump, remove);
  }));
  const many = controls.pins.length > 1;
  $("at").max = Math.max(1, controls.pins.length - 1);
  $("at").disabled = $("at").hidden = $("walk").hidden = !many;
  if (!many) walk(false);
}

function jumpTo(number) {
  if (controls.pins.length < 2) { controls.setSeed(controls.pins[number]); return; }
  walk(false);
  $("at").value = number;
  $("at").dispatchEvent(new Event("input"));
}

function picture() {
  const copy = element("canvas", { width: $("screen").width, height: $("screen").height });
  copy.getContext("2d").drawImage($("screen"), 0, 0);
  return copy;
}

function walk(on) {
  pressed($("walk"), on);
  walked = on ? { time: performance.now(), forth: 1 } : null;
  if (on) {
    controls.onStrip = true;
    requestAnimationFrame(step);
  }
}

function step(now) {
  if (walked === null) return;
  const end = controls.pins.length - 1;
  if (now - walked.time >= 80) {
    let at = Number($("at").value) + walked.forth * (now - walked.time) / 1000 / WALK_SECONDS;
    if (at >= end || at <= 0) { walked.forth = at >= end ? -1 : 1; at = Math.min(end, Math.max(0, at)); }
    walked.time = now;
    if (player.playing) { $("at").value = at; controls.changed(); }
  }
  requestAnimationFrame(step);
}
