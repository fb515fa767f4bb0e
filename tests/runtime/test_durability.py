"""Acknowledged = kept, in small: kills of a real process, and power cuts on a disk that forgets."""

from __future__ import annotations

import random

from runtime.bench_kills import kill_campaign
from runtime.cut_disk import SECTOR_BYTES, StoredFile
from runtime.power_cuts import cut_campaign


def test_no_kill_loses_what_was_acknowledged() -> None:
    report = kill_campaign(30, seed=3)

    assert report.kills == 30
    assert report.acknowledged > 0
    assert (report.lost, report.torn, report.stories) == (0, 0, ())


def test_no_power_cut_loses_what_was_acknowledged_as_shipped() -> None:
    report = cut_campaign(140, seed=3)

    assert (report.cuts, report.transactions_lost, report.corrupt, report.stories) == (140, 0, 0, [])
    assert report.acknowledged > 140


def test_the_rig_sees_what_a_missing_sync_loses() -> None:
    normal = cut_campaign(40, seed=3, synchronous="NORMAL")
    off = cut_campaign(20, seed=3, synchronous="OFF")

    assert normal.cuts_with_loss >= 20
    assert normal.corrupt == 0
    assert off.corrupt > 0


def test_the_disk_forgets_sectors_one_by_one_and_nothing_that_was_synced() -> None:
    file = StoredFile()
    file.change(0, b"a" * 4 * SECTOR_BYTES)
    file.sync()
    file.change(0, b"b" * 4 * SECTOR_BYTES)
    chance = random.Random(1)

    kept = {bytes(survivor.seen) for _ in range(200) if (survivor := file.survivor(chance, 0.5)) is not None}

    sectors = {tuple(content[at : at + SECTOR_BYTES] for at in range(0, 2048, SECTOR_BYTES)) for content in kept}
    assert len(sectors) == 16
    assert all(set(sector) in ({97}, {98}) for whole in sectors for sector in whole)
    never = file.survivor(chance, 0.0)
    assert never is not None and never.seen == b"a" * 2048


def test_a_file_that_was_never_synced_may_be_gone() -> None:
    file = StoredFile()
    file.change(0, b"a")

    assert file.survivor(random.Random(1), 0.0) is None
