// The live view: every module, the charging spots, the power, the queue. The desk shows its modules, too.

import { followNight } from "./night.mjs";
import { follow } from "./feed.mjs";
import { Mimic, element } from "./mimic.mjs";

const SPOT_POWER_W = 7040;
const words = JSON.parse(document.getElementById("words").textContent);
const offsetMinutes = Number(document.getElementById("board").dataset.utcOffsetMinutes);
const byId = (id) => document.getElementById(id);
const mimics = new Map();
const seen = {};

const word = (family, state) => words[`${family}_${state}`] ?? state ?? "";
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const kilowatts = (power_w) => `${(power_w / 1000).toFixed(1)} kW`;

function setText(node, text) {
  if (node && node.textContent !== text) {
    node.textContent = text;
  }
}

/** How long until a job's gate opens, as on the kiosk. */
function waitingTime(eta_s, spread_s) {
  if (eta_s === null) return "–";
  if (eta_s <= 5) return words.eta_now;
  const low = Math.max(1, Math.round(eta_s / 60));
  const high = Math.ceil((eta_s + (spread_s ?? 0)) / 60);
  if (eta_s + (spread_s ?? 0) < 60) return words.eta_under_minute;
  return high > low ? filled(words.eta_range, { a: low, b: high }) : filled(words.eta_minutes, { n: low });
}

function html(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function addModule(module) {
  const state = html("span", "state-text");
  const parts = {
    card: html("article", "module"),
    state,
    gate: html("span", "gate-text"),
    alert: html("span", "alert"),
    mimic: new Mimic(module, `${words.module} ${module.id}`),
  };
  parts.card.dataset.module = module.id;
  const header = html(
    "header",
    "",
    html("h2", "", `${words.module} ${module.id}`),
    html("span", "state", html("span", "mark"), state),
    parts.gate,
    parts.alert,
  );
  parts.card.append(header, parts.mimic.svg);
  byId("modules").append(parts.card);
  mimics.set(module.id, parts);
}

function showModule(module) {
  if (!mimics.has(module.id)) {
    addModule(module);
  }
  const parts = mimics.get(module.id);
  const working = module.state === "ready" && (module.active_job !== null || module.pallets.some((p) => p.moving));
  const state = working ? "working" : module.state;
  parts.card.className = `module state-${state}`;
  setText(parts.state, word("module", state));
  setText(parts.gate, `${words.gate} ${word("gate", module.gate)}`);
  parts.alert.hidden = module.faults.length === 0;
  setText(parts.alert, module.faults.length ? `▲ ${module.faults.map((fault) => fault.number).join(", ")}` : "");
  parts.mimic.update(module);
}

function addSpot(spot) {
  const meter = element("rect", { class: "meter", x: 0, y: 0, width: 0, height: 10 });
  const room = element("rect", { class: "meter-room", x: 0, y: 0, width: 100, height: 10 });
  const parts = { card: html("li", "spot"), power: html("span", "spot-power"), state: html("p", "spot-state"), meter };
  parts.card.dataset.spot = spot.id;
  parts.card.append(
    html("header", "", spot.id, parts.power),
    element("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, room, meter),
    parts.state,
  );
  byId("spots").append(parts.card);
  mimics.set(spot.id, parts);
}

function showSpot(spot) {
  if (!mimics.has(spot.id)) {
    addSpot(spot);
  }
  const parts = mimics.get(spot.id);
  const troubled = spot.state === "Faulted" || spot.state === "Unavailable";
  parts.card.className = `spot spot-${spot.state}`;
  setText(parts.power, spot.power_w ? kilowatts(spot.power_w) : "");
  setText(parts.state, `${troubled ? "▲ " : ""}${word("spot", spot.state)}`);
  parts.meter.setAttribute("width", Math.min(100, (100 * spot.power_w) / SPOT_POWER_W).toFixed(1));
}

function showPower({ limit_w, motors_w, chargers_w }) {
  const bar = byId("power-bar");
  const full_w = Math.max(limit_w * 1.1, motors_w + chargers_w);
  const x = (power_w) => (1000 * power_w) / full_w;
  bar.querySelector(".power-chargers").setAttribute("width", x(chargers_w));
  const motors = bar.querySelector(".power-motors");
  motors.setAttribute("x", x(chargers_w));
  motors.setAttribute("width", x(motors_w));
  const limit = bar.querySelector(".power-limit");
  limit.setAttribute("x1", x(limit_w));
  limit.setAttribute("x2", x(limit_w));
  bar.classList.toggle("power-bar-over", motors_w + chargers_w > limit_w);
  setText(byId("power-text"), `${kilowatts(motors_w + chargers_w)} / ${kilowatts(limit_w)}`);
}

function queueRow(job) {
  const state = html("td", "", [word("job", job.state), job.session_state ? word("session", job.session_state) : ""].filter(Boolean).join(" · "));
  if (job.overdue) {
    state.append(" ", html("strong", "late", `▲ ${words.overdue}`));
  }
  const row = html("tr", "", html("td", "", words[job.kind]), html("td", "", job.bay), state, html("td", "", waitingTime(job.eta_s, job.eta_spread_s)));
  row.dataset.job = job.job;
  return row;
}

function showQueue(queue) {
  byId("queue").tBodies[0].replaceChildren(...queue.map(queueRow));
  byId("queue").hidden = queue.length === 0;
  byId("queue-empty").hidden = queue.length > 0;
}

function showClock(view) {
  const local = new Date(view.utc_ms + offsetMinutes * 60000).toISOString();
  setText(byId("clock"), `${local.slice(0, 10)} ${local.slice(11, 19)}`);
  const badge = document.querySelector(".simulation");
  badge.hidden = !view.simulated;
  setText(byId("speed"), `×${Number(view.speed.toFixed(2))}`);
}

/** Calls `draw` only when this part of the view is another object than last time. */
function whenNew(name, part, draw) {
  if (seen[name] !== part) {
    seen[name] = part;
    draw(part);
  }
}

function show(view) {
  followNight(view.night);
  showClock(view);
  view.modules.forEach((module) => whenNew(`module ${module.id}`, module, showModule));
  document.documentElement.dataset.seq = view.seq;
  if (!byId("spots")) {
    return;
  }
  view.spots.forEach((spot) => whenNew(`spot ${spot.id}`, spot, showSpot));
  whenNew("power", view.power, showPower);
  whenNew("queue", view.queue, showQueue);
  setText(byId("free-bays"), String(view.free_bays));
  setText(byId("waiting"), String(view.waiting));
  setText(byId("booked"), String(view.bookings.planned + view.bookings.called));
}

follow(show, (isStale) => {
  byId("stale").hidden = !isStale;
  document.body.classList.toggle("is-stale", isStale);
});
