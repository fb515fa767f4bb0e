"""Names of parts, and the layout that is left without them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.parts import Part, find_part, parse_part, parts_out, with_back, without
from domain.refusals import Refusal, RefusalCode
from tests.scheduler.parts_out import all_parts
from tests.sites import default_site, module_layout

LAYOUT = module_layout("A", 4, blocked={1: (2,)})


@given(part=st.sampled_from(all_parts(LAYOUT)))
def test_a_part_reads_back_as_it_is_written(part: Part) -> None:
    assert parse_part(part.name) == part
    assert find_part(part.name, [LAYOUT]) == part


@pytest.mark.parametrize("text", ["", "a-3", "A-3-7", "A-0", "A-2@5", "A-3-07-1", "A@05", "A-3-07\n", "Ａ"])
def test_what_is_no_name_of_a_part_is_refused(text: str) -> None:
    assert parse_part(text) == Refusal(RefusalCode.UNKNOWN_PART, text)


@pytest.mark.parametrize("text", ["E", "A-5", "A-1-10", "A-3@11", "A-3@00", "A-4-00"])
def test_a_part_that_no_module_has_is_refused(text: str) -> None:
    assert find_part(text, default_site().modules) == Refusal(RefusalCode.UNKNOWN_PART, text)


def test_a_column_without_a_cell_cannot_be_closed() -> None:
    assert find_part("A-1@02", [LAYOUT]) == Refusal(RefusalCode.UNKNOWN_PART, "A-1@02")


@given(parts=st.lists(st.sampled_from(all_parts(LAYOUT)), unique=True))
def test_what_is_taken_out_is_out_and_back_again_after(parts: list[Part]) -> None:
    damaged = without(LAYOUT, parts)
    assert parts_out(damaged) == tuple(sorted(parts))
    assert with_back(damaged, parts) == LAYOUT
    assert damaged.is_whole is (not parts)
    assert without(damaged, parts) is damaged
    assert damaged.pallets_per_level == LAYOUT.pallets_per_level


def test_parts_of_other_modules_change_nothing() -> None:
    part = parse_part("B-3-01")
    assert isinstance(part, Part)
    assert without(LAYOUT, [part]) is LAYOUT
