// Hold-to-run: a press starts one move, refreshes keep it going, anything else lets it go.
//
// Nothing here makes a move safe: the PLC stops by itself when the refreshes go missing. This page only sees to it
// that they do as soon as the finger, the focus, the tab or the network is gone.

const REFRESH_MS = 100;
const LOOK_MS = 700;
const page = document.getElementById("by-hand");
const words = JSON.parse(document.getElementById("words").textContent);
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const base = `/api/v1/modules/${encodeURIComponent(page.dataset.module)}`;
const byId = (id) => document.getElementById(id);

let token = sessionStorage.getItem(base) ?? "";
let counter = Date.now();
let held = null;
let timer = 0;
let pending = false;

const next = () => (counter = Math.max(counter + 1, Date.now()));

async function send(method, path, body, keepalive = false) {
  const answer = await fetch(base + path, {
    method, keepalive, headers: body ? { "Content-Type": "application/json" } : {}, body: body && JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.reasons.map((r) => (language === "zh" ? r.text_zh : r.text_en) + (r.about ? ` (${r.about})` : "")).join(" "));
  return told;
}

function trouble(text) {
  byId("trouble").textContent = text ? `▲ ${text}` : "";
  byId("trouble").hidden = !text;
}

async function press(button, move) {
  if (held || !token) return;
  held = button;
  button.classList.add("held");
  trouble("");
  try {
    await send("POST", "/manual/moves", { token, counter: next(), ...move });
    if (held === button) timer = setInterval(refresh, REFRESH_MS);
    else letGo();
  } catch (error) {
    release();
    trouble(error.message);
  }
}

async function refresh() {
  if (pending) return; // a slow network is a lost network: the PLC counts
  pending = true;
  try {
    await send("POST", "/manual/hold", { token, counter: next() });
  } catch (error) {
    release();
    trouble(error instanceof TypeError ? words.hand_lost : error.message);
  } finally {
    pending = false;
  }
}

function release() {
  if (!held) return;
  held.classList.remove("held");
  held = null;
  clearInterval(timer);
  letGo();
}

function letGo() {
  send("POST", "/manual/let-go", { token }, true).catch(() => trouble(words.hand_lost));
}

function arm(button, move) {
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    press(button, move());
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave", "lostpointercapture"]) button.addEventListener(end, release);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
}

for (const end of ["blur", "pagehide", "offline"]) window.addEventListener(end, release);
document.addEventListener("visibilitychange", () => document.hidden && release());
window.addEventListener("pointerup", release);

for (const row of document.querySelectorAll(".moves")) {
  const value = (name) => Number(row.querySelector(`[name=${name}]`)?.value ?? 0);
  for (const button of row.querySelectorAll(".hold")) {
    arm(button, () => ({ move: button.dataset.move, level: value("level"), first: value("first"), second: value("second") }));
  }
}

async function attempt(work) {
  try {
    trouble("");
    await work();
  } catch (error) {
    trouble(error.message);
  }
  await look();
}

const onSubmit = (id, work) => byId(id).addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(event.target));
  attempt(() => work(fields));
});

onSubmit("take", async ({ reason }) => {
  token = (await send("POST", "/manual", { reason })).token;
  sessionStorage.setItem(base, token);
});
onSubmit("bypass", ({ interlock, reason }) => send("POST", "/manual/bypass", { token, interlock, reason }));
onSubmit("lock", ({ reason }) => send("PUT", "/lock", { reason }));
byId("release").addEventListener("click", () => attempt(() => send("POST", "/manual/release", { token })));
byId("unlock").addEventListener("click", () => attempt(() => send("DELETE", "/lock")));
byId("grant").addEventListener("click", (event) => attempt(() => send("POST", "/manual/bypass/grant", { interlock: event.target.dataset.interlock })));

function item(text, className = "") {
  const line = document.createElement("li");
  line.textContent = text;
  line.className = className;
  return line;
}

function stepItem(step) {
  const why = step.reasons.map((r) => (language === "zh" ? r.text_zh : r.text_en)).join(" ");
  const text = language === "zh" ? step.text_zh : step.text_en;
  const line = item(`${step.allowed ? "→" : `(${words.hand_not_yet})`} ${text} ${why}`, step.allowed ? "" : "not-yet");
  line.dataset.do = step.do;
  if (step.jog) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "hold";
    button.textContent = `${words.hand_hold}: ${text}`;
    button.disabled = !step.allowed;
    arm(button, () => step.jog);
    line.append(" ", button);
  }
  return line;
}

let shownLocks = "";

/** Somebody else's lock: an administrator may ask that it goes, and another person agrees. */
function lockItem(lock) {
  const asked = lock.removal;
  const line = item(`${lock.operator}: ${lock.reason}${asked ? ` · ${words.hand_removal_asked} ${asked.operator}: ${asked.reason}` : ""}`);
  line.dataset.owner = lock.operator;
  const path = `/locks/${encodeURIComponent(lock.operator)}/removal`;
  const add = (word, test, work) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = word;
    button.dataset.test = test;
    button.addEventListener("click", () => attempt(work));
    line.append(" ", button);
  };
  const me = page.dataset.me;
  if (lock.operator === me) return line;
  if (page.dataset.role === "administrator" && asked?.operator !== me) {
    add(words.hand_removal_ask, "removal-ask", () => {
      const reason = byId("lock").reason.value.trim();
      if (!reason) throw new Error(words.hand_removal_reason);
      return send("POST", path, { reason });
    });
  }
  if (asked && asked.operator !== me) add(words.hand_removal_grant, "removal-grant", () => confirm(words.hand_removal_sure) && send("POST", `${path}/grant`));
  return line;
}

function showLocks(locks) {
  const looks = JSON.stringify(locks);
  if (looks === shownLocks) return;
  shownLocks = looks;
  byId("locks").replaceChildren(...locks.map(lockItem));
}

let shown = "";

function show(found) {
  const mine = found.holder?.operator === page.dataset.me && token;
  const holder = found.holder ? `${found.holder.operator} (${found.holder.reason})` : words.hand_nobody;
  const stop = found.last_stop ? ` · ${words.hand_stopped}: ${found.last_stop.text}` : "";
  byId("state").textContent = `${words[`module_${found.state}`]} · ${words.hand_holder}: ${holder}${found.moving ? ` · ${words.hand_moving}` : ""}${stop}`;
  byId("release").disabled = !mine;
  const bypass = found.bypass;
  byId("bypass-state").textContent = bypass ? `${words[`hand_${bypass.interlock}`]}: ${bypass.reason}${bypass.second ? ` ✓ ${bypass.second}` : ""}` : "";
  byId("grant").hidden = !bypass || Boolean(bypass.second) || found.holder?.operator === page.dataset.me;
  byId("grant").dataset.interlock = bypass?.interlock ?? "";
  showLocks(found.locks);
  byId("stranded").replaceChildren(...found.stranded.map((one) => item(language === "zh" ? one.text_zh : one.text_en)));
  byId("waiting").replaceChildren(...found.waiting.map((one) => item(`${one.job} ${one.bay} ${one.reachable ? "✓" : `▲ ${one.because.join(" + ")}`}`)));
  // A button is not replaced under a finger.
  const looks = JSON.stringify(found.steps);
  if (looks === shown || held) return;
  shown = looks;
  byId("steps").replaceChildren(...(found.steps.length ? found.steps.map(stepItem) : [item(words.hand_no_steps)]));
}

async function look() {
  try {
    show(await send("GET", "/recovery"));
  } catch {
    byId("state").textContent = words.offline;
  }
}

look();
setInterval(look, LOOK_MS);
