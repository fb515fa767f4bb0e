"""Why pairs of levels are enough, checked: whole small modules searched at once beside all their pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pytest

from domain.grid import ModuleLayout
from domain.machine import Machine
from runtime.verification.judge import Stand
from runtime.verification.model import Scope
from runtime.verification.mutants import Guard, guards_of, without
from runtime.verification.proving_ground import small_layout
from runtime.verification.search import search
from runtime.verification.second_barriers import SECOND_BARRIERS
from runtime.verification.sweep import Sweep, bits
from runtime.verification.world import World
from runtime.verify_layout import BARRIERS, model_of

WHOLE = (small_layout(2, (1, 1, 1, 0)), small_layout(3, (2, 1, 0)))
SURVIVORS = [
    (barrier, guard)
    for barrier, module in BARRIERS.items()
    for guard in guards_of(module)
    if (barrier, guard.name) in SECOND_BARRIERS
][::4]
Reached = dict[Stand, set[World]]


def levels_of(layout: ModuleLayout) -> tuple[int, ...]:
    return tuple(range(1, len(layout.levels) + 1))


def reached(
    layout: ModuleLayout, levels: tuple[int, ...], barrier: str, parts: Sequence[tuple[int, ...]]
) -> list[Reached]:
    """What is reached of each part of some levels, when `levels` are searched together."""
    model = model_of(Scope(layout, Machine(), levels), barrier)
    sweep = Sweep(model)
    assert sweep.run().violations == 0
    found: list[dict[Stand, int]] = [{} for _ in parts]
    for low, worlds in sweep.reached().items():
        stand = model.stands.stand(low)
        for part, of_part in zip(parts, found, strict=True):
            lift = stand.lift if stand.lift is not None and layout.bays[stand.lift.offset].level in part else None
            shown = Stand(tuple(stand.rows[levels.index(level)] for level in part), lift)
            of_part[shown] = of_part.get(shown, 0) | worlds
    return [{stand: {model.worlds[n] for n in bits(worlds)} for stand, worlds in one.items()} for one in found]


@pytest.mark.parametrize(
    ("layout", "barrier"),
    [(WHOLE[0], "plc"), (WHOLE[0], "supervisor"), (WHOLE[1], "plc")],
    ids=lambda each: each if isinstance(each, str) else f"{each.columns}x{len(each.levels)}",
)
def test_what_a_whole_module_reaches_is_what_its_pairs_of_levels_reach(layout: ModuleLayout, barrier: str) -> None:
    pairs = list(combinations(levels_of(layout), 2))
    together = reached(layout, levels_of(layout), barrier, pairs)
    alone = [reached(layout, pair, barrier, [pair])[0] for pair in pairs]
    for pair, of_whole, of_pair in zip(pairs, together, alone, strict=True):
        assert of_whole.keys() == of_pair.keys(), pair
        assert all(of_whole[stand] == of_pair[stand] for stand in of_whole), pair


@pytest.mark.parametrize(("barrier", "guard"), SURVIVORS, ids=lambda x: x.name if isinstance(x, Guard) else None)
def test_a_guard_whose_loss_no_pair_notices_is_not_noticed_by_the_whole_either(barrier: str, guard: Guard) -> None:
    layout = small_layout(3, (1, 1, 0))
    rules = without(BARRIERS[barrier], guard)
    assert Sweep(model_of(Scope(layout, Machine(), (1, 2, 3)), barrier, rules)).run().violations == 0


@pytest.mark.parametrize("barrier", BARRIERS)
def test_whole_sets_of_worlds_at_once_count_what_one_by_one_counts(barrier: str) -> None:
    scope = Scope(small_layout(3, (1, 0)), Machine(), (1, 2))
    at_once, one_by_one = Sweep(model_of(scope, barrier)).run(), search(model_of(scope, barrier))
    assert (at_once.states, at_once.transitions) == (one_by_one.states, one_by_one.transitions)
    assert at_once.violations == one_by_one.violations == 0


def test_both_ways_count_the_same_violations() -> None:
    scope = Scope(small_layout(3, (1, 0)), Machine(), (1, 2))
    guard = next(g for g in guards_of(BARRIERS["plc"]) if g.name == "train_of: check_people(now)")
    rules = without(BARRIERS["plc"], guard)
    at_once, one_by_one = Sweep(model_of(scope, "plc", rules)).run(), search(model_of(scope, "plc", rules))
    assert at_once.violations == one_by_one.violations > 0
    assert at_once.transitions == one_by_one.transitions
