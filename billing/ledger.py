"""The ledger: what was charged and booked, once each, and what follows from it.

Writes charges and entries inside the caller's transaction, and answers questions about them. An entry is never
changed or removed; balances are sums, never stored. Decides no price (that is `billing.tariff`) and opens no
database (that is `runtime.database`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TextIO, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, select

from billing.postings import Charge, ChargeLine, JournalEntry, Posting, charge_of, payment_entry, permit_entry
from billing.postings import receivable as receivable_account
from billing.tables import charge_lines, charges, entries, postings
from billing.tariff import DAY_MS, MINUTE_MS, Permits, TariffBook
from domain.events import CarLeft, ChargingEnded, Recorded
from domain.ids import Plate

PAGE_LIMIT_MAX = 1000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_CSV_COLUMNS = ("entry", "utc_ms", "local_day", "key", "text", "account", "debit_fen", "credit_fen")


@dataclass(frozen=True, slots=True)
class BookedEntry:
    """An entry as it stands in the ledger; `id` is the cursor for the next page."""

    id: int
    entry: JournalEntry


@dataclass(frozen=True, slots=True)
class BookedCharge:
    """What a stay or charging session cost, as it stands in the ledger (see `billing.postings.Charge`)."""

    seq: int
    utc_ms: int
    kind: str
    subject: str
    plate: Plate
    total_fen: int
    free_because: str
    lines: tuple[ChargeLine, ...]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement on a plate's account and the balance after it."""

    entry_id: int
    utc_ms: int
    text: str
    amount_fen: int
    balance_fen: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A plate's account: every movement, what is owed now, and all charges with the free ones."""

    plate: Plate
    lines: tuple[StatementLine, ...]
    balance_fen: int
    charges: tuple[BookedCharge, ...]


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What one account moved by on one local day (2026-03-31)."""

    day: str
    account: str
    amount_fen: int


def post(connection: Connection, events: Sequence[Recorded], book: TariffBook, permits: Permits) -> int:
    """Book what these events cost, in the caller's transaction; returns how many charges are new.

    An event that is already booked is left as it is, so any event may be posted again.
    """
    new = 0
    for recorded in events:
        if not isinstance(recorded.event, CarLeft | ChargingEnded):
            continue
        charge = charge_of(recorded, book, permits)
        if charge is not None and not _is_charged(connection, charge.seq):
            _write_charge(connection, charge)
            new += 1
    return new


def bill_permits(connection: Connection, permits: Permits, month: str, utc_ms: int) -> int:
    """Book one month (as 2026-03) for every permit, once; returns how many entries are new."""
    new = 0
    for plate in sorted(permits.plates):
        entry = permit_entry(plate, month, permits, utc_ms)
        if entry is not None and _entry_id(connection, entry.key) is None:
            _write_entry(connection, entry)
            new += 1
    return new


def record_payment(connection: Connection, plate: Plate, amount_fen: int, reference: str, utc_ms: int) -> BookedEntry:
    """Book money received, once per reference; a repeat returns the entry that is there.

    Raises ValueError when the reference is already used for another plate or amount.
    """
    entry = payment_entry(plate, amount_fen, reference, utc_ms)
    entry_id = _entry_id(connection, entry.key)
    if entry_id is None:
        return BookedEntry(_write_entry(connection, entry), entry)
    booked = entries_after(connection, entry_id - 1, 1)[0]
    if booked.entry.postings != entry.postings:
        raise ValueError(f"payment reference {reference} is already used for another payment")
    return booked


def balance(connection: Connection, account: str) -> int:
    """An account's balance in fen: debits minus credits, 0 for an account never used."""
    total = select(func.coalesce(func.sum(postings.c.amount_fen), 0)).where(postings.c.account == account)
    return int(connection.execute(total).scalar_one())


def trial_balance(connection: Connection) -> dict[str, int]:
    """Every account's balance in fen, by name; the values add up to zero."""
    sums = (
        select(postings.c.account, func.sum(postings.c.amount_fen))
        .group_by(postings.c.account)
        .order_by(postings.c.account)
    )
    return {account: int(total) for account, total in connection.execute(sums)}


