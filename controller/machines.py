"""The ten machines of the controller, each as its table.

Decides which changes of state exist at all. When to fire them is decided by `module`, `job_work`,
`gate_session`, `plc_link`, `charging` and others; docs/state-machines.md is drawn from here.
"""

from __future__ import annotations

from controller.table import Rule, Table

GARAGE = Table(
    "garage",
    initial="starting",
    waiting={"starting": "ends with the first scan"},
    rest=("automatic", "paused", "holding", "fire", "halted"),
    rules=(
        Rule("start", "starting", "automatic"),
        Rule("pause", "automatic", "paused"),
        Rule("resume", "paused", "automatic"),
        Rule("hold", ("automatic", "paused"), "holding"),
        Rule("end_hold", "holding", "paused"),
        Rule("alarm", ("starting", "automatic", "paused", "holding"), "fire"),
        Rule("end_alarm", "fire", "paused"),
        Rule("halt", ("starting", "automatic", "paused", "holding", "fire", "halted"), "halted"),
        Rule("restart", "halted", "fire", ("was_fire",)),
        Rule("restart", "halted", "holding", ("was_holding",)),
        Rule("restart", "halted", "paused", ("was_paused",)),
        Rule("restart", "halted", "automatic"),
    ),
)
"""The mode of the whole garage. `halted` is left only by starting the program anew, for the mode before it:
that the program had a mistake ends no danger and no pause.

In `holding` (earthquake, flood, snow) nothing is moved, in `fire` only what hangs is brought home and gates
do as configured. Both end in `paused`: that a danger is over starts nothing.
"""

LINK = Table(
    "link",
    initial="down",
    waiting={"down": "link_stale_ms, then refused commands say why"},
    rest=("up", "incompatible"),
    rules=(
        Rule("answer", "down", "up", ("is_compatible",)),
        Rule("answer", "down", "incompatible"),
        Rule("answer", "up", "incompatible", ("is_incompatible",)),
        Rule("answer", "incompatible", "up", ("is_compatible",)),
        Rule("fall_silent", ("up", "incompatible"), "down"),
    ),
)
"""The wire to one PLC or wallbox, judged by the age of its image."""

MODULE = Table(
    "module",
    initial="offline",
    waiting={"reconciling": "reconcile_ms", "manual": "manual_idle_ms, then it is given back"},
    rest=("ready", "locked", "maintenance"),
    rules=(
        Rule("connect", "offline", "maintenance", ("is_tagged",)),
        Rule("connect", "offline", "reconciling"),
        Rule("agree", "reconciling", "ready"),
        Rule("lock", ("reconciling", "ready"), "locked"),
        Rule("confirm", "locked", "ready", ("sensors_allow",)),
        Rule("take", ("ready", "locked"), "manual"),
        Rule("give_back", "manual", "reconciling"),
        Rule("tag", ("reconciling", "ready", "locked", "manual"), "maintenance"),
        Rule("untag", "maintenance", "reconciling"),
        Rule("disconnect", ("reconciling", "ready", "locked", "manual", "maintenance"), "offline"),
    ),
)
"""One module. After every loss it reconciles sensors with the journal; only people unlock it.

From `manual` and `maintenance` the way back leads through `reconciling` into `locked`, whatever the sensors
say: an operator confirms, so that no turned key and no removed lock starts anything.
"""

