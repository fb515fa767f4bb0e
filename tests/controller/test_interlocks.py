"""The supervisor's own barrier: each rule, broken in the image, is a reason against."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.interlocks import against
from controller.reconcile import at_rest
from domain.grid import ModuleLayout
from domain.ids import BayId, ModuleId
from domain.outputs import MailboxWrite, Opcode
from domain.refusals import RefusalCode
from domain.signals import GateState, MailboxReply, ModuleImage, Pallet, PlcMode, Result, Safety
from tests.garage_run import GarageRun
from tests.sites import module_layout, site_of

SITE = site_of(module_layout("A", 4))
LAYOUT: ModuleLayout = SITE.modules[0]
# level 1: pallets at 1-3, gap 4; level 2 and 3 the same; level 4 full
SLIDE = (Opcode.SLIDE, 1, 2, 4)
LOWER = (Opcode.LOWER, 4, 4, 0)
RAISE = (Opcode.RAISE, 4, 4, 0)


@pytest.fixture(scope="module")
def image() -> ModuleImage:
    run = GarageRun(SITE)
    run.wait(1000)
    at_rest = run.run.controller.modules[LAYOUT.id].image
    assert at_rest is not None
    return at_rest


def codes(image: ModuleImage, move: tuple[Opcode, int, int, int], *running: MailboxWrite) -> set[RefusalCode]:
    return {reason.code for reason in against(LAYOUT, image, *move, running)}


def pallet(image: ModuleImage, bay: str, state: int) -> ModuleImage:
    pallets = list(image.pallets)
    offset = LAYOUT.offset[BayId(bay)]
    pallets[offset] = replace(pallets[offset], state=state)
    return replace(image, pallets=tuple(pallets))


def cells(image: ModuleImage, level: int, mask: int) -> ModuleImage:
    levels = list(image.levels)
    levels[level - 1] = replace(levels[level - 1], cells=mask)
    return replace(image, levels=tuple(levels))


def running(opcode: Opcode, mailbox: int) -> MailboxWrite:
    return MailboxWrite(ModuleId("A"), mailbox, 9, opcode, 2, 4, 1000)


@pytest.mark.parametrize("move", [SLIDE, LOWER])
def test_at_rest_the_move_is_allowed(image: ModuleImage, move: tuple[Opcode, int, int, int]) -> None:
    assert codes(image, move) == set()


@pytest.mark.parametrize("move", [SLIDE, LOWER, RAISE])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mode": PlcMode.MANUAL}, RefusalCode.PLC_NOT_AUTOMATIC),
        ({"faults": (302,)}, RefusalCode.PLC_FAULT),
        ({"gate": GateState.OPEN}, RefusalCode.GATE_NOT_SHUT),
        ({"safety": Safety.ALL_OK & ~Safety.ZONE_CLEAR_A}, RefusalCode.ZONE_NOT_CLEAR),
        ({"safety": Safety.ALL_OK & ~Safety.ZONE_CLEAR_B}, RefusalCode.ZONE_NOT_CLEAR),
        ({"safety": Safety.ALL_OK & ~Safety.GATE_SHUT}, RefusalCode.GATE_NOT_SHUT),
        ({"safety": Safety.ALL_OK & ~Safety.ESTOP_OK}, RefusalCode.SAFETY_NOT_OK),
        ({"safety": Safety.ALL_OK & ~Safety.PHASE_OK}, RefusalCode.SAFETY_NOT_OK),
        ({"safety": Safety.ALL_OK & ~Safety.WATCHDOG_OK}, RefusalCode.SAFETY_NOT_OK),
    ],
)
def test_no_motion_against_a_safety_device(
    image: ModuleImage, move: tuple[Opcode, int, int, int], change: dict[str, Any], code: RefusalCode
) -> None:
    assert code in codes(replace(image, **change), move)


def test_no_slide_into_a_taken_cell(image: ModuleImage) -> None:
    assert codes(image, (Opcode.SLIDE, 1, 1, 2)) == {RefusalCode.PATH_BLOCKED}


def test_no_slide_below_a_lowered_pallet(image: ModuleImage) -> None:
    down = pallet(image, "A-4-04", Pallet.GROUND | Pallet.HOOK_OPEN)
    assert RefusalCode.HOIST_BUSY in codes(down, SLIDE)


def test_no_slide_while_the_level_slides_or_a_hoist_runs(image: ModuleImage) -> None:
    assert codes(image, SLIDE, running(Opcode.SLIDE, 1)) == {RefusalCode.LEVEL_BUSY}
    assert codes(image, SLIDE, running(Opcode.LOWER, 4)) == {RefusalCode.LEVEL_BUSY}
    assert codes(image, SLIDE, running(Opcode.SLIDE, 2)) == set()


def test_no_lowering_onto_a_pallet(image: ModuleImage) -> None:
    assert codes(image, (Opcode.LOWER, 4, 2, 0)) == {RefusalCode.PATH_BLOCKED}
    taken = cells(image, 2, 0b1110)
    assert RefusalCode.PATH_BLOCKED in codes(taken, LOWER)


def test_no_lowering_while_a_crossed_level_slides_or_stands_between(image: ModuleImage) -> None:
    assert RefusalCode.LEVEL_BUSY in codes(image, LOWER, running(Opcode.SLIDE, 3))
    between = cells(image, 3, 0b0110)
    assert RefusalCode.PATH_BLOCKED in codes(between, LOWER)


def test_one_vertical_move_at_a_time(image: ModuleImage) -> None:
    assert RefusalCode.HOIST_BUSY in codes(image, LOWER, running(Opcode.RAISE, 3))
    away = pallet(image, "A-3-01", Pallet.HOOK_OPEN)
    assert RefusalCode.HOIST_BUSY in codes(away, LOWER)


def test_no_lowering_with_an_open_hook_or_from_elsewhere(image: ModuleImage) -> None:
    open_hook = pallet(image, "A-4-04", Pallet.HOME | Pallet.HOOK_OPEN)
    assert codes(open_hook, LOWER) == {RefusalCode.HOOK_NOT_CLOSED}
    assert RefusalCode.NOT_HOME in codes(pallet(image, "A-4-04", Pallet.HOOK_CLOSED), LOWER)


@pytest.mark.parametrize("bit", [Pallet.SLACK, Pallet.OVERTRAVEL, Pallet.OVERLOAD])
def test_no_raising_with_a_sick_pallet(image: ModuleImage, bit: Pallet) -> None:
    assert RefusalCode.SAFETY_NOT_OK in codes(pallet(image, "A-4-04", Pallet.GROUND | bit), RAISE)


def test_no_raising_while_the_loaded_sensors_disagree(image: ModuleImage) -> None:
    assert RefusalCode.SENSORS_DISAGREE in codes(pallet(image, "A-4-04", Pallet.GROUND | Pallet.LOADED_A), RAISE)


def test_the_gate_does_not_open_while_anything_moves_or_hangs_between(image: ModuleImage) -> None:
    opening = (Opcode.GATE_OPEN, 0, 0, 0)
    assert codes(image, opening) == set()
    assert codes(image, opening, running(Opcode.SLIDE, 1)) == {RefusalCode.LEVEL_BUSY}
    assert codes(pallet(image, "A-2-01", Pallet.MOVING | Pallet.HOME), opening) == {RefusalCode.LEVEL_BUSY}
    assert codes(pallet(image, "A-2-01", Pallet.HOOK_OPEN), opening) == {RefusalCode.PALLET_UNKNOWN}


def test_the_gate_does_not_close_on_people(image: ModuleImage) -> None:
    people = replace(image, safety=Safety.ALL_OK & ~Safety.ZONE_CLEAR_B)
    assert codes(people, (Opcode.GATE_CLOSE, 0, 0, 0)) == {RefusalCode.ZONE_NOT_CLEAR}


def test_part_of_an_interrupted_slide_is_not_asked_for_because_it_would_run_into_the_rest(image: ModuleImage) -> None:
    between = cells(image, 2, 0b0001)  # pallets 2 and 3 stand between columns 2 and 4
    assert RefusalCode.PATH_BLOCKED in codes(between, (Opcode.SLIDE, 2, 2, 3))
    assert RefusalCode.PATH_BLOCKED in codes(between, (Opcode.SLIDE, 2, 1, 4))
    assert codes(between, (Opcode.SLIDE, 2, 2, 4)) == set()
    assert codes(between, (Opcode.SLIDE, 2, 4, 2)) == set()


def test_the_gate_does_not_open_onto_a_level_between_its_cells(image: ModuleImage) -> None:
    assert codes(cells(image, 1, 0b0001), (Opcode.GATE_OPEN, 0, 0, 0)) == {RefusalCode.PALLET_UNKNOWN}


@pytest.mark.parametrize("missing", [Safety.PHASE_OK, Safety.DRIVE_ENABLED, Safety.ESTOP_OK])
def test_the_gate_is_not_asked_to_move_without_its_supply(image: ModuleImage, missing: Safety) -> None:
    dead = replace(image, safety=image.safety & ~missing)
    for opcode in (Opcode.GATE_OPEN, Opcode.GATE_CLOSE):
        assert codes(dead, (opcode, 0, 0, 0)) == {RefusalCode.SAFETY_NOT_OK}


def test_a_move_that_the_plc_carries_out_and_nobody_sees_yet_is_no_rest(image: ModuleImage) -> None:
    assert at_rest(image)
    waits = replace(image.levels[1], reply=MailboxReply(7, Result.RUNNING))
    assert not at_rest(replace(image, levels=(image.levels[0], waits, *image.levels[2:])))
    assert not at_rest(replace(image, gate_reply=MailboxReply(7, Result.RUNNING)))
