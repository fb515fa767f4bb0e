"""The wire to one PLC: up, down, or somebody whom the controller was not built for."""

from __future__ import annotations

from controller.memory import Memory
from controller.plc_link import Expected, PlcLink
from controller.scan import Scan
from domain.events import FaultRaised
from domain.faults import FaultNumber
from domain.ids import ModuleId
from domain.moment import Moment
from domain.signals import Identity, Inputs

A = ModuleId("A")
RIGHT, WRONG = Identity(4, 0xABCD, 1), Identity(4, 0x1234, 1)


def states(*identities: Identity | None) -> tuple[list[str], list[int]]:
    """The link's state after each answer (None: silence), and the faults on the way."""
    link, memory, told, faults = PlcLink(A, Expected(4, 0xABCD)), Memory(), [], []
    for number, identity in enumerate(identities):
        scan = Scan(Moment(number * 100, number * 100), Inputs({}, {}, {}, {}), memory)
        told.append(link.follow(scan, identity)[0])
        faults += [one.event.number for one in scan.events if isinstance(one.event, FaultRaised)]
    return told, faults


def test_a_plc_of_another_layout_is_incompatible_until_the_right_program_answers() -> None:
    assert states(WRONG, WRONG, RIGHT, RIGHT) == (
        ["incompatible", "incompatible", "up", "up"],
        [FaultNumber.LAYOUT_MISMATCH],
    )


def test_silence_is_no_answer_whatever_was_before() -> None:
    assert states(None, RIGHT, None, WRONG, None, RIGHT)[0] == ["down", "up", "down", "incompatible", "down", "up"]


def test_a_plc_that_counts_another_start_has_rebooted() -> None:
    assert states(RIGHT, Identity(4, 0xABCD, 2))[1] == [FaultNumber.PLC_REBOOTED]
