"""Quiet law: before `wake_ms`, with equal inputs, `step` changes nothing and says nothing."""

from __future__ import annotations

import copy
from dataclasses import asdict, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.booking import BookingKind, Repeat
from domain.commands import MakeBooking
from domain.ids import Plate
from domain.moment import Moment
from domain.signals import Inputs
from sim.demand import Trip
from sim.households import draw_vehicle
from sim.streams import Stream, fork
from tests.garage_run import START_UTC_MS, GarageRun
from tests.policies import LIVELY
from tests.sites import module_layout, site_of

SITE = site_of(module_layout("A", 4), module_layout("B", 3), spots=2)
HORIZON_MS = 3_600_000


def dense_trips(seed: int) -> list[Trip]:
    """A car every two minutes; each leaves again half an hour later; every fourth charges."""
    dice = fork(seed, Stream.DAY, 99)
    trips = []
    for number in range(30):
        at_ms, plate, vehicle = number * 120_000, Plate(f"京Q{number:05d}"), draw_vehicle(SITE, dice)
        if number % 4 == 3:
            trips.append(Trip(at_ms, "charge", plate, vehicle, plate, 3000, 1_200_000))
        else:
            trips.append(Trip(at_ms, "arrive", plate, vehicle, plate))
            trips.append(Trip(at_ms + 1_800_000, "depart", plate, vehicle, plate))
    return sorted(trips, key=lambda trip: trip.at_ms)


def fresh_copy(inputs: Inputs) -> Inputs:
    """Equal images that are other objects, so that nothing can be recognised by identity."""
    return replace(
        inputs,
        modules={name: copy.deepcopy(image) for name, image in inputs.modules.items()},
        spots={name: copy.deepcopy(image) for name, image in inputs.spots.items()},
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 50), stop_ms=st.integers(0, HORIZON_MS), fractions=st.lists(st.floats(0, 1), max_size=4))
def test_between_two_changes_a_step_says_nothing(seed: int, stop_ms: int, fractions: list[float]) -> None:
    run = GarageRun(SITE, trips=dense_trips(seed), seed=seed, policy=LIVELY if seed % 2 else None)
    run.run.run_to(stop_ms)
    for number, (plate, car) in enumerate(sorted(run.memory.parked.items())):
        minute = stop_ms // 60_000 + 1 + 4 * number
        run.ask(MakeBooking(plate, car.pin_digest, BookingKind.DEPARTURE, minute, Repeat.DAILY))
    now_ms = -(-run.now_ms // 100) * 100
    inputs = run.run._wires.inputs()
    controller = run.run.controller
    step = controller.step(Moment(now_ms, START_UTC_MS + now_ms), inputs)
    while not step.is_quiet:
        now_ms += 100
        step = controller.step(Moment(now_ms, START_UTC_MS + now_ms), inputs)
    before = asdict(run.memory)
    for fraction in sorted(fractions):
        at_ms = now_ms + int((min(step.wake_ms, now_ms + HORIZON_MS) - 1 - now_ms) * fraction)
        quiet = controller.step(Moment(at_ms, START_UTC_MS + at_ms), fresh_copy(inputs))
        assert quiet.is_quiet
        assert quiet.wake_ms >= step.wake_ms
    assert asdict(run.memory) == before
