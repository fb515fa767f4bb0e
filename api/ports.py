"""The port through which the edge reaches the running controller.

Decides what the edge may ask and in which shape it is answered. The runtime implements it; the
edge never looks behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from api.settings import Principal
from domain.commands import Command, Reply
from domain.ids import Plate
from domain.site import Site
from domain.vehicle import Vehicle


class Users(Protocol):
    """The people who may log in by name, as the edge sees them."""

    def check(self, name: str, password: str) -> Principal | None:
        """Who this is, or None; slow on purpose, so it is called beside the event loop."""
        ...

    def stamp(self, name: str) -> str | None:
        """Changes with a person's password or role, so that older logins end; None for nobody. Quick."""
        ...


class Garage(Protocol):
    """The running garage, as the edge sees it.

    `view()` is public and holds no plates:

        {"seq", "utc_ms", "speed", "simulated", "mode": "automatic|paused|halted|...", "night": bool,
         "modules": [{"id", "columns", "pitch_mm", "pallet_width_mm", "level_z_mm": [..],
            "level_height_mm": [..], "state", "link": "up|down", "gate": "closed|opening|open|closing|unknown",
            "active_job": job | None, "reasons": ["refusal_code" or "refusal_code:subject"],
            "faults": [{"number", "about"}], "zone_clear",
            "pallets": [{"bay", "x_mm", "z_mm", "loaded", "moving", "place": "home|ground|moving|between"}]}],
         "spots": [{"id", "state": OCPP status, "power_w", "set_current_da", "energy_wh", "charging"}],
         "power": {"limit_w", "motors_w", "chargers_w"},
         "queue": [{"job", "kind", "module", "bay", "state", "session_state", "eta_s", "eta_spread_s", "overdue",
            "waiting_for_driver"}],
         "bookings": {"planned", "called"}, "free_bays", "waiting",
         "alarms": {"unacknowledged", "standing", "shelved", "out_of_service", "critical", "high", "medium", "low"}}

    A job is {"job", "kind": "storage|retrieval", "bay", "module", "level", "state", "session_state",
    "requested_utc_ms", "opened_utc_ms", "ended_utc_ms", "wait_s", "eta_s", "eta_low_s", "eta_high_s",
    "eta_spread_s", "fee_fen", "overdue", "ahead", "priority", "booking", "due_utc_ms", "waiting_for_driver",
    "why", "plate", "vehicle"}; `waiting_for_driver` says that it was made from a booking and nobody has come for it,
    `why` ([{"code", "values"}], `domain.reasons`) why it comes when it comes. The edge takes
    plate and vehicle out for everybody but the service role. What is not known yet is None.
    """

    shutting_down: asyncio.Event

    @property
    def site(self) -> Site:
        """The fixed data of the site."""
        ...

    async def submit(self, command: Command) -> Reply:
        """Put a command to the controller; the answer comes after it is durable."""
        ...

    def view(self) -> dict[str, Any]:
        """Everything public; cheap, never changed in place, a new object whenever `seq` differs."""
        ...

    async def wait_change(self, seen: int, timeout_s: float) -> int:
        """The view's `seq`, as soon as it differs from `seen` or when the time is over."""
        ...

    def job(self, job: str) -> dict[str, Any] | None:
        """One job, or None."""
        ...

    def jobs(self) -> list[dict[str, Any]]:
        """All open jobs and the last 200 ended ones."""
        ...

    def outages(self) -> list[dict[str, Any]]:
        """Parts that operators took out of service, oldest first.

        {"part", "text_en", "text_zh", "reason", "operator", "since_utc_ms"}
        """
        ...

    def alarms(self, with_suppressed: bool = False) -> list[dict[str, Any]]:
        """Every alarm that is not normal, the most urgent first; with those suppressed by design if wanted.

        {"alarm", "number", "code", "subject", "priority": "critical|high|medium|low", "class", "latches",
         "state", "active", "first_out", "about", "because", "raised_utc_ms", "returned_utc_ms",
         "shelved_until_utc_ms", "stale", "operator", "reason", and "title", "cause", "consequence",
         "action" each with _en and _zh}
        """
        ...

    def alarm_statistics(self) -> dict[str, Any]:
        """Rates: `controller.alarm_statistics.AlarmStatistics`, `most_frequent` as [{"code", "count"}]."""
        ...

    def maintenance(self) -> dict[str, Any]:
        """What is due, what each part has done, what has drifted, and works, the newest first.

        {"since_utc_ms", "slower_pct", "power_pct",
         "services": [{"service", "part_kind", "title_en", "title_zh", "counted", "every", "every_days"}],
         "due": [service fields and {"part", "standing": "ok|soon|due", "share_pct", "count_since", "since_utc_ms",
            "due_utc_ms", "last_utc_ms", "last_person", "last_note"}],
         "groups": [fields of the most urgent "due" of a service in a module, and {"module", "parts", "ok", "soon",
            "due"}],
         "parts": [{"part", "kind": "module|gate|row|pallet", "module", counts of its kind,
            "trends": [{"what", "usual", "recent", "drift_pct"}]}],
         "drifts": [{"part", "what", "usual", "recent", "drift_pct", "beyond"}],
         "modules": [{"module", "lifts", "slides", "run_s", "energy_wh", "gate_cycles", "compared_since_utc_ms",
            "plc_lifts", "plc_slides", "plc_run_s", "lifts_differ", "slides_differ"}],
         "works": [{"utc_ms", "service", "title_en", "title_zh", "parts", "operator", "person", "note", "renewed"}]}
        """
        ...

    async def reach(self, module: str, urgent: Sequence[str] = ()) -> dict[str, Any] | None:
        """Who can be reached in a module, and the rescue of the rest; None for an unknown module.

        {"module", "settled", "columns": [[..]], "out_of_service": [as `outages`], "cars",
         "reachable": [{"bay", "car", "column", "phases": [[{"level", "first", "second"}]], "slide_ms"}],
         "unreachable": [{"bay", "car", "because": [part], "text_en", "text_zh"}],
         "rescue": {"steps": [{"do": "slide|push|crank", "level", "first", "second", "bay", "cost_ms",
            "frees": [bay], "shuts_in": [bay], "text_en", "text_zh"}],
            "freed": [bay], "left": [bay], "hand_ms", "slide_ms", "least_proven"}}
        """
        ...

    def times(self, module: str) -> dict[str, Any] | None:
        """How long a module takes for the parts of a job; None for an unknown module.

        {"module", "enough": measurements before the median is planned with,
         "parts": [{"part", "text_en", "text_zh", "nominal_ms", "measured_ms": median | None, "above_nominal_pct",
            "count", "used_ms"}]}
        """
        ...

    async def recovery(self, module: str) -> dict[str, Any] | None:
        """Manual work, locks and the way back of a module; None for an unknown module.

        {"module", "state", "switch": "starting|automatic|manual|maintenance" | None, "moving",
         "holder": {"operator", "reason", "since_utc_ms"} | None,
         "bypass": {"interlock", "reason", "second": name | None} | None,
         "locks": [{"operator", "reason", "since_utc_ms", "removal": {"operator", "reason"} | None}],
         "last_stop": {"reason", "text"} | None,
         "steps": [{"do", "about", "text_en", "text_zh", "allowed", "reasons": [{"code", "text_en", "text_zh",
            "about"}], "jog": {"move", "level", "first", "second"} | None}],
         "stranded": [as `reach`'s unreachable], "waiting": [{"job", "kind", "bay", "state", "reachable",
            "because": [part]}]}
        """
        ...

    def pin_digest(self, plate: str, pin: str) -> str:
        """The keyed digest that commands carry in place of a PIN."""
        ...

    def new_pin(self) -> str:
        """Six random digits."""
        ...

    def booking(self, booking: str) -> dict[str, Any] | None:
        """One booking, or None.

        {"booking", "plate", "kind": "departure|arrival", "minute_of_day", "repeat": "once|daily|weekdays",
         "due_utc_ms", "state", "why", "job": job | None}
        """
        ...

    def bookings(self) -> list[dict[str, Any]]:
        """All that are not over, the next due first, and the last 200 that are."""
        ...

    def bay_costs(self, vehicle: Vehicle, plate: Plate, minute_of_day: int | None) -> list[dict[str, Any]]:
        """What each free bay that takes the car would cost its driver, in the order of cost.

        {"bay", "wait_ms", "why"}: the expected wait at a local minute of the day (0 to 1439), or at
        the car's usual departure when that is None.
        """
        ...

    def charging(self, charging: str) -> dict[str, Any] | None:
        """One charging session, or None.

        {"charging", "spot", "plate", "state", "energy_wh", "fee_fen", "started_utc_ms", "ended_utc_ms"}
        """
        ...

    def ledger_entries(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Ledger entries with a running number `seq` above `after`, ascending, at most `limit`."""
        ...

    def ledger_totals(self) -> dict[str, Any]:
        """Balances and sums; field names carry the unit (`..._fen`, `..._wh`)."""
        ...

    def statement(self, plate: str) -> list[dict[str, Any]]:
        """The ledger entries of one plate."""
        ...

    def events_before(self, before: int | None, limit: int, plates: bool) -> list[dict[str, Any]]:
        """Events of the journal with a number below `before` (None: the newest), newest first.

        {"seq", "utc_ms", "kind", "text_en", "text_zh", "seen_en", "seen_zh", "payload"}; PIN digests never, plates
        only if wanted.
        """
        ...

    def replay(self, seq: int) -> dict[str, Any] | None:
        """One event, {"event", "knew", "around"}: what was known at its moment, and its neighbours; None: no such."""
        ...

    def health(self) -> dict[str, Any]:
        """{"live": bool, "ready": bool, "reasons": [str]}."""
        ...