def entries_after(connection: Connection, after_id: int = 0, limit: int = 100) -> list[BookedEntry]:
    """The next page of entries in the order of booking; the last one's id is the next cursor."""
    page = (
        select(entries.c.id)
        .where(entries.c.id > after_id)
        .order_by(entries.c.id)
        .limit(max(1, min(limit, PAGE_LIMIT_MAX)))
        .subquery()
    )
    return _read_entries(connection, _entry_rows().where(entries.c.id.in_(select(page.c.id))))


def fee_of(connection: Connection, subject: str) -> BookedCharge | None:
    """What a job or charging session cost, by its id; None while it has not been charged."""
    found = _read_charges(connection, charges.c.subject == subject)
    return found[-1] if found else None


def charges_of(connection: Connection, plate: Plate) -> list[BookedCharge]:
    """All charges of a plate, oldest first, with the free ones."""
    return _read_charges(connection, charges.c.plate == plate)


def statement_of(connection: Connection, plate: Plate) -> Statement:
    """A plate's account from its first movement on."""
    movements = (
        select(entries.c.id, entries.c.utc_ms, entries.c.text, postings.c.amount_fen)
        .join(postings, postings.c.entry_id == entries.c.id)
        .where(postings.c.account == receivable_account(plate))
        .order_by(entries.c.id, postings.c.position)
    )
    lines: list[StatementLine] = []
    balance_fen = 0
    for entry_id, utc_ms, text, amount_fen in connection.execute(movements):
        balance_fen += amount_fen
        lines.append(StatementLine(entry_id, utc_ms, text, amount_fen, balance_fen))
    return Statement(plate, tuple(lines), balance_fen, tuple(charges_of(connection, plate)))


def totals_per_day(
    connection: Connection, from_utc_ms: int, to_utc_ms: int, utc_offset_minutes: int = 480
) -> list[DayTotal]:
    """What each account but the plates' moved by, per local day, in [from, to); income is negative (credit)."""
    day = (entries.c.utc_ms + utc_offset_minutes * MINUTE_MS) // DAY_MS
    sums = (
        select(day, postings.c.account, func.sum(postings.c.amount_fen))
        .join(postings, postings.c.entry_id == entries.c.id)
        .where(_within(from_utc_ms, to_utc_ms), postings.c.account.not_like(receivable_account(Plate("%"))))
        .group_by(day, postings.c.account)
        .order_by(day, postings.c.account)
    )
    return [DayTotal(_day_name(number), account, int(total)) for number, account, total in connection.execute(sums)]


