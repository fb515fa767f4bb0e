"""What values of `config.yaml` must be together: power, links, tariffs, names, tokens.

Decides which combinations are refused, and says so at the line that is wrong. Geometry has its own
module, `runtime.config_geometry`.
"""

from __future__ import annotations

import re

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from domain.grid import ModuleLayout
from domain.ids import parse_plate
from domain.machine import Machine, SlideMode
from domain.maintenance import COUNTS, REPAIR, Wearing
from domain.site import SpotSpec
from plc.wallbox import profile_names
from runtime.config_marks import MarkedDocument, ValuePath
from runtime.config_models import Document, EnergySection, LinkSection, SpotSection, WallboxSection

_SPOT_ID = re.compile(r"[A-Z]{1,3}-[0-9]{2,3}")
_WALLBOX = tuple(WallboxSection.model_fields)
_DATABASES = ("sqlite", "postgresql")


def spot_values(spot: SpotSection, shared: WallboxSection) -> dict[str, int]:
    """A spot's electrical values, with the shared ones where it has none of its own."""
    own = {name: getattr(spot, name) for name in _WALLBOX}
    return {name: getattr(shared, name) if own[name] is None else own[name] for name in _WALLBOX}


def check_spots(document: Document, marked: MarkedDocument) -> None:
    """Names are unique and plain; currents are in order."""
    seen: set[str] = set()
    modules = {module.id for module in document.modules}
    for number, spot in enumerate(document.spots):
        path: ValuePath = ("spots", number)
        if spot.id in seen:
            marked.problem((*path, "id"), f"charging spot {spot.id} is listed twice")
        elif spot.id in modules or _SPOT_ID.fullmatch(spot.id) is None:
            marked.problem((*path, "id"), f"must look like E-01, not {spot.id!r}")
        seen.add(spot.id)
        values = spot_values(spot, document.wallbox)

        def place(name: str, spot: SpotSection = spot, path: ValuePath = path) -> ValuePath:
            return (*path, name) if getattr(spot, name) is not None else ("wallbox", name)

        low, high, failsafe = (values[n] for n in ("current_da_min", "current_da_max", "failsafe_da"))
        if low > high:
            marked.problem(place("current_da_max"), f"{spot.id}: {high} is below current_da_min ({low})")
        if failsafe and not low <= failsafe <= high:
            reason = f"{spot.id}: {failsafe} must be 0 or between {low} and {high}"
            marked.problem(place("failsafe_da"), reason)
        if spot.link.profile not in profile_names():
            reason = f"no such profile; there are: {', '.join(profile_names())}"
            marked.problem((*path, "link", "profile"), reason)


def check_power(
    document: Document,
    machine: Machine,
    modules: tuple[ModuleLayout, ...],
    spots: tuple[SpotSpec, ...],
    marked: MarkedDocument,
) -> None:
    """One lift and the largest slide fit under the limit, together with all failsafe currents."""
    limit_w = document.site.power_limit_w
    pallets = max((max(layout.pallets_per_level) for layout in modules), default=0)
    sliding = 1 if machine.slide_mode is SlideMode.SINGLE else pallets
    motors_w = machine.lift_motor_w + sliding * machine.slide_motor_w
    failsafe_w = sum(spot.power_w(spot.failsafe_da) for spot in spots)
    path: ValuePath = ("site", "power_limit_w")
    if motors_w > limit_w:
        reason = (
            f"{limit_w} W is too little: one lift and the largest slide ({sliding} pallets at once) need {motors_w} W"
        )
        marked.problem(path, reason)
    elif motors_w + failsafe_w > limit_w:
        reason = (
            f"{limit_w} W is too little: when contact is lost, the wallboxes may draw their failsafe currents,"
            f" {failsafe_w} W together, and the motors need {motors_w} W"
        )
        marked.problem(path, reason)


def check_links(document: Document, marked: MarkedDocument) -> None:
    """No two devices share an address, and a module answers before it counts as silent."""
    links: list[tuple[str, ValuePath, LinkSection]] = [
        *((f"module {m.id}", ("modules", i, "link"), m.link) for i, m in enumerate(document.modules)),
        *((f"spot {s.id}", ("spots", i, "link"), s.link) for i, s in enumerate(document.spots)),
    ]
    seen: dict[tuple[str, int, int], str] = {}
    for owner, path, link in links:
        address = (link.host.lower(), link.port, link.device_id)
        if address in seen:
            reason = f"{owner} has the same host, port and device_id as {seen[address]}"
            marked.problem(path, reason)
        seen.setdefault(address, owner)
    stale_ms = document.patience.link_stale_ms
    for number, module in enumerate(document.modules):
        if module.link.timeout_ms > stale_ms:
            reason = f"{module.link.timeout_ms} ms is longer than patience.link_stale_ms ({stale_ms} ms)"
            marked.problem(("modules", number, "link", "timeout_ms"), reason)


