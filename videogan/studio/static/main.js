// Begins everything: the list of models, the three rooms, and the tabs that open them.

import { $, ask, element, say } from "./page.js";
import { startDropping } from "./drop.js";
import { startPlaying } from "./play.js";
import { refresh, startWatching } from "./watch.js";

const ROOMS = ["play", "drop", "watch"];

function openRoom(room) {
  for (const name of ROOMS) {
    $(name).hidden = name !== room;
    $(`tab-${name}`).setAttribute("aria-selected", String(name === room));
    $(`tab-${name}`).tabIndex = name === room ? 0 : -1;
  }
  history.replaceState(null, "", `#${room}`);
  if (room === "watch") refresh();
}

for (const name of ROOMS) {
  const tab = $(`tab-${name}`);
  tab.addEventListener("click", () => openRoom(name));
  tab.addEventListener("keydown", ({ key }) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!by) return;
    const other = ROOMS[(ROOMS.indexOf(name) + by + ROOMS.length) % ROOMS.length];
    openRoom(other);
    $(`tab-${other}`).focus();
  });
}

try {
  const { models, first } = await ask("/api/models");
  $("model").replaceChildren(...models.map((name) => element("option", { value: name }, name)));
  $("model").value = first;
  startPlaying();
  startDropping(openRoom);
  startWatching();
  openRoom(ROOMS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "play");
} catch (error) {
  say(error.message);
}
