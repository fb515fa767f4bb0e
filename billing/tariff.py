"""What parking and charging cost: tariffs with their dates, and the fees that follow from them.

Decides the price of one stay and of one charging session; does not know who pays, and books nothing
(that is `billing.postings`). Money is whole fen (分), energy whole Wh, time epoch ms.

Rules, in the order in which people ask for them:

1. A visitor's stay of at most `free_minutes` is free. A longer stay is counted from its beginning, in
   started hours, and no 24 hours since entry cost more than `day_cap_fen`. Each 24 hours begin anew.
2. The tariff at entry counts for the whole stay, whatever changes meanwhile.
3. Energy costs what its local hour costs. A slice that crosses the border of a band, or the date of a new
   tariff, is divided by time into whole Wh; nothing is lost by the division.
4. One line per tariff and band, rounded half up to a fen; the energy fee is the sum of these lines, so a receipt
   can be added up. The service fee is rounded half up once, over the whole session.
5. Before the date of the first tariff the first tariff counts.
6. A clock that was set back, or a meter that ran backwards, costs nothing: such a stay or slice counts as zero.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from domain.ids import Plate

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

Slice = tuple[int, int, int]
"""(from_utc_ms, to_utc_ms, energy_wh), as `domain.events.ChargingEnded` carries them."""


@dataclass(frozen=True, slots=True)
class ParkingTariff:
    """What a visitor pays: minutes for nothing, the price of a started hour, the most for 24 hours."""

    free_minutes: int
    hour_fen: int
    day_cap_fen: int

    def __post_init__(self) -> None:
        for name in ("free_minutes", "hour_fen", "day_cap_fen"):
            _refuse_negative(f"parking.{name}", getattr(self, name))

    def fee_fen(self, stay_ms: int) -> int:
        """The fee for a stay of this length (rule 1)."""
        if stay_ms <= self.free_minutes * MINUTE_MS:
            return 0
        days, rest_ms = divmod(stay_ms, DAY_MS)
        rest_hours = -(-rest_ms // HOUR_MS)
        whole_day_fen = min(24 * self.hour_fen, self.day_cap_fen)
        return days * whole_day_fen + min(rest_hours * self.hour_fen, self.day_cap_fen)


@dataclass(frozen=True, slots=True)
class EnergyBand:
    """Local hours with one price per kWh: from 23 to 7 wraps midnight, from 0 to 24 is the whole day."""

    from_hour: int
    to_hour: int
    kwh_fen: int

    def __post_init__(self) -> None:
        if not (0 <= self.from_hour <= 23 and 0 <= self.to_hour <= 24) or self.from_hour == self.to_hour:
            raise ValueError(f"energy band {self.name}: hours run from 0-23 to 0-24 and differ")
        _refuse_negative(f"energy band {self.name}: kwh_fen", self.kwh_fen)

    @property
    def name(self) -> str:
        """The band as it stands on a receipt."""
        return f"{self.from_hour:02d}:00-{self.to_hour:02d}:00"

    @property
    def hours(self) -> tuple[int, ...]:
        """The hours of the day that this band prices, in order of time."""
        length = (self.to_hour - self.from_hour - 1) % 24 + 1
        return tuple((self.from_hour + n) % 24 for n in range(length))


@dataclass(frozen=True)
class EnergyTariff:
    """Time-of-use prices that cover the day exactly once, and a service fee per kWh."""

    bands: tuple[EnergyBand, ...]
    service_kwh_fen: int

    def __post_init__(self) -> None:
        _refuse_negative("energy.service_kwh_fen", self.service_kwh_fen)
        priced = [hour for band in self.bands for hour in band.hours]
        for hour in range(24):
            count = priced.count(hour)
            if count != 1:
                often = "has no price" if count == 0 else f"has {count} prices"
                raise ValueError(f"energy bands: the hour from {hour}:00 {often}; each hour needs exactly one")

    @cached_property
    def band_of_hour(self) -> tuple[EnergyBand, ...]:
        """The band of each local hour, 0 to 23."""
        by_hour = {hour: band for band in self.bands for hour in band.hours}
        return tuple(by_hour[hour] for hour in range(24))


@dataclass(frozen=True, slots=True)
class Tariff:
    """All prices that are valid from an instant until the next tariff's."""

    valid_from_utc_ms: int
    parking: ParkingTariff
    energy: EnergyTariff


