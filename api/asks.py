"""A person's ask, put to the garage as a command; the pages and the programs' interface share it.

Decides how an ask is spelt and what is answered; whether it is granted is the controller's matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.ports import Garage
from api.problems import Problem, edge_reason, refusal, refused
from api.schemas import WorkBody
from domain.alarms import AlarmId
from domain.booking import BookingKind, Repeat
from domain.commands import (
    AcknowledgeAlarm,
    CancelBooking,
    CancelJob,
    ChangeBooking,
    Command,
    ConfirmClear,
    ConfirmModule,
    EndHold,
    EnterCar,
    Leaving,
    MakeBooking,
    PauseGarage,
    ProvePin,
    PutAlarmBack,
    PutBack,
    RecordWork,
    Refused,
    RequestRetrieval,
    RequestStorage,
    ResetAlarm,
    ResetFaults,
    ResumeGarage,
    ShelveAlarm,
    StartCharging,
    StopCharging,
    TakeAlarmOut,
    TakeOut,
    UnshelveAlarm,
)
from domain.ids import BayId, BookingId, JobId, ModuleId, Plate, SpotId
from domain.refusals import RefusalCode
from domain.vehicle import Vehicle


@dataclass(frozen=True, slots=True)
class Granted:
    """What was granted and the code that opens it again."""

    id: str
    pin: str


async def submit(garage: Garage, command: Command) -> str:
    """The id of an accepted command; raises the problem of a refused one."""
    reply = await garage.submit(command)
    if isinstance(reply, Refused):
        raise refused(reply.reasons)
    return str(reply.id)


async def store(
    garage: Garage, plate: Plate, vehicle: Vehicle, pin: str | None, leaves: Leaving | None = None
) -> Granted:
    """Ask to park; without a PIN a new one is made. A departure that is told is booked."""
    chosen = pin or garage.new_pin()
    command = RequestStorage(plate, vehicle, garage.pin_digest(plate, chosen), leaves)
    return Granted(await submit(garage, command), chosen)


async def enter_car(
    garage: Garage, bay: str, plate: Plate, vehicle: Vehicle, pin: str | None, operator: str
) -> Granted:
    """Enter a car that stands in a bay; its PIN is the given one or a new one."""
    chosen = pin or garage.new_pin()
    command = EnterCar(BayId(bay), plate, vehicle, garage.pin_digest(plate, chosen), operator)
    return Granted(await submit(garage, command), chosen)


async def retrieve(garage: Garage, plate: Plate, pin: str, priority: str = "normal") -> str:
    """Ask for a parked car; for a booked one this says that its driver has come."""
    return await submit(garage, RequestRetrieval(plate, garage.pin_digest(plate, pin), priority))


@dataclass(frozen=True, slots=True)
class BookingTime:
    """When a booking is wished for: minute of the local day, rhythm, and the number of its first day if it matters."""

    minute_of_day: int
    repeat: Repeat = Repeat.ONCE
    day: int | None = None


async def book(
    garage: Garage, plate: Plate, pin: str, kind: BookingKind, time: BookingTime, vehicle: Vehicle | None = None
) -> str:
    """Book a departure, or an arrival; the vehicle is told when the car is not here."""
    digest = garage.pin_digest(plate, pin)
    return await submit(garage, MakeBooking(plate, digest, kind, time.minute_of_day, time.repeat, time.day, vehicle))


async def change_booking(garage: Garage, name: str, pin: str, time: BookingTime) -> str:
    """Give a booking another time."""
    digest = garage.pin_digest(str(booking(garage, name)["plate"]), pin)
    return await submit(garage, ChangeBooking(BookingId(name), digest, time.minute_of_day, time.repeat, time.day))


async def cancel_booking(garage: Garage, name: str, pin: str) -> str:
    """Give a booking up."""
    digest = garage.pin_digest(str(booking(garage, name)["plate"]), pin)
    return await submit(garage, CancelBooking(BookingId(name), digest))


async def bookings_of(garage: Garage, plate: Plate, pin: str) -> list[dict[str, Any]]:
    """All bookings of a plate, for the one who knows its PIN."""
    await submit(garage, ProvePin(plate, garage.pin_digest(plate, pin)))
    return [one for one in garage.bookings() if one["plate"] == plate]


async def prove_booking(garage: Garage, name: str, pin: str) -> None:
    """Raise the problem unless this is the PIN of a booking's car."""
    plate = Plate(booking(garage, name)["plate"])
    await submit(garage, ProvePin(plate, garage.pin_digest(plate, pin)))


def booking(garage: Garage, name: str) -> dict[str, Any]:
    """One booking with everything in it; raises the problem for an unknown one."""
    found = garage.booking(name)
    if found is None:
        raise refusal(RefusalCode.UNKNOWN_BOOKING, name)
    return found


