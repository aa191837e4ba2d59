// Watch: runs as they train, one or two side by side.

import { $, ask, element } from "./page.js";

const LOOK_EVERY = 4000;
const COLOURS = ["#5b5bd6", "#e5484d", "#30a46c", "#f76b15", "#0090ff", "#d6409f", "#86a300", "#8d8d99"];
const cards = new Map(); // by name of the run

export function startWatching() {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const card of cards.values()) card.redraw();
  });
  for (const id of ["run", "other"]) $(id).addEventListener("change", () => refresh());
  const look = async () => {
    if (!$("watch").hidden && !document.hidden) await refresh();
    setTimeout(look, LOOK_EVERY);
  };
  look();
}

export async function refresh() {
  try {
    const runs = await ask("/api/runs");
    fill($("run"), runs, []);
    fill($("other"), runs, [element("option", { value: "" }, "nothing")]);
    const names = [...new Set([$("run").value, $("other").value])].filter(Boolean);
    if (!names.length) $("shown").replaceChildren(element("p", {}, "No run yet: videogan train CLIPS begins one."));
    else if (!cards.size) $("shown").replaceChildren(element("p", {}, "Reading what the run has written …"));
    for (const name of [...cards.keys()]) if (!names.includes(name)) { cards.get(name).card.remove(); cards.delete(name); }
    for (const name of names) {
      const report = await ask(`/api/runs/${encodeURIComponent(name)}`);
      if (!cards.has(name)) {
        if (!cards.size) $("shown").replaceChildren();
        cards.set(name, new RunCard(name));
        $("shown").append(cards.get(name).card);
      }
      cards.get(name).show(report);
    }
  } catch (error) {
    $("shown").replaceChildren(element("p", { className: "problem" }, error.message));
    cards.clear();
  }
}

function fill(select, runs, first) {
  const value = select.value, listed = runs.map(({ name, state }) => `${name} (${state})`);
  if (select.dataset.listed === listed.join("\n")) return; // an open list would close
  select.dataset.listed = listed.join("\n");
  select.replaceChildren(...first, ...runs.map(({ name }, at) => element("option", { value: name }, listed[at])));
  if ([...select.options].some((option) => option.value === value)) select.value = value;
}

function time(seconds) {
  const minutes = Math.round(seconds / 60);
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

class RunCard {
  #plots = new Map(); // by title

  constructor(name) {
    this.name = name;
    this.facts = element("p", { className: "facts" });
    this.bar = element("progress", { max: 1 });
    this.real = film("real clips");
    this.samples = film("generated");
    this.slider = element("input", { type: "range", min: 0, max: 0, value: 0 });
    this.slider.setAttribute("aria-label", "Preview of which step");
    this.slider.addEventListener("input", () => { this.following = false; this.preview(); });
    this.following = true;
    this.verdict = element("ul", { className: "verdict" });
    this.plots = element("div", { className: "plots" });
    this.pair = element("div", { className: "pair" }, this.real.figure, this.samples.figure);
    this.card = element(
      "article", { className: "card" }, element("h2", {}, name), this.facts, this.bar, this.pair, this.slider,
      this.verdict, this.plots,
    );
  }

  show(report) {
    const facts = [
      ["", report.state], ["step ", `${report.step} of ${report.steps}`], ["spent ", time(report.seconds)],
      ...(report.left === null ? [] : [["left ", `about ${time(report.left)}`]]),
      ...(report.clips_per_second ? [["", `${report.clips_per_second.toFixed(1)} clips/s`]] : []),
    ];
    this.facts.replaceChildren(...facts.map(([name, value]) => element("span", {}, name, element("b", {}, value))));
    this.bar.value = report.steps ? report.step / report.steps : 0;
    this.previews = report.previews;
    this.pair.hidden = !report.previews.length;
    this.slider.hidden = report.previews.length < 2;
    this.slider.max = Math.max(0, report.previews.length - 1);
    if (this.following) this.slider.value = this.slider.max;
    if (report.reals) this.real.play(this.address("reals"), "real clips");
    this.preview();
    this.verdict.replaceChildren(...report.verdict.map(({ name, ratio, words, well }) =>
      element("li", { className: well ? "well" : "" }, `${name} ${ratio.toFixed(2)} of real clips': ${words}`)));
    for (const curve of report.curves) this.plot(curve);
  }

  address(video) { return `/api/runs/${encodeURIComponent(this.name)}/${video}.mp4`; }

  preview() {
    const name = this.previews[Number(this.slider.value)];
    if (name) this.samples.play(this.address(name), `step ${Number(name.slice(5))}`);
  }

  redraw() {
    for (const { plot } of this.#plots.values()) plot.redraw();
  }

  plot({ title, series }) {
    const steps = [...new Set(Object.values(series).flatMap(([at]) => at))].sort((a, b) => a - b);
    const rows = Object.values(series).map(([at, values]) => {
      const by = new Map(at.map((step, index) => [step, values[index]]));
      return steps.map((step) => by.get(step) ?? null);
    });
    const names = Object.keys(series).join("\n"), data = [steps, ...rows];
    const old = this.#plots.get(title);
    if (old?.names === names) { old.plot.setData(data); return; }
    old?.place.remove();
    const place = element("div", {}, element("h3", {}, title));
    this.plots.append(place);
    const ink = () => getComputedStyle(document.body).getPropertyValue("--soft");
    const line = () => getComputedStyle(document.body).getPropertyValue("--line");
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const plot = new uPlot({
      width: Math.max(280, place.clientWidth), height: 180,
      scales: { x: { time: false } },
      axes: [axis, { ...axis, size: 60 }],
      series: [{ label: "step" }, ...Object.keys(series).map((label, index) => ({
        label, stroke: COLOURS[index % COLOURS.length], width: 1.5, spanGaps: true, points: { show: steps.length < 3 },
        value: (_, value) => (value === null ? "–" : Number(value.toPrecision(3)).toString()),
      }))],
    }, data, place);
    new ResizeObserver(() => plot.setSize({ width: Math.max(280, place.clientWidth), height: 180 })).observe(place);
    this.#plots.set(title, { names, plot, place });
  }
}

function film(caption) {
  const video = element("video", { autoplay: true, loop: true, muted: true, playsInline: true });
  const words = element("figcaption", {}, caption);
  const figure = element("figure", {}, video, words);
  return {
    figure,
    play(source, text) {
      if (video.getAttribute("src") === source) return;
      video.src = source;
      video.setAttribute("aria-label", text);
      words.textContent = text;
    },
  };
}
