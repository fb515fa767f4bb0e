// The kiosk's hands: keypad, focus on each new question, the way back to start, the word when the line is dead.

import "./night.mjs";

const QUESTION_S = 60;
const WARNING_S = 15;
const screenNode = document.getElementById("screen");
const dialog = document.getElementById("still-there");
const offline = document.getElementById("offline");
let touched = performance.now();

const entryOf = (keys) => keys.closest("form").querySelector(`[name="${keys.dataset.keysFor}"]`);

/** Shows the keys that fit: a plate begins with a province and goes on with letters and digits. */
function fitKeys(entry) {
  for (const keys of entry.form.querySelectorAll("[data-when]")) {
    keys.hidden = (keys.dataset.when === "empty") !== (entry.value === "");
  }
}

function press(key) {
  const keys = key.closest("[data-keys-for]");
  const entry = entryOf(keys);
  if (key.dataset.erase === "all") entry.value = "";
  else if (key.dataset.erase === "one") entry.value = entry.value.slice(0, -1);
  else if (entry.value.length < entry.maxLength) entry.value += key.dataset.key;
  fitKeys(entry);
}

document.addEventListener("click", (event) => {
  const key = event.target.closest("[data-key], [data-erase]");
  if (key) press(key);
});
document.addEventListener("input", (event) => {
  if (event.target.matches(".entry.plate")) {
    event.target.value = event.target.value.toUpperCase();
    fitKeys(event.target);
  }
});

/** A new question: look at it, and let a reader of the screen say it. */
function arrive() {
  touched = performance.now();
  const entry = screenNode.querySelector(".entry");
  if (entry) {
    fitKeys(entry);
    entry.focus();
    return;
  }
  screenNode.querySelector("h1")?.focus();
}

/** Back to the first question; while the garage is away this page stays, for a browser's error page has no way back. */
async function goToStart() {
  const left = performance.now();
  touched = left;
  if (dialog.open) dialog.close();
  try {
    await fetch("/health/live");
    if (touched === left) location.assign("/kiosk"); // whoever touches the screen meanwhile stays
  } catch {
    offline.hidden = false;
  }
}

const secondsOf = (name) => {
  const node = screenNode.querySelector(`[data-${name}]`);
  return node ? Number(node.getAttribute(`data-${name}`)) : null;
};

function watch() {
  const idle_s = (performance.now() - touched) / 1000;
  const leave_s = secondsOf("leave") ?? secondsOf("refresh");
  if (leave_s !== null && idle_s > leave_s) {
    goToStart();
    return;
  }
  const isQuestion = screenNode.querySelector("[data-question]") !== null;
  const left_s = QUESTION_S - idle_s;
  if (!isQuestion || left_s > WARNING_S) {
    if (dialog.open) dialog.close();
    return;
  }
  if (left_s <= 0) {
    goToStart();
    return;
  }
  const hint = document.getElementById("still-there-hint");
  hint.textContent = hint.dataset.text.replace("{n}", Math.ceil(left_s));
  if (!dialog.open) dialog.showModal();
}

for (const kind of ["pointerdown", "keydown"]) {
  document.addEventListener(kind, () => {
    touched = performance.now();
  });
}
document.addEventListener("htmx:after:swap", arrive);
document.addEventListener("htmx:error", () => {
  offline.hidden = false;
});
document.addEventListener("htmx:after:request", () => {
  offline.hidden = true;
});
dialog.querySelector("button").addEventListener("click", () => dialog.close());
setInterval(watch, 500);
arrive();
