"""From what happened to what is owed: one event becomes one charge, and one balanced entry if it costs.

Decides accounts, amounts and the text of an entry; writes nothing (that is `billing.ledger`). A debit is positive, a
credit negative, and the postings of an entry add up to zero: `JournalEntry` refuses to exist otherwise.

Accounts: `receivable:PLATE` (what a car's owner owes) · `income:parking` · `income:energy` · `income:service` ·
`income:permits` · `cash`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from billing.tariff import MINUTE_MS, Permits, TariffBook, energy_fee_fen, parking_fee_fen
from domain.events import CarLeft, ChargingEnded, Recorded
from domain.ids import Plate

INCOME_PARKING = "income:parking"
INCOME_ENERGY = "income:energy"
INCOME_SERVICE = "income:service"
INCOME_PERMITS = "income:permits"
CASH = "cash"

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount on an account: debit positive, credit negative."""

    account: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One balanced booking. `key` names its cause: a second entry with the same key is the same one."""

    key: str
    utc_ms: int
    text: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        balance_fen = sum(posting.amount_fen for posting in self.postings)
        if balance_fen != 0:
            raise ValueError(f"entry {self.key} is out of balance by {balance_fen} fen")


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One line of a receipt; `price_fen` is per started hour or per kWh, `quantity` in `unit`."""

    item: str
    about: str
    quantity: int
    unit: str
    price_fen: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What one stay or charging session costs, also when it is nothing.

    `kind` is `parking` or `charging`; `subject` the id of the job or charging session. `free_because` is empty
    when something is owed, else `permit`, `short_stay`, `no_energy` or `free_tariff`. `entry` is None when free.
    """

    seq: int
    utc_ms: int
    kind: str
    subject: str
    plate: Plate
    total_fen: int
    free_because: str
    lines: tuple[ChargeLine, ...]
    entry: JournalEntry | None


def receivable(plate: Plate) -> str:
    """The account of what this plate's owner owes."""
    return f"receivable:{plate}"


def charge_of(recorded: Recorded, book: TariffBook, permits: Permits) -> Charge | None:
    """What an event costs; None for an event that has no price."""
    event = recorded.event
    if isinstance(event, CarLeft):
        return _parking_charge(recorded, event, book, permits)
    if isinstance(event, ChargingEnded):
        return _charging_charge(recorded, event, book)
    return None


def permit_entry(plate: Plate, month: str, permits: Permits, utc_ms: int) -> JournalEntry | None:
    """One month's permit (`month` as 2026-03) for one plate; None when permits cost nothing."""
    if _MONTH.fullmatch(month) is None:
        raise ValueError(f"not a month: {month!r} (expected for example 2026-03)")
    if not permits.month_fen:
        return None
    return JournalEntry(
        f"permit:{month}:{plate}",
        utc_ms,
        f"permit {month}",
        (Posting(receivable(plate), permits.month_fen), Posting(INCOME_PERMITS, -permits.month_fen)),
    )


def payment_entry(plate: Plate, amount_fen: int, reference: str, utc_ms: int) -> JournalEntry:
    """Money received for a plate; `reference` is the cashier's or payment provider's own unique number."""
    if amount_fen <= 0:
        raise ValueError(f"a payment is more than nothing, not {amount_fen} fen")
    return JournalEntry(
        f"payment:{reference}",
        utc_ms,
        f"payment {reference}",
        (Posting(CASH, amount_fen), Posting(receivable(plate), -amount_fen)),
    )


def _parking_charge(recorded: Recorded, event: CarLeft, book: TariffBook, permits: Permits) -> Charge:
    tariff = book.at(event.parked_utc_ms).parking
    stay_ms = max(0, event.left_utc_ms - event.parked_utc_ms)
    minutes = -(-stay_ms // MINUTE_MS)
    resident = permits.is_resident(event.plate)
    fee_fen = 0 if resident else parking_fee_fen(book, event.parked_utc_ms, event.left_utc_ms)
    if fee_fen:
        free_because = ""
    elif resident:
        free_because = "permit"
    elif stay_ms <= tariff.free_minutes * MINUTE_MS:
        free_because = "short_stay"
    else:
        free_because = "free_tariff"
    line = ChargeLine("parking", event.bay, minutes, "min", 0 if resident else tariff.hour_fen, fee_fen)
    entry = _entry(recorded, event.plate, f"parking {event.bay} {minutes} min", {INCOME_PARKING: fee_fen})
    return Charge(
        recorded.seq,
        recorded.utc_ms,
        "parking",
        event.job,
        event.plate,
        fee_fen,
        free_because,
        (line,),
        entry,
    )


def _charging_charge(recorded: Recorded, event: ChargingEnded, book: TariffBook) -> Charge:
    fee = energy_fee_fen(book, event.slices)
    energy_wh = sum(line.energy_wh for line in fee.lines)
    total_fen = fee.energy_fen + fee.service_fen
    free_because = "" if total_fen else "free_tariff" if energy_wh else "no_energy"
    lines = [
        ChargeLine("energy", line.band.name, line.energy_wh, "Wh", line.band.kwh_fen, line.fee_fen)
        for line in fee.lines
    ]
    if energy_wh:
        start_utc_ms = event.slices[0][0]
        price_fen = book.at(start_utc_ms).energy.service_kwh_fen
        lines.append(ChargeLine("service", event.spot, energy_wh, "Wh", price_fen, fee.service_fen))
    income = {INCOME_ENERGY: fee.energy_fen, INCOME_SERVICE: fee.service_fen}
    entry = _entry(recorded, event.plate, f"charging {event.spot} {energy_wh} Wh", income)
    return Charge(
        recorded.seq,
        recorded.utc_ms,
        "charging",
        event.charging,
        event.plate,
        total_fen,
        free_because,
        tuple(lines),
        entry,
    )


def _entry(recorded: Recorded, plate: Plate, text: str, income_fen: dict[str, int]) -> JournalEntry | None:
    total_fen = sum(income_fen.values())
    if not total_fen:
        return None
    credits = tuple(Posting(account, -amount) for account, amount in income_fen.items() if amount)
    return JournalEntry(
        f"event:{recorded.seq}", recorded.utc_ms, text, (Posting(receivable(plate), total_fen), *credits)
    )
