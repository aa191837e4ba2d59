// The connection to the studio: frames come in and are drawn, settings go out, and a lost connection comes back.

import { $, modelQuery } from "./page.js";

const HEAD = 8;

export class Player extends EventTarget {
  #socket = null;
  #state = {}; // what was set so far, sent again after a loss
  #next = null;
  #times = [];
  #retry = 500;

  constructor(canvas) {
    super();
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    setInterval(() => this.#tell("rate", this.#rate()), 500);
    document.addEventListener("visibilitychange", () => this.#send({ playing: this.#shouldPlay() }));
  }

  connect() {
    this.#socket?.close();
    const socket = new WebSocket(`ws${location.protocol.slice(4)}//${location.host}/play${modelQuery()}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { this.#retry = 500; this.#send({ ...this.#state, playing: this.#shouldPlay() }); };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.#hear(JSON.parse(data)) : this.#queue(data));
    socket.onclose = ({ reason }) => {
      if (socket !== this.#socket) return;
      this.#tell("lost", reason || "The connection is lost; trying again …");
      setTimeout(() => socket === this.#socket && this.connect(), this.#retry);
      this.#retry = Math.min(this.#retry * 2, 5000);
    };
    this.#socket = socket;
  }

  set(changes) {
    const lasting = { ...changes };
    for (const once of ["restart", "record"]) delete lasting[once];
    Object.assign(this.#state, lasting);
    this.#send("playing" in changes ? { ...changes, playing: this.#shouldPlay() } : changes);
  }

  forget(...names) {
    for (const name of names) delete this.#state[name];
  }

  get playing() { return this.#state.playing !== false; }

  #shouldPlay() { return this.playing && !document.hidden; }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  #hear(content) {
    for (const [type, detail] of Object.entries(content)) this.#tell(type, detail);
  }

  #queue(data) {
    // Of several frames that arrive between two repaints the last one is drawn.
    if (this.#next === null) requestAnimationFrame(() => this.#draw());
    this.#next = data;
    this.#times.push(performance.now());
    this.#send({ seen: new DataView(data).getUint32(0, true) });
  }

  #draw() {
    const data = this.#next, head = new DataView(data);
    this.#next = null;
    const height = head.getUint16(4, true), width = head.getUint16(6, true);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const pixels = new Uint8Array(data, HEAD), image = this.context.createImageData(width, height);
    for (let from = 0, to = 0; from < pixels.length; from += 3, to += 4) {
      image.data[to] = pixels[from];
      image.data[to + 1] = pixels[from + 1];
      image.data[to + 2] = pixels[from + 2];
      image.data[to + 3] = 255;
    }
    this.context.putImageData(image, 0, 0);
    this.#tell("frame", head.getUint32(0, true));
  }

  #rate() {
    const since = performance.now() - 2000;
    this.#times = this.#times.filter((time) => time > since);
    return this.#times.length / 2;
  }
}
