"""The PLCs remember how far the journal was: an older or another journal does not move anything unseen."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import delete

from domain.commands import ConfirmModule
from domain.ids import ModuleId
from domain.signals import KeptHead
from runtime.database import open_database, writing
from runtime.journal import Journal
from runtime.journal_tables import events
from sim.soft_plc import SoftPlc
from tests.garage_run import GarageRun
from tests.sites import small_site

A = ModuleId("A")


def garage_after_a_day() -> GarageRun:
    garage = GarageRun(small_site(), {"A-2-01": "京A1"})
    garage.ready()
    garage.see_through(garage.fetch("京A1"))
    garage.wait(60_000)
    return garage


def plc(garage: GarageRun) -> SoftPlc:
    return garage.run.rig.plcs[A]


def kept_seq(garage: GarageRun) -> int:
    high, low = plc(garage).read_input(80, 2)
    return high << 16 | low


def rebuilt(garage: GarageRun, last_seq: int) -> Journal:
    """The same garage's journal as an older backup has it."""
    _, recorded = garage.journal.load()
    journal = Journal(open_database("sqlite://"))
    journal.append([record for record in recorded if record.seq <= last_seq])
    return journal


def test_a_plc_keeps_the_newest_event_through_a_power_cut_and_is_told_after_quiet() -> None:
    garage = garage_after_a_day()

    assert kept_seq(garage) == garage.journal.head.seq
    plc(garage).reboot(garage.now_ms)
    assert kept_seq(garage) == garage.journal.head.seq
    words = plc(garage).read_input(82, 4)
    assert "".join(f"{word:04x}" for word in words) == garage.journal.head.hash[:16]


def test_a_restart_with_the_same_journal_is_nothing_special() -> None:
    garage = garage_after_a_day()

    garage.crash()
    garage.wait(10_000)

    assert garage.module().state == "ready"


def test_a_restart_with_an_older_journal_locks_until_an_operator_confirms() -> None:
    garage = garage_after_a_day()
    kept = kept_seq(garage)
    garage.run.journal = garage.journal = rebuilt(garage, kept - 1)

    garage.crash()
    garage.wait(10_000)

    assert garage.module().state == "locked"
    about = f"the PLC keeps event {kept}, the journal ends at {kept - 1}"
    assert f"journal_doubted:{about}" in garage.module().reasons
    assert kept_seq(garage) == kept, "the evidence is not overwritten"

    garage.accept(ConfirmModule(A, "operator"))
    garage.wait(30_000)

    assert garage.module().state == "ready"
    garage.crash()
    garage.wait(20_000)
    assert garage.module().state == "ready", "the confirmed journal is the PLC's from now on"
    garage.wait(20_000)
    assert kept_seq(garage) == garage.journal.head.seq


def test_a_restart_with_a_rewritten_journal_locks_although_it_is_longer() -> None:
    garage = garage_after_a_day()
    kept = kept_seq(garage)
    _, recorded = garage.journal.load()
    forged = Journal(open_database("sqlite://"))
    forged.append([replace(record, utc_ms=record.utc_ms + (record.seq == 2)) for record in recorded])
    garage.run.journal = garage.journal = forged

    garage.crash()
    garage.wait(10_000)

    assert garage.module().reasons[-1] == f"journal_doubted:event {kept} is not the one that the PLC keeps"


def test_a_journal_that_lost_its_middle_is_noticed_too() -> None:
    garage = garage_after_a_day()
    kept = kept_seq(garage)
    with writing(garage.journal._engine) as connection:
        connection.execute(delete(events).where(events.c.seq == kept))

    garage.run.restart(garage.memory)
    garage.wait(10_000)

    assert f"journal_doubted:the PLC keeps event {kept}, the journal has lost it" in garage.module().reasons


def test_the_plc_is_told_at_most_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    garage = GarageRun(small_site(), {"A-2-01": "京A1"})
    told: list[int] = []
    wires = garage.run._wires
    keep = wires.keep

    def listen(module: ModuleId, head: KeptHead) -> None:
        told.append(garage.now_ms)
        keep(module, head)

    monkeypatch.setattr(wires, "keep", listen)
    garage.ready()

    garage.see_through(garage.fetch("京A1"))
    garage.wait(60_000)

    assert len(told) > 3
    assert all(later - earlier >= 10_000 for earlier, later in pairwise(told))
    # and once the lights are dimmed too
    garage.wait(600_000)
    quiet = len(told)
    garage.wait(3_600_000)
    assert len(told) == quiet, "nothing new, nothing told"
