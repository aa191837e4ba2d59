// The controls of Play: what they hold is sent by the player, and a recipe sets them.

import { $, element, pressed } from "./page.js";

const DICE = 100_000; // short numbers can be read and typed again
const PAD_REACH = 4;
const round = (value) => Math.round(value * 100) / 100;
const label = (id) => document.querySelector(`output[for="${id}"]`);

export class Controls extends EventTarget {
  pins = [];
  onStrip = false; // whether the pins, not the seed, say what is shown
  classNames = [];
  #class = null; // by name; null is the seed's own
  #offsets = [0, 0];

  constructor() {
    super();
    for (const id of ["motion", "truncation", "speed", "mix", "own-motion"]) {
      $(id).addEventListener("input", () => this.changed());
    }
    for (const id of ["frame-rate", "frames"]) {
      $(id).addEventListener("input", () => { this.#show(); this.dispatchEvent(new Event("showing")); });
    }
    $("seed").addEventListener("input", () => { this.onStrip = false; this.changed(); });
    $("at").addEventListener("input", () => { this.onStrip = true; this.changed(); });
    $("seed-dice").addEventListener("click", () => this.newSeed());
    $("motion-dice").addEventListener("click", () => this.newMotion());
    $("centre").addEventListener("click", () => this.moveTo(0, 0));
    this.#listenToPad();
    this.#show();
  }

  setModel({ classes, frame_rate }) {
    if (classes.join("\n") !== this.classNames.join("\n")) {
      this.classNames = classes;
      this.#class = null;
      $("classes").replaceChildren(...["any", ...classes].map((name, index) => {
        const button = element("button", { type: "button" }, name);
        button.addEventListener("click", () => this.pickClass(index ? name : null));
        return button;
      }));
      $("shares").replaceChildren(...classes.map((name, index) => {
        const id = `share-${index}`;
        const range = element("input", { type: "range", id, min: 0, max: 1, step: 0.05, value: 0 });
        range.addEventListener("input", () => this.changed());
        return element("div", { className: "share" }, element("label", { htmlFor: id }, name), range);
      }));
    }
    $("classes").hidden = $("mix-label").hidden = !classes.length;
    this.modelRate = frame_rate;
    $("frame-rate").value = Math.round(frame_rate);
    this.#show();
  }

  get frameRate() {
    const rate = Number($("frame-rate").value);
    return rate === Math.round(this.modelRate) ? this.modelRate : rate;
  }

  get frames() { return Math.min(4096, Math.max(1, Math.round(Number($("frames").value)) || 128)); }

  get looping() { return $("loop").getAttribute("aria-pressed") === "true"; }

  value() {
    const onStrip = this.onStrip && this.pins.length > 1;
    return {
      seeds: onStrip ? this.pins : [this.#number("seed")],
      at: onStrip ? Math.min(Number($("at").value), this.pins.length - 1) : 0,
      motion_seed: $("own-motion").checked ? this.#number("motion") : null,
      classes: this.#shares(),
      truncation: Number($("truncation").value),
      speed: round(2 ** Number($("speed").value)),
      offsets: this.#offsets.map(round),
    };
  }

  settings() {
    const own = this.frameRate === this.modelRate;
    return { controls: this.value(), frames: this.frames, loop: this.looping, frame_rate: own ? null : this.frameRate };
  }

  restore({ controls, frames, loop, frame_rate }) {
    this.onStrip = controls.seeds.length > 1;
    if (this.onStrip) this.pins = controls.seeds;
    $("seed").value = controls.seeds[0];
    $("own-motion").checked = controls.motion_seed !== null;
    $("motion").value = controls.motion_seed ?? 0;
    const shares = controls.classes ?? [];
    const single = shares.filter((share) => share > 0).length === 1;
    $("mix").checked = shares.length > 0 && !single;
    this.#class = single ? this.classNames[shares.findIndex((share) => share > 0)] : null;
    shares.forEach((share, index) => { if ($(`share-${index}`)) $(`share-${index}`).value = share; });
    $("truncation").value = controls.truncation;
    $("speed").value = Math.log2(controls.speed);
    $("frames").value = frames;
    $("frame-rate").value = Math.round(frame_rate ?? this.modelRate);
    this.#offsets = controls.offsets;
    pressed($("loop"), loop);
    this.dispatchEvent(new Event("pins"));
    $("at").value = controls.at;
    this.changed();
    this.dispatchEvent(new Event("showing"));
  }

  changed() {
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  setSeed(seed) { $("seed").value = Math.max(0, seed); this.onStrip = false; this.changed(); }
  nextSeed(by) { this.setSeed(this.#number("seed") + by); }
  newSeed() { this.setSeed(Math.floor(Math.random() * DICE)); }

  newMotion() {
    $("own-motion").checked = true;
    $("motion").value = Math.floor(Math.random() * DICE);
    this.changed();
  }

  pickClass(name) {
    if ($("mix").checked && name !== null) {
      const range = $(`share-${this.classNames.indexOf(name)}`);
      range.value = Number(range.value) > 0 ? 0 : 1;
    } else {
      this.#class = name;
      $("mix").checked = false;
    }
    this.changed();
  }

  moveTo(x, y) {
    this.#offsets = [x, y].map((value) => Math.min(PAD_REACH, Math.max(-PAD_REACH, value)));
    this.changed();
  }

  moveBy(x, y) { this.moveTo(this.#offsets[0] + x, this.#offsets[1] + y); }

  slide(id, steps) {
    $(id).value = Number($(id).value) + steps * Number($(id).step);
    $(id).dispatchEvent(new Event("input"));
  }

  #number(id) { return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.round(Number($(id).value)) || 0)); }

  #shares() {
    if (!this.classNames.length) return null;
    if (!$("mix").checked) return this.#class === null ? null : this.classNames.map((name) => Number(name === this.#class));
    const shares = this.classNames.map((_, index) => Number($(`share-${index}`).value));
    return shares.some((share) => share > 0) ? shares : null;
  }

  #show() {
    const mix = $("mix").checked, looping = this.looping;
    $("shares").hidden = !mix;
    [...$("classes").children].forEach((button, index) => {
      const on = mix ? index > 0 && Number($(`share-${index - 1}`).value) > 0 : this.#class === (index ? button.textContent : null);
      pressed(button, on);
    });
    label("truncation").textContent = Number($("truncation").value).toFixed(2);
    label("speed").textContent = `${round(2 ** Number($("speed").value))} ×`;
    label("frame-rate").textContent = $("frame-rate").value;
    const [x, y] = this.#offsets, dot = $("pad").firstElementChild;
    dot.style.left = `${50 + 50 * x / PAD_REACH}%`;
    dot.style.top = `${50 - 50 * y / PAD_REACH}%`;
    $("pad").setAttribute("aria-valuenow", round(x));
    $("pad").setAttribute("aria-valuetext", `${round(x)} and ${round(y)} standard deviations`);
    // A loop shows one seed's own content and motion.
    $("pad").setAttribute("aria-disabled", String(looping));
    $("own-motion").disabled = looping;
    $("motion").disabled = looping || !$("own-motion").checked;
  }

  #listenToPad() {
    const pad = $("pad");
    const move = (event) => {
      const box = pad.getBoundingClientRect();
      this.moveTo(
        ((event.clientX - box.left) / box.width - 0.5) * 2 * PAD_REACH,
        (0.5 - (event.clientY - box.top) / box.height) * 2 * PAD_REACH,
      );
    };
    pad.addEventListener("pointerdown", (event) => { pad.setPointerCapture(event.pointerId); move(event); });
    pad.addEventListener("pointermove", (event) => { if (pad.hasPointerCapture(event.pointerId)) move(event); });
  }
}
