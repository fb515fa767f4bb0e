"""The running garage behind the port that the HTTP side uses.

Decides how a command gets from a request to the next scan and its answer back after it is durable.
Everything here runs on the event loop's thread, so a view is never seen half made.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from billing import ledger
from controller.records import Charging, Job
from controller.step import Controller
from domain.commands import Command, Reply
from domain.ids import BayId, BookingId, ChargingId, JobId, ModuleId, Plate
from domain.moment import Moment
from domain.signals import Inputs
from domain.site import Site
from domain.vehicle import Vehicle
from runtime.alarm_view import alarm_list, alarm_statistics
from runtime.degraded import of_controller, outages, reach_view, stranded_view
from runtime.journal import Journal
from runtime.maintenance_view import maintenance_view
from runtime.recovery_view import owners_view, recovery_view, waiting_jobs
from runtime.replay import NotThere, Wanted, event_view, replay
from runtime.times_view import times_view
from runtime.view import booking_view, charging_view, job_view, open_jobs, public_view

log = logging.getLogger("garage")

ENDED_JOBS_SHOWN = 200
ENDED_BOOKINGS_SHOWN = 200
FEES_KEPT = 1000
MAILBOX_MAX = 1000
NEWEST = 2**62

NO_INPUTS = Inputs({}, {}, {}, {})


class MailboxFull(RuntimeError):
    """More commands wait for the next scan than any crowd of people could send."""


class RunningGarage:
    """What `api.ports.Garage` asks for, over a controller that a runner steps."""

    def __init__(self, controller: Controller, engine: Engine, pin_key: bytes, **extra: Any) -> None:
        self.controller = controller
        self.shutting_down = asyncio.Event()
        self._engine = engine
        self._pin_key = pin_key
        self._extra = extra
        self._mailbox: list[tuple[Command, asyncio.Future[Reply]]] = []
        self._moment = Moment(0, 0)
        self._inputs = NO_INPUTS
        self._seq = 0
        self._view: dict[str, Any] | None = None
        self._changed = asyncio.Event()
        self._fees: OrderedDict[str, int] = OrderedDict()
        self._health: tuple[str, ...] = ("starting",)
        self.wire_statistics: Callable[[], dict[str, int]] = dict

    @property
    def site(self) -> Site:
        """The fixed data of the site."""
        return self.controller.site

    # -- the runner's side ---------------------------------------------------------------------

    def take_commands(self) -> list[tuple[Command, asyncio.Future[Reply]]]:
        """Everything that waits, for the scan that begins now."""
        taken, self._mailbox = self._mailbox, []
        return taken

    def scanned(self, moment: Moment, inputs: Inputs, changed: bool, unready: Sequence[str]) -> None:
        """A scan has ended; `changed` says whether anybody could see a difference."""
        self._moment = moment
        self._inputs = inputs
        reasons = tuple(unready)
        if changed or reasons != self._health or self._view is None:
            self._seq += 1
            self._view = None
            self._changed.set()
            self._changed = asyncio.Event()
        self._health = reasons

    # -- the edge's side -------------------------------------------------------------------------

    async def submit(self, command: Command) -> Reply:
        """Hand a command to the next scan; the answer comes after it is durable."""
        if len(self._mailbox) >= MAILBOX_MAX:
            raise MailboxFull("the mailbox of the controller is full")
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._mailbox.append((command, reply))
        return await reply

    def view(self) -> dict[str, Any]:
        """The public picture; made at most once per change, however many people look."""
        if self._view is None:
            self._view = public_view(self.controller, self._inputs, self._moment, self._seq, **self._extra)
        return self._view

    async def wait_change(self, seen: int, timeout_s: float) -> int:
        """The view's number as soon as it is not `seen`, or after the time."""
        if self._seq == seen:
            changed = self._changed
            try:
                async with asyncio.timeout(timeout_s):
                    await changed.wait()
            except TimeoutError:
                return self._seq
        return self._seq

    def job(self, job: str) -> dict[str, Any] | None:
        """One job, with its fee once it is known."""
        found = self.controller.memory.jobs.get(JobId(job))
        return None if found is None else self._job(found)

    def jobs(self) -> list[dict[str, Any]]:
        """Open jobs, oldest first, and the last ended ones."""
        memory = self.controller.memory
        ended = [memory.jobs[name] for name in memory.ended[-ENDED_JOBS_SHOWN:]]
        return [*open_jobs(self.controller), *(self._job(job) for job in reversed(ended))]

    def _job(self, job: Job) -> dict[str, Any]:
        charged = job.kind == "retrieval" and job.state in ("returning", "done")
        return job_view(self.controller, job, self._fee_fen(job.id) if charged else None)

    def booking(self, booking: str) -> dict[str, Any] | None:
        """One booking, or None."""
        found = self.controller.memory.bookings.get(BookingId(booking))
        return None if found is None else booking_view(found)

    def bookings(self) -> list[dict[str, Any]]:
        """Those that are not over, the next due first; then the others, the last due first."""
        bookings = self.controller.memory.bookings.values()
        coming = sorted((one for one in bookings if one.is_open), key=lambda one: (one.due_utc_ms, one.id))
        over = sorted((one for one in bookings if not one.is_open), key=lambda one: (-one.due_utc_ms, one.id))
        return [booking_view(one) for one in (*coming, *over[:ENDED_BOOKINGS_SHOWN])]

    def bay_costs(self, vehicle: Vehicle, plate: Plate, minute_of_day: int | None) -> list[dict[str, Any]]:
        """What each free bay would cost the driver of this car at its departure."""
        costs = self.controller.bay_costs(vehicle, plate, minute_of_day)
        return [
            {"bay": cost.bay, "wait_ms": cost.wait_ms, "why": [reason.to_json() for reason in cost.why]}
            for cost in costs
        ]

    def charging(self, charging: str) -> dict[str, Any] | None:
        """One charging session, with its fee once it has ended."""
        found: Charging | None = self.controller.memory.chargings.get(ChargingId(charging))
        if found is None:
            return None
        fee_fen = self._fee_fen(found.id) if found.ended_utc_ms is not None else None
        return charging_view(self.controller, self._inputs, found, fee_fen)

    def _fee_fen(self, subject: str) -> int | None:
        if subject in self._fees:
            return self._fees[subject]
        try:
            with self._engine.connect() as connection:
                charge = ledger.fee_of(connection, subject)
        except SQLAlchemyError as error:
            log.warning("the fee of %s cannot be read now: %s", subject, error)
            return None
        if charge is None:
            return None
        self._fees[subject] = charge.total_fen
        if len(self._fees) > FEES_KEPT:
            self._fees.popitem(last=False)
        return charge.total_fen

    def outages(self) -> list[dict[str, Any]]:
        """Parts out of service, oldest first."""
        return outages(self.controller)

    def alarms(self, with_suppressed: bool = False) -> list[dict[str, Any]]:
        """The alarm list, the most urgent first."""
        return alarm_list(self.controller.memory, self._moment.utc_ms, with_suppressed=with_suppressed)

    def alarm_statistics(self) -> dict[str, Any]:
        """How many alarms people get."""
        return alarm_statistics(self.controller.memory, self._moment.utc_ms)

    def maintenance(self) -> dict[str, Any]:
        """Services, counts, drift and works."""
        images = self._inputs.modules
        return maintenance_view(self.site, self.controller.memory.maintenance, images, self._moment.utc_ms)

    async def reach(self, module: str, urgent: Sequence[str] = ()) -> dict[str, Any] | None:
        """Who can be reached in a module; reckoned beside the event loop from a copy."""
        if module not in self.site.layout:
            return None
        degraded = of_controller(self.controller, ModuleId(module))
        return await asyncio.to_thread(reach_view, degraded, [BayId(bay) for bay in urgent])

    def times(self, module: str) -> dict[str, Any] | None:
        """How long a module takes for the parts of a job, promised and measured."""
        layout = self.site.layout.get(ModuleId(module))
        return None if layout is None else times_view(self.site, layout, self.controller.memory)

    async def recovery(self, module: str) -> dict[str, Any] | None:
        """What people do next in a module, and who waits for it; reachability is reckoned beside the event loop."""
        if module not in self.site.layout:
            return None
        name = ModuleId(module)
        found, waiting = recovery_view(self.controller, name), waiting_jobs(self.controller, name)
        degraded = of_controller(self.controller, name)
        # All cars of a whole machine can be brought: there is nothing to reckon.
        stranded = [] if degraded.layout.is_whole else await asyncio.to_thread(stranded_view, degraded)
        return found | owners_view(waiting, stranded)

    def pin_digest(self, plate: str, pin: str) -> str:
        """The keyed digest under which a plate's PIN is known to the controller."""
        return pin_digest(self._pin_key, plate, pin)

    def new_pin(self) -> str:
        """Six random digits."""
        return f"{secrets.randbelow(1_000_000):06d}"

    def ledger_entries(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Entries of the ledger after a cursor."""
        with self._engine.connect() as connection:
            return [
                {
                    "seq": booked.id,
                    "utc_ms": booked.entry.utc_ms,
                    "text": booked.entry.text,
                    "postings": [{"account": p.account, "amount_fen": p.amount_fen} for p in booked.entry.postings],
                }
                for booked in ledger.entries_after(connection, after, limit)
            ]

    def ledger_totals(self) -> dict[str, Any]:
        """Balances of all accounts that are not a plate's, and the sum that plates owe."""
        with self._engine.connect() as connection:
            balances = ledger.trial_balance(connection)
        owed = {name: fen for name, fen in balances.items() if name.startswith("receivable:")}
        others = {name: fen for name, fen in balances.items() if name not in owed}
        return {
            "accounts": [{"account": name, "balance_fen": fen} for name, fen in others.items()],
            "receivable_fen": sum(owed.values()),
            "sum_fen": sum(balances.values()),
        }

    def statement(self, plate: str) -> list[dict[str, Any]]:
        """Every movement on a plate's account."""
        with self._engine.connect() as connection:
            statement = ledger.statement_of(connection, Plate(plate))
        return [
            {
                "seq": line.entry_id,
                "utc_ms": line.utc_ms,
                "text": line.text,
                "amount_fen": line.amount_fen,
                "balance_fen": line.balance_fen,
            }
            for line in statement.lines
        ]

    def events_before(self, before: int | None, limit: int, plates: bool) -> list[dict[str, Any]]:
        """Events of the journal in words, the newest first."""
        recorded = Journal(self._engine).events_before(NEWEST if before is None else before, limit)
        return [event_view(record, self.site, plates) for record in recorded]

    def replay(self, seq: int) -> dict[str, Any] | None:
        """One event with what was known and seen then; None if there is no such event."""
        try:
            return replay(Journal(self._engine), self.site, Wanted(seq))
        except NotThere:
            return None

    def health(self) -> dict[str, Any]:
        """Alive while this answers; ready when a scan has run, the journal writes and a module is up."""
        return {
            "live": True,
            "ready": not self._health,
            "reasons": list(self._health),
            "wire": self.wire_statistics(),
        }


def pin_digest(key: bytes, plate: str, pin: str) -> str:
    """HMAC-SHA256 over plate and PIN: equal for equal PINs of one plate, useless without the key."""
    return hmac.new(key, f"{plate}\n{pin}".encode(), hashlib.sha256).hexdigest()
