// The power-saving night: the display is dimmed while the garage rests, and a touch wakes it for a minute.

const AWAKE_MS = 60_000;
let wokenUntil = 0;

/** Dim or light this display; a display that has just been touched stays lit. */
export function followNight(isNight) {
  document.body.classList.toggle("night", isNight && performance.now() >= wokenUntil);
}

for (const kind of ["pointerdown", "keydown"]) {
  document.addEventListener(kind, () => {
    wokenUntil = performance.now() + AWAKE_MS;
    followNight(false);
  });
}
