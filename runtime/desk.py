"""Between the simulated crowd and the controller when both live in one process.

Turns what people ask into commands and what happened into notices; the same job that the HTTP desk
does for a crowd in another process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from controller.memory import Memory
from domain.booking import BookingKind
from domain.commands import (
    Accepted,
    CancelJob,
    Command,
    ConfirmClear,
    Leaving,
    MakeBooking,
    Reply,
    RequestRetrieval,
    RequestStorage,
    StartCharging,
    StopCharging,
)
from domain.events import ChargingEnded, ChargingStarted, JobAdvanced, Recorded, SessionAdvanced
from sim.asks import (
    Answered,
    Ask,
    BookAsk,
    ChargeAsk,
    ChargingGranted,
    ChargingOver,
    ClearAsk,
    GiveUpAsk,
    JobEnded,
    JobKind,
    Notice,
    RetrievalAsk,
    SessionOpened,
    StopChargeAsk,
    StorageAsk,
)

Digest = Callable[[str, str], str]
"""Plate and PIN to the digest that commands carry."""


def command_of(ask: Ask, digest: Digest, memory: Memory) -> Command:
    """The command for an ask."""
    match ask:
        case StorageAsk():
            leaves = None if ask.leaves is None else Leaving(minute_of_day=ask.leaves[1], day=ask.leaves[0])
            return RequestStorage(ask.plate, ask.vehicle, digest(ask.plate, ask.pin), leaves)
        case RetrievalAsk():
            return RequestRetrieval(ask.plate, digest(ask.plate, ask.pin))
        case BookAsk():
            pin_digest, kind = digest(ask.plate, ask.pin), BookingKind.DEPARTURE
            return MakeBooking(ask.plate, pin_digest, kind, ask.minute_of_day, day=ask.day)
        case ClearAsk():
            return ConfirmClear(ask.job)
        case GiveUpAsk():
            return CancelJob(ask.job)
        case ChargeAsk():
            return StartCharging(ask.plate, digest(ask.plate, ask.pin), ask.spot)
        case StopChargeAsk():
            charging = memory.spot(ask.spot).charging
            plate = memory.chargings[charging].plate if charging is not None else ""
            return StopCharging(ask.spot, digest(plate, ask.pin))


def answers(asks: Iterable[Ask], replies: Iterable[Reply]) -> Iterator[Notice]:
    """What people hear back, in order."""
    for ask, reply in zip(asks, replies, strict=True):
        if isinstance(reply, Accepted):
            yield Answered(ask, True, id=reply.id)
        else:
            yield Answered(ask, False, code=reply.reasons[0].code.code)


def notices(events: Iterable[Recorded], memory: Memory) -> Iterator[Notice]:
    """What people at the gates and spots see of these events."""
    for recorded in events:
        match recorded.event:
            case SessionAdvanced(job=name, state="open"):
                job = memory.jobs[name]
                yield SessionOpened(name, _kind(job.kind), job.plate, job.vehicle, job.bay)
            case JobAdvanced(job=name, state="done" | "cancelled" as state):
                job = memory.jobs[name]
                yield JobEnded(name, job.plate, _kind(job.kind), state == "done")
            case ChargingStarted(charging=charging, spot=spot, plate=plate):
                yield ChargingGranted(charging, spot, plate)
            case ChargingEnded(spot=spot, plate=plate):
                yield ChargingOver(spot, plate)


def _kind(kind: str) -> JobKind:
    return "storage" if kind == "storage" else "retrieval"
