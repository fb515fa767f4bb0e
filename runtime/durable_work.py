"""The work of the durability campaigns: batches of events that follow from their first number alone.

Whoever finds a journal after a crash can therefore say exactly what must be in it. Each batch earns money once, so
the ledger's rows are at stake with the events.
"""

from __future__ import annotations

from functools import partial

from billing import ledger
from billing.tariff import EnergyBand, EnergyTariff, ParkingTariff, Permits, Tariff, TariffBook
from domain.events import CarLeft, JobAdvanced, MotionRequested, Recorded
from domain.ids import BayId, JobId, ModuleId, Plate
from runtime.journal import Poster

HOUR_MS = 3_600_000
UTC_MS = 1_767_225_600_000
FEE_FEN = 500
"""What one hour costs, and so each batch."""

BOOK = TariffBook((Tariff(0, ParkingTariff(15, FEE_FEN, 8 * FEE_FEN), EnergyTariff((EnergyBand(0, 24, 70),), 50)),))
POSTER: Poster = partial(ledger.post, book=BOOK, permits=Permits())


def batch_of(first_seq: int) -> list[Recorded]:
    """Two to six events from this number on; the last is a car that leaves after an hour."""
    last_seq = first_seq + 1 + first_seq * 7 % 5
    job = JobId(f"J{last_seq:06d}")
    batch: list[Recorded] = []
    for seq in range(first_seq, last_seq):
        move = MotionRequested(ModuleId("A"), seq % 4, seq, 1, seq % 9 + 1, 10, 30_000, job)
        batch.append(Recorded(seq, UTC_MS + 1000 * seq, move if seq % 2 else JobAdvanced(job, "preparing")))
    left = CarLeft(job, Plate("京A12345"), BayId("A-3-07"), UTC_MS, UTC_MS + HOUR_MS)
    batch.append(Recorded(last_seq, UTC_MS + HOUR_MS, left))
    return batch
