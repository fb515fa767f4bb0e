"""What is metered of a move: who moved, how long the hook took, what the motor drew, and when nothing can be told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.meter import Meter, Metered
from domain.ids import ModuleId
from domain.outputs import GATE, MailboxWrite, Opcode
from domain.signals import ModuleImage, Pallet
from tests.garage_run import GarageRun
from tests.sites import small_site

A = ModuleId("A")
LAYOUT = small_site().layout[A]
HOME = Pallet.HOME | Pallet.HOOK_CLOSED


@pytest.fixture(scope="module")
def image() -> ModuleImage:
    """At rest: two pallets on the ground level, three hooked above."""
    garage = GarageRun(small_site())
    garage.ready()
    found = garage.run.controller.modules[A].image
    assert found is not None
    return found


def write(mailbox: int, opcode: Opcode, first: int = 1, second: int = 0) -> MailboxWrite:
    return MailboxWrite(A, mailbox, 7, opcode, first, second, 60_000)


def seen(image: ModuleImage, motors_w: int, **pallets: int) -> ModuleImage:
    """The image with these motors running and these pallets (`p3` is the first of the upper level) in these states."""
    signals = list(image.pallets)
    for name, state in pallets.items():
        place = int(name[1:]) - 1
        signals[place] = replace(signals[place], state=state)
    return replace(image, motors_w=motors_w, pallets=tuple(signals))


def lowered(image: ModuleImage, meter: Meter, load: int = 0) -> Metered:
    """A pallet goes down: 2 s for its hook, 20 s at 5500 W, 0.1 s until the end is seen."""
    meter.begin(write(2, Opcode.LOWER), image, 0)
    meter.look(seen(image, 0, p3=HOME & ~Pallet.HOOK_CLOSED | load), 100)
    meter.look(seen(image, 0, p3=Pallet.HOOK_OPEN | load), 2000)
    meter.look(seen(image, 5500, p3=Pallet.HOOK_OPEN | Pallet.MOVING | load), 2100)
    meter.look(seen(image, 0, p3=Pallet.GROUND | load), 22_100)
    meter.look(seen(image, 0, p3=Pallet.GROUND | load), 22_200)
    return meter.end(2)


def test_an_empty_lift_shows_hook_energy_and_power(image: ModuleImage) -> None:
    assert lowered(image, Meter(LAYOUT)) == Metered((1,), 20_000, 110_000, 5500, 2000)


def test_a_car_on_it_says_nothing_about_the_motor(image: ModuleImage) -> None:
    found = lowered(image, Meter(LAYOUT), Pallet.LOADED)
    assert (found.power_w, found.hook_ms, found.energy_j) == (None, 2000, 110_000)


def test_a_closing_hook_is_timed_from_where_the_pallet_stands(image: ModuleImage) -> None:
    meter = Meter(LAYOUT)
    meter.begin(write(2, Opcode.RAISE), image, 0)
    # the closed switch of a pallet that has not moved yet is no news
    meter.look(seen(image, 0, p3=Pallet.GROUND | Pallet.HOOK_CLOSED), 100)
    meter.look(seen(image, 5500, p3=Pallet.MOVING), 2000)
    meter.look(seen(image, 0, p3=0), 20_000)
    meter.look(seen(image, 0, p3=HOME), 22_400)
    assert meter.end(2).hook_ms == 2400


def test_of_two_moves_at_once_neither_shows_its_power_and_no_energy_is_counted_twice(image: ModuleImage) -> None:
    meter = Meter(LAYOUT)
    meter.begin(write(1, Opcode.SLIDE, 1, 3), image, 0)
    meter.look(seen(image, 800, p1=Pallet.MOVING, p2=Pallet.MOVING), 1000)
    meter.begin(write(GATE, Opcode.GATE_OPEN), image, 2000)
    meter.look(seen(image, 800, p1=Pallet.MOVING, p2=Pallet.MOVING), 3000)
    meter.look(seen(image, 0), 11_000)
    slide, gate = meter.end(1), meter.end(GATE)
    assert (slide.moved, slide.power_w, gate.power_w) == ((1, 2), None, None)
    assert slide.energy_j + gate.energy_j == 800 * 10


def test_power_of_a_slide_is_that_of_one_of_its_motors(image: ModuleImage) -> None:
    meter = Meter(LAYOUT)
    meter.begin(write(1, Opcode.SLIDE, 1, 3), image, 0)
    meter.look(seen(image, 800, p1=Pallet.MOVING, p2=Pallet.MOVING), 1000)
    meter.look(seen(image, 0), 11_000)
    assert meter.end(1).power_w == 400


def test_what_nobody_saw_begin_is_not_metered(image: ModuleImage) -> None:
    meter = Meter(LAYOUT)
    meter.begin(write(2, Opcode.LOWER), image, 0)
    meter.forget()
    assert meter.end(2) == Metered()