JOB = Table(
    "job",
    initial="queued",
    waiting={
        "queued": "queue_ms; no_show_ms after it was due for who has booked and does not come",
        "preparing": "deadline of each slide",
        "delivering": "deadline of the lift",
        "standing_by": "no_show_ms after it was due; booking_grace_ms while others wait",
        "at_gate": "deadlines of the session",
        "returning": "deadline of the lift",
    },
    rest=("done", "cancelled"),
    rules=(
        Rule("start", "queued", "preparing"),
        Rule("clear_way", "preparing", "delivering"),
        Rule("present", "delivering", "at_gate", ("driver_came",)),
        Rule("present", "delivering", "standing_by"),
        Rule("meet", "standing_by", "at_gate", ("driver_came",)),
        Rule("give_up", "standing_by", "returning"),
        Rule("send_home", "at_gate", "returning"),
        Rule("reopen", "returning", "at_gate"),
        Rule("rescue", ("preparing", "delivering"), "returning"),
        Rule("bring_again", "at_gate", "preparing"),
        Rule("fetch_again", "returning", "queued", ("driver_came",)),
        Rule("finish", "returning", "done", ("is_wanted",)),
        Rule("finish", "returning", "cancelled"),
        Rule("cancel", "queued", "cancelled"),
        Rule("strand", ("queued", "preparing"), "cancelled"),
    ),
)
"""One storage or retrieval, from request until the pallet is home or another car takes it.

A booked job has no driver at first: its pallet stands by behind the shut gate until somebody comes. Who
comes when it has been given up and is on its way home is queued again. When people have freed the car, its
pallet is only put away; when they have put the pallet away, it is brought again before the gate opens.
"""

BOOKING = Table(
    "booking",
    initial="planned",
    waiting={
        "planned": "called booking_ahead_ms before it is due; lapses when due if that is impossible",
        "called": "ends with its job",
    },
    rest=("kept", "missed", "cancelled"),
    rules=(
        Rule("call", "planned", "called"),
        Rule("lapse", "planned", "missed"),
        Rule("keep", "called", "kept"),
        Rule("miss", "called", "missed"),
        Rule("renew", ("kept", "missed"), "planned", ("repeats",)),
        Rule("cancel", ("planned", "called"), "cancelled"),
    ),
)
"""One booking; a daily one is planned anew after each time."""

SESSION = Table(
    "session",
    initial="opening",
    waiting={
        "opening": "deadline of the gate",
        "open": "gate_open_ms",
        "closing": "deadline of the gate",
        "checking": "ends with the next scan",
    },
    rest=("closed",),
    rules=(
        Rule("gate_opened", "opening", "open"),
        Rule("confirm", "open", "closing", ("is_clear",)),
        Rule("gate_shut", "closing", "checking"),
        Rule("prove", "checking", "closed", ("is_clear",)),
        Rule("doubt", ("open", "closing", "checking"), "opening"),
    ),
)
"""A driver at the gate. Two sensors and the driver's word, and again after the gate has shut."""

MOTION = Table(
    "motion",
    initial="requested",
    waiting={"requested": "command_echo_ms, command_resends times", "running": "its own deadline + move_slack_ms"},
    rest=("done", "refused", "stopped", "unanswered", "overdue", "lost"),
    rules=(
        Rule("echo", "requested", "running"),
        Rule("complete", ("requested", "running"), "done"),
        Rule("refuse", ("requested", "running"), "refused"),
        Rule("stop", ("requested", "running"), "stopped"),
        Rule("go_unanswered", "requested", "unanswered"),
        Rule("overrun", ("requested", "running"), "overdue"),
        Rule("lose", ("requested", "running"), "lost"),
    ),
)
"""The handshake of one bounded move with a PLC mailbox."""

SPOT = Table(
    "charging spot",
    initial="Unavailable",
    waiting={
        "Preparing": "gate_open_ms until the cable is in",
        "SuspendedEV": "charger_respond_ms, then the session ends as full",
        "SuspendedEVSE": "until the supply has power again",
        "Finishing": "until the driver unplugs",
    },
    rest=("Available", "Charging", "Faulted"),
    rules=(
        Rule("come_online", "Unavailable", "Available"),
        Rule("grant", ("Available", "Finishing"), "Preparing"),
        Rule("draw", ("Preparing", "SuspendedEV", "SuspendedEVSE"), "Charging"),
        Rule("pause_by_car", ("Preparing", "Charging", "SuspendedEVSE"), "SuspendedEV"),
        Rule("pause_by_supply", ("Preparing", "Charging", "SuspendedEV"), "SuspendedEVSE"),
        Rule("end", ("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Faulted", "Unavailable"), "Finishing"),
        Rule("plug", "Available", "Finishing"),
        Rule("unplug", "Finishing", "Available"),
        Rule("recover", "Faulted", "Available"),
        Rule("fail", ("Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"), "Faulted"),
        Rule(
            "go_offline",
            ("Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Faulted"),
            "Unavailable",
        ),
        Rule("rejoin", "Unavailable", "Preparing"),
        Rule("rejoin", "Faulted", "Preparing"),
    ),
)
"""One charging spot in the status names of OCPP."""