def export_csv(
    connection: Connection, out: TextIO, from_utc_ms: int, to_utc_ms: int, utc_offset_minutes: int = 480
) -> int:
    """Write every posting of [from, to) as CSV with a heading; returns the number of postings."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    count = 0
    for booked in _entries_within(connection, from_utc_ms, to_utc_ms):
        entry = booked.entry
        day = _day_name((entry.utc_ms + utc_offset_minutes * MINUTE_MS) // DAY_MS)
        for posting in entry.postings:
            debit, credit = max(posting.amount_fen, 0), max(-posting.amount_fen, 0)
            writer.writerow((booked.id, entry.utc_ms, day, entry.key, entry.text, posting.account, debit, credit))
            count += 1
    return count


def _is_charged(connection: Connection, seq: int) -> bool:
    return connection.execute(select(charges.c.seq).where(charges.c.seq == seq)).first() is not None


def _entry_id(connection: Connection, key: str) -> int | None:
    return connection.execute(select(entries.c.id).where(entries.c.key == key)).scalar_one_or_none()


def _write_charge(connection: Connection, charge: Charge) -> None:
    entry_id = _write_entry(connection, charge.entry) if charge.entry else None
    connection.execute(
        insert(charges).values(
            seq=charge.seq,
            utc_ms=charge.utc_ms,
            kind=charge.kind,
            subject=charge.subject,
            plate=charge.plate,
            total_fen=charge.total_fen,
            free_because=charge.free_because,
            entry_id=entry_id,
        )
    )
    rows = [
        {
            "seq": charge.seq,
            "position": position,
            "item": line.item,
            "about": line.about,
            "quantity": line.quantity,
            "unit": line.unit,
            "price_fen": line.price_fen,
            "amount_fen": line.amount_fen,
        }
        for position, line in enumerate(charge.lines)
    ]
    if rows:
        connection.execute(insert(charge_lines), rows)


def _write_entry(connection: Connection, entry: JournalEntry) -> int:
    head = insert(entries).values(key=entry.key, utc_ms=entry.utc_ms, text=entry.text).returning(entries.c.id)
    entry_id: int = connection.execute(head).scalar_one()
    connection.execute(
        insert(postings),
        [
            {"entry_id": entry_id, "position": position, "account": p.account, "amount_fen": p.amount_fen}
            for position, p in enumerate(entry.postings)
        ],
    )
    return entry_id


_EntryRows: TypeAlias = Select[int, str, int, str, str, int]


def _entry_rows() -> _EntryRows:
    return (
        select(
            entries.c.id,
            entries.c.key,
            entries.c.utc_ms,
            entries.c.text,
            postings.c.account,
            postings.c.amount_fen,
        )
        .join(postings, postings.c.entry_id == entries.c.id)
        .order_by(entries.c.id, postings.c.position)
    )


def _read_entries(connection: Connection, rows: _EntryRows) -> list[BookedEntry]:
    heads: dict[int, tuple[str, int, str]] = {}
    parts: dict[int, list[Posting]] = {}
    for entry_id, key, utc_ms, text, account, amount_fen in connection.execute(rows):
        heads[entry_id] = (key, utc_ms, text)
        parts.setdefault(entry_id, []).append(Posting(account, amount_fen))
    return [BookedEntry(id_, JournalEntry(*head, tuple(parts[id_]))) for id_, head in heads.items()]


def _entries_within(connection: Connection, from_utc_ms: int, to_utc_ms: int) -> Iterator[BookedEntry]:
    after_id = 0
    while True:
        page = (
            select(entries.c.id)
            .where(entries.c.id > after_id, _within(from_utc_ms, to_utc_ms))
            .order_by(entries.c.id)
            .limit(PAGE_LIMIT_MAX)
            .subquery()
        )
        found = _read_entries(connection, _entry_rows().where(entries.c.id.in_(select(page.c.id))))
        if not found:
            return
        yield from found
        after_id = found[-1].id


def _read_charges(connection: Connection, wanted: ColumnElement[bool]) -> list[BookedCharge]:
    lines: dict[int, list[ChargeLine]] = {}
    of_lines = (
        select(
            charge_lines.c.seq,
            charge_lines.c.item,
            charge_lines.c.about,
            charge_lines.c.quantity,
            charge_lines.c.unit,
            charge_lines.c.price_fen,
            charge_lines.c.amount_fen,
        )
        .join(charges, charges.c.seq == charge_lines.c.seq)
        .where(wanted)
        .order_by(charge_lines.c.seq, charge_lines.c.position)
    )
    for seq, *rest in connection.execute(of_lines):
        lines.setdefault(seq, []).append(ChargeLine(*rest))
    heads = (
        select(
            charges.c.seq,
            charges.c.utc_ms,
            charges.c.kind,
            charges.c.subject,
            charges.c.plate,
            charges.c.total_fen,
            charges.c.free_because,
        )
        .where(wanted)
        .order_by(charges.c.seq)
    )
    return [BookedCharge(*row, tuple(lines.get(row[0], ()))) for row in connection.execute(heads)]


def _within(from_utc_ms: int, to_utc_ms: int) -> ColumnElement[bool]:
    return and_(entries.c.utc_ms >= from_utc_ms, entries.c.utc_ms < to_utc_ms)


def _day_name(day: int) -> str:
    return date.fromordinal(_EPOCH_DAY + day).isoformat()