@dataclass(frozen=True)
class TariffBook:
    """Every tariff that ever was or is announced, oldest first, and the site's distance from UTC."""

    tariffs: tuple[Tariff, ...]
    utc_offset_minutes: int = 480

    def __post_init__(self) -> None:
        if not self.tariffs:
            raise ValueError("tariffs: at least one tariff is needed")
        starts = self._starts_utc_ms
        for earlier, later in pairwise(starts):
            if earlier >= later:
                raise ValueError("tariffs: valid_from must rise from one tariff to the next")
        if not -720 <= self.utc_offset_minutes <= 840:
            raise ValueError(f"utc_offset_minutes: {self.utc_offset_minutes} is no time zone on earth")

    @cached_property
    def _starts_utc_ms(self) -> tuple[int, ...]:
        return tuple(tariff.valid_from_utc_ms for tariff in self.tariffs)

    def at(self, utc_ms: int) -> Tariff:
        """The tariff that is valid at an instant (rule 5)."""
        return self.tariffs[max(0, bisect_right(self._starts_utc_ms, utc_ms) - 1)]

    def next_change_utc_ms(self, utc_ms: int) -> int | None:
        """When the next tariff after this instant begins; None when none is announced."""
        place = bisect_right(self._starts_utc_ms, utc_ms)
        # The first tariff's date changes nothing: it counts before that date, too.
        place = max(place, 1)
        return self._starts_utc_ms[place] if place < len(self.tariffs) else None

    def local_hour(self, utc_ms: int) -> int:
        """Hours since the local epoch; modulo 24 it is the hour of the day."""
        return (utc_ms + self.utc_offset_minutes * MINUTE_MS) // HOUR_MS

    def hour_start_utc_ms(self, local_hour: int) -> int:
        """When the hour that `local_hour` counted begins."""
        return local_hour * HOUR_MS - self.utc_offset_minutes * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Permits:
    """Residents with a monthly permit: they pay by the month and no parking fee."""

    plates: frozenset[Plate] = frozenset()
    month_fen: int = 0

    def __post_init__(self) -> None:
        _refuse_negative("permits.month_fen", self.month_fen)

    def is_resident(self, plate: Plate) -> bool:
        """Whether this plate has a monthly permit."""
        return plate in self.plates


class EnergyLine(NamedTuple):
    """One line of a charging receipt: what was drawn in one band of one tariff, and its fee."""

    band: EnergyBand
    energy_wh: int
    fee_fen: int


class EnergyFee(NamedTuple):
    """The fee of a charging session: energy (the sum of its lines) and service."""

    energy_fen: int
    service_fen: int
    lines: tuple[EnergyLine, ...]


def parking_fee_fen(book: TariffBook, parked_utc_ms: int, left_utc_ms: int) -> int:
    """What a visitor's stay costs (rules 1, 2 and 6)."""
    return book.at(parked_utc_ms).parking.fee_fen(left_utc_ms - parked_utc_ms)


def energy_fee_fen(book: TariffBook, slices: Iterable[Slice]) -> EnergyFee:
    """What a charging session costs (rules 3, 4 and 6); lines in the order in which bands first occur."""
    energy_wh: dict[tuple[int, EnergyBand], int] = {}
    service_fen_1000 = 0
    for part in slices:
        for tariff, band, part_wh in _divide(book, part):
            if part_wh:
                key = (tariff.valid_from_utc_ms, band)
                energy_wh[key] = energy_wh.get(key, 0) + part_wh
                service_fen_1000 += part_wh * tariff.energy.service_kwh_fen
    lines = tuple(EnergyLine(band, wh, _round_half_up(wh * band.kwh_fen, 1000)) for (_, band), wh in energy_wh.items())
    return EnergyFee(sum(line.fee_fen for line in lines), _round_half_up(service_fen_1000, 1000), lines)


def _divide(book: TariffBook, part: Slice) -> Iterator[tuple[Tariff, EnergyBand, int]]:
    """The energy of a slice per tariff and band, divided by time; whole Wh that add up to the slice's."""
    from_utc_ms, to_utc_ms, slice_wh = part
    slice_wh = max(0, slice_wh)
    given_wh = 0
    start = from_utc_ms
    while True:
        tariff = book.at(start)
        hour = book.local_hour(start)
        band = tariff.energy.band_of_hour[hour % 24]
        hours_left = (band.to_hour - hour % 24 - 1) % 24 + 1
        end = book.hour_start_utc_ms(hour + hours_left)
        change = book.next_change_utc_ms(start)
        if change is not None and change < end:
            end = change
        if end >= to_utc_ms:
            yield tariff, band, slice_wh - given_wh
            return
        # Rounding what was drawn so far, not each part, keeps the sum exact.
        until_wh = _round_half_up(slice_wh * (end - from_utc_ms), to_utc_ms - from_utc_ms)
        yield tariff, band, until_wh - given_wh
        given_wh = until_wh
        start = end


def _round_half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _refuse_negative(name: str, value: int) -> None:
    if value < 0:
        raise ValueError(f"{name}: {value} is negative")