async def confirm_clear(garage: Garage, job: str) -> str:
    """The driver's word at the gate."""
    return await submit(garage, ConfirmClear(JobId(job)))


async def cancel(garage: Garage, job: str) -> str:
    """Give a job up."""
    return await submit(garage, CancelJob(JobId(job)))


async def start_charging(garage: Garage, plate: Plate, pin: str | None, spot: str | None) -> Granted:
    """Ask for electricity; without a PIN a new one is made."""
    chosen = pin or garage.new_pin()
    wanted = SpotId(spot) if spot is not None else None
    command = StartCharging(plate, garage.pin_digest(plate, chosen), wanted)
    return Granted(await submit(garage, command), chosen)


async def stop_charging(garage: Garage, charging: str, pin: str) -> str:
    """End a charging session with its PIN."""
    session = charging_session(garage, charging)
    digest = garage.pin_digest(str(session["plate"]), pin)
    return await submit(garage, StopCharging(SpotId(session["spot"]), digest))


async def operate(garage: Garage, action: str, operator: str, about: str = "") -> str:
    """One of the operator's commands; `about` is the module, or the reason of a pause."""
    commands: dict[str, Command] = {
        "confirm": ConfirmModule(ModuleId(about), operator),
        "reset-faults": ResetFaults(ModuleId(about), operator),
        "pause": PauseGarage(operator, about),
        "resume": ResumeGarage(operator),
        "end-hold": EndHold(operator),
    }
    return await submit(garage, commands[action])


async def take_out(garage: Garage, part: str, operator: str, reason: str) -> str:
    """Take a part out of service."""
    return await submit(garage, TakeOut(part, operator, reason.strip()))


async def put_back(garage: Garage, part: str, operator: str) -> str:
    """Put a part back into service."""
    return await submit(garage, PutBack(part, operator))


async def handle_alarm(garage: Garage, action: str, alarm: str, operator: str) -> str:
    """One of the operator's words about an alarm that needs no reason."""
    commands: dict[str, Command] = {
        "acknowledge": AcknowledgeAlarm(AlarmId(alarm), operator),
        "reset": ResetAlarm(AlarmId(alarm), operator),
        "unshelve": UnshelveAlarm(AlarmId(alarm), operator),
        "put-back": PutAlarmBack(AlarmId(alarm), operator),
    }
    return await submit(garage, commands[action])


async def shelve_alarm(garage: Garage, alarm: str, operator: str, minutes: int, reason: str) -> str:
    """Put an alarm aside for so long."""
    return await submit(garage, ShelveAlarm(AlarmId(alarm), minutes * 60_000, operator, reason.strip()))


async def take_alarm_out(garage: Garage, alarm: str, operator: str, reason: str) -> str:
    """Take an alarm out of service."""
    return await submit(garage, TakeAlarmOut(AlarmId(alarm), operator, reason.strip()))


async def record_work(garage: Garage, work: WorkBody, operator: str) -> str:
    """Write down what people have done; the part or module that it was done on."""
    command = RecordWork(
        work.service, work.part.strip(), operator, work.person.strip(), work.note.strip(), work.renewed
    )
    return await submit(garage, command)


async def reach(garage: Garage, module: str, urgent: Sequence[str]) -> dict[str, Any]:
    """Who can be reached in a module; raises the problem for an unknown module or bay."""
    layout = garage.site.layout.get(ModuleId(module))
    if layout is None:
        raise refusal(RefusalCode.UNKNOWN_MODULE, module)
    for bay in urgent:
        if BayId(bay) not in layout.offset:
            raise refusal(RefusalCode.UNKNOWN_BAY, bay)
    found = await garage.reach(module, urgent)
    if found is None:
        raise refusal(RefusalCode.UNKNOWN_MODULE, module)
    return found


def times(garage: Garage, module: str) -> dict[str, Any]:
    """How long a module takes for the parts of a job; raises the problem for an unknown one."""
    found = garage.times(module)
    if found is None:
        raise refusal(RefusalCode.UNKNOWN_MODULE, module)
    return found


async def recovery(garage: Garage, module: str) -> dict[str, Any]:
    """Manual work and the way back of a module; raises the problem for an unknown one."""
    found = await garage.recovery(module)
    if found is None:
        raise refusal(RefusalCode.UNKNOWN_MODULE, module)
    return found


def job(garage: Garage, name: str) -> dict[str, Any]:
    """One job with everything in it; raises the problem for an unknown one."""
    found = garage.job(name)
    if found is None:
        raise refusal(RefusalCode.UNKNOWN_JOB, name)
    return found


def charging_session(garage: Garage, name: str) -> dict[str, Any]:
    """One charging session with everything in it; raises the problem for an unknown one."""
    found = garage.charging(name)
    if found is None:
        raise Problem("unknown_charging", (edge_reason("unknown_charging", name),))
    return found