ALARM = Table(
    "alarm",
    initial="normal",
    waiting={"shelved": "until the time given when it was shelved, SHELVE_MAX_MS at most"},
    rest=(
        "unacknowledged",
        "acknowledged",
        "returned_unacknowledged",
        "latched_unacknowledged",
        "latched_acknowledged",
        "suppressed",
        "out_of_service",
    ),
    rules=(
        Rule("arise", ("normal", "acknowledged", "returned_unacknowledged"), "unacknowledged"),
        Rule("arise", ("latched_unacknowledged", "latched_acknowledged"), "unacknowledged"),
        Rule("go", "unacknowledged", "latched_unacknowledged", ("latches",)),
        Rule("go", "unacknowledged", "returned_unacknowledged"),
        Rule("go", "acknowledged", "latched_acknowledged", ("latches",)),
        Rule("go", ("acknowledged", "suppressed"), "normal"),
        Rule("acknowledge", "unacknowledged", "acknowledged"),
        Rule("acknowledge", "returned_unacknowledged", "normal"),
        Rule("acknowledge", "latched_unacknowledged", "latched_acknowledged"),
        Rule("reset", "latched_acknowledged", "normal"),
        Rule("shelve", ("unacknowledged", "acknowledged", "returned_unacknowledged"), "shelved"),
        Rule("unshelve", "shelved", "unacknowledged", ("is_active",)),
        Rule("unshelve", "shelved", "normal"),
        Rule("suppress", ("normal", "unacknowledged", "acknowledged", "returned_unacknowledged"), "suppressed"),
        Rule("suppress", ("latched_unacknowledged", "latched_acknowledged"), "suppressed"),
        Rule("unsuppress", "suppressed", "acknowledged", ("was_acknowledged",)),
        Rule("unsuppress", "suppressed", "unacknowledged"),
        Rule("take_out", ("normal", "unacknowledged", "acknowledged"), "out_of_service"),
        Rule("take_out", ("returned_unacknowledged", "shelved", "suppressed"), "out_of_service"),
        Rule("put_back", "out_of_service", "unacknowledged", ("is_active",)),
        Rule("put_back", "out_of_service", "normal"),
    ),
)
"""One alarm, in the states of ISA-18.2 and IEC 62682. Shelved and out of service it is still followed,
and keeps whether its cause stands; suppressed it gives way to the alarm that explains it."""

NIGHT = Table(
    "night",
    initial="awake",
    waiting={"awake": "night_after_ms of calm in the quiet hours"},
    rest=("resting",),
    rules=(Rule("rest", "awake", "resting"), Rule("wake", "resting", "awake")),
)
"""The power-saving night of the whole site: lights and displays are dimmed while it rests. It forbids nothing."""

TABLES: tuple[Table, ...] = (GARAGE, LINK, MODULE, JOB, SESSION, BOOKING, MOTION, SPOT, ALARM, NIGHT)


def as_markdown() -> str:
    """docs/state-machines.md: every table as a diagram, with the deadline of each waiting state."""
    lines = [
        "# State machines",
        "",
        "Generated from `controller/machines.py`; do not edit. A state in which time passes has a deadline.",
    ]
    for table in TABLES:
        lines += ["", f"## {table.name}", "", "```mermaid", table.mermaid().strip(), "```", ""]
        if table.waiting:
            lines += ["| waiting state | deadline |", "|---|---|"]
            lines += [f"| {state} | {deadline} |" for state, deadline in table.waiting.items()]
    return "\n".join(lines).rstrip() + "\n"
