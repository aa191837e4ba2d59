// What every part of the page uses: elements, requests, short messages.

export const $ = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The studio does not answer.");
  }
  const content = (answer.headers.get("content-type") || "").includes("json") ? await answer.json() : {};
  if (!answer.ok) throw new Error(content.problem || `The studio answered ${answer.status}.`);
  return content;
}

let hiding;
export function say(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { $("toast").hidden = true; }, 4000);
}

export const modelQuery = () => `?model=${encodeURIComponent($("model").value)}`;

export function download(video) {
  element("a", { href: `/api/videos/${video}.mp4?download`, download: "" }).click();
}

export function pressed(button, on) {
  button.setAttribute("aria-pressed", String(on));
}
