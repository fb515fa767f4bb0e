// Follows the garage's live stream and keeps one view of it: a snapshot, then differences.

const KEY = { modules: "id", pallets: "bay", spots: "id" };
const STALE_MS = 2000;

/** The view with a difference applied; what did not change is shared with the old view. */
export function merged(view, delta) {
  const next = { ...view };
  for (const [field, value] of Object.entries(delta)) {
    const key = KEY[field];
    if (!key) {
      next[field] = value;
      continue;
    }
    const changed = new Map(value.map((member) => [member[key], member]));
    next[field] = view[field].map((member) =>
      changed.has(member[key]) ? merged(member, changed.get(member[key])) : member,
    );
  }
  return next;
}

/** Calls `show(view)` for every new view, and `stale(true|false)` when the stream falls silent or comes back. */
export function follow(show, stale) {
  let view = null;
  let heard = performance.now();
  let silent = false;
  let source = null;

  const hear = () => {
    heard = performance.now();
    if (silent) {
      silent = false;
      stale(false);
    }
  };
  const connect = () => {
    source = new EventSource("/api/v1/live");
    source.addEventListener("snapshot", (event) => {
      hear();
      view = JSON.parse(event.data);
      show(view);
    });
    source.addEventListener("delta", (event) => {
      hear();
      if (view) {
        view = merged(view, JSON.parse(event.data));
        show(view);
      }
    });
    source.addEventListener("beat", (event) => {
      hear();
      if (view) {
        view = { ...view, utc_ms: JSON.parse(event.data).utc_ms };
        show(view);
      }
    });
  };
  connect();
  setInterval(() => {
    if (performance.now() - heard > STALE_MS && !silent) {
      silent = true;
      stale(true);
    }
    // A browser gives up for good after some errors; this page never does.
    if (source.readyState === EventSource.CLOSED) {
      connect();
    }
  }, 500);
}