def check_tariffs(document: Document, marked: MarkedDocument) -> None:
    """Dates rise, and the bands of each tariff price every hour of the day once."""
    before = None
    for number, tariff in enumerate(document.tariffs):
        path: ValuePath = ("tariffs", number)
        if before is not None and tariff.valid_from <= before:
            reason = f"{tariff.valid_from} is not after the tariff before it ({before})"
            marked.problem((*path, "valid_from"), reason)
        before = tariff.valid_from
        _check_bands(tariff.energy, (*path, "energy", "bands"), marked)


def _check_bands(energy: EnergySection, path: ValuePath, marked: MarkedDocument) -> None:
    owner: dict[int, int] = {}
    for number, band in enumerate(energy.bands):
        start, end = band.from_hour, band.to_hour
        if start == end or start == 24:
            reason = f"{start} to {end} is no stretch of the day (write 0 to 24 for the whole day)"
            marked.problem((*path, number), reason)
            return
        length = (end - start - 1) % 24 + 1
        for hour in ((start + n) % 24 for n in range(length)):
            if hour in owner:
                reason = f"the hour from {hour}:00 already has the price of band {owner[hour] + 1}"
                marked.problem((*path, number), reason)
                return
            owner[hour] = number
    missing = [hour for hour in range(24) if hour not in owner]
    if missing:
        hours = ", ".join(f"{hour}:00" for hour in missing)
        marked.problem(path, f"the bands do not cover 24 hours: no price for the hours from {hours}")


def check_permits(document: Document, marked: MarkedDocument) -> None:
    """Plates are plates, each listed once."""
    seen: set[str] = set()
    for number, text in enumerate(document.permits.plates):
        path: ValuePath = ("permits", "plates", number)
        try:
            plate = parse_plate(text)
        except ValueError:
            marked.problem(path, f"{text!r} is no number plate")
            continue
        if plate in seen:
            marked.problem(path, f"plate {plate} is listed twice")
        seen.add(plate)


def check_secrets(document: Document, marked: MarkedDocument) -> None:
    """Tokens stand outside the file; the database URL is one that the program can open."""
    for role, token in document.api.tokens.items():
        path: ValuePath = ("api", "tokens", role)
        if isinstance(token, str):
            if not marked.from_environment(path):
                reason = "a token does not belong in this file; give `env: NAME` or `file: PATH`"
                marked.problem(path, reason)
        elif (token.env is None) == (token.file is None):
            marked.problem(path, "needs either `env` or `file`")
    path = ("database", "url")
    try:
        backend = make_url(document.database.url).get_backend_name()
    except ArgumentError:
        # The text is not repeated: it may hold a password.
        marked.problem(path, "is no database URL, such as sqlite:///var/garage.db or postgresql://user@host/name")
        return
    if backend not in _DATABASES:
        marked.problem(path, f"{backend} is not supported; use {' or '.join(_DATABASES)}")


def check_simulation(document: Document, modules: tuple[ModuleLayout, ...], marked: MarkedDocument) -> None:
    """There are not more simulated cars than bays."""
    bays = sum(len(layout.bays) - len(layout.dead) for layout in modules)
    cars = document.simulation.cars
    if cars is not None and cars > bays and len(modules) == len(document.modules):
        marked.problem(("simulation", "cars"), f"{cars} cars do not fit in {bays} bays")


def check_services(document: Document, marked: MarkedDocument) -> None:
    """Every service has a name of its own, an interval, and a count that its parts have."""
    seen: set[str] = {REPAIR}
    for number, service in enumerate(document.maintenance.services or ()):
        path: ValuePath = ("maintenance", "services", number)
        if service.id in seen:
            reason = "is always there" if service.id == REPAIR else "is listed twice"
            marked.problem((*path, "id"), f"service {service.id} {reason}")
        seen.add(service.id)
        if not service.every and not service.every_days:
            marked.problem(path, f"service {service.id} needs every or every_days")
        if service.every and service.counted is None:
            marked.problem((*path, "every"), f"service {service.id} needs counted: what is counted")
        if service.counted is not None and service.counted not in COUNTS[Wearing(service.part)]:
            allowed = ", ".join(COUNTS[Wearing(service.part)])
            marked.problem((*path, "counted"), f"a {service.part} counts {allowed}, not {service.counted}")
