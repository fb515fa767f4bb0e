"""`config.yaml` as values the program runs on, or every reason why it cannot.

Decides how the file, its environment overrides and its checks come together. The shape is in
`runtime.config_models`, the places of errors in `runtime.config_marks`, what is impossible in
`runtime.config_geometry` and `runtime.config_checks`.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from billing.tariff import EnergyBand, EnergyTariff, ParkingTariff, Permits, Tariff, TariffBook
from domain.alarms import Bilingual
from domain.ids import ModuleId, SpotId, parse_plate
from domain.machine import HookKind, Machine, SlideMode
from domain.maintenance import Counted, MaintenancePlan, Service, Wearing
from domain.site import FireGate, Patience, QuietHours, Site, SpotSpec
from runtime import config_checks
from runtime.config_geometry import layouts
from runtime.config_marks import (
    ConfigError,
    ConfigProblem,
    MarkedDocument,
    Place,
    ValuePath,
    read_document,
)
from runtime.config_models import (
    ApiSection,
    Document,
    LinkSection,
    MachineSection,
    MaintenanceSection,
    SimulationSection,
    TariffSection,
    WallboxLinkSection,
)

__all__ = [
    "ApiConfig",
    "Config",
    "ConfigError",
    "ConfigProblem",
    "Endpoint",
    "Links",
    "Place",
    "SimulationConfig",
    "TokenSource",
    "check",
    "load",
    "read_tokens",
]

TOKEN_LENGTH_MIN = 16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one device answers. `profile` names a wallbox's registers; modules have none."""

    host: str
    port: int
    device_id: int
    timeout_ms: int
    transport: Literal["tcp"] = "tcp"
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Links:
    """The endpoint of every module and every charging spot."""

    modules: Mapping[ModuleId, Endpoint]
    spots: Mapping[SpotId, Endpoint]


@dataclass(frozen=True, slots=True)
class TokenSource:
    """Where a role's token comes from: the name of a variable, a file, or (from a variable) itself."""

    kind: Literal["env", "file", "value"]
    text: str

    def __repr__(self) -> str:
        return f"TokenSource({self.kind!r}, {'...' if self.kind == 'value' else self.text!r})"


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Where the HTTP side listens, and where its tokens are kept."""

    host: str
    port: int
    tokens: Mapping[str, TokenSource]


@dataclass(frozen=True, slots=True)
class SimulationConfig:
    """Cars and trips of a simulated garage."""

    cars: int
    seed: int
    trips_per_day: int
    bookings_pct: int = 0


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `config.yaml` says."""

    site: Site
    links: Links
    tariffs: TariffBook
    permits: Permits
    api: ApiConfig
    database_url: str
    anchor_file: Path | None
    plc_anchor_ms: int
    scan_ms: int
    simulation: SimulationConfig


def load(path: Path | str, environ: Mapping[str, str] | None = None) -> Config:
    """Read a configuration file; raises ConfigError with every problem found.

    Variables such as `GARAGE__API__PORT` (or `GARAGE__DATABASE__URL_FILE`, naming a file) replace values.
    """
    marked = read_document(Path(path), os.environ if environ is None else environ)
    document = _validated(marked)
    config = _build(document, marked) if document is not None else None
    if config is None or marked.problems:
        raise ConfigError(sorted(marked.problems, key=lambda p: (p.place.line, p.place.column)))
    return config


def check(path: Path | str, environ: Mapping[str, str] | None = None) -> list[ConfigProblem]:
    """Everything that is wrong with a configuration file; empty when it can be used."""
    try:
        load(path, environ)
    except ConfigError as error:
        return error.problems
    return []


def read_tokens(config: Config, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The tokens themselves, by role; raises ConfigError for one that is missing or too short."""
    variables = os.environ if environ is None else environ
    tokens: dict[str, str] = {}
    problems = []
    for role, source in config.api.tokens.items():
        text, reason = _token(source, variables)
        if not reason and len(text) < TOKEN_LENGTH_MIN:
            reason = f"is shorter than {TOKEN_LENGTH_MIN} characters"
        if reason:
            problems.append(ConfigProblem(Place(f"token of role {role}"), "", reason))
        tokens[role] = text
    if problems:
        raise ConfigError(problems)
    return tokens


def _token(source: TokenSource, variables: Mapping[str, str]) -> tuple[str, str]:
    """The token, or why there is none."""
    if source.kind == "value":
        return source.text, ""
    if source.kind == "env":
        text = variables.get(source.text)
        return ("", f"the environment has no variable {source.text}") if text is None else (text.strip(), "")
    try:
        return Path(source.text).read_text(encoding="utf-8").strip(), ""
    except (OSError, UnicodeDecodeError) as error:
        return "", f"file {source.text} cannot be read: {error}"


def _validated(marked: MarkedDocument) -> Document | None:
    if marked.problems:
        return None
    try:
        return Document.model_validate(marked.data)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            # A token is a section or, from the environment, a text. What is neither is told once.
            if _TOKEN_TEXT not in details["loc"]:
                path, is_key = _path_of(details)
                marked.problem(path, _plain(details), key=is_key)
        return None


_TOKEN_TEXT = "constrained-str"


def _path_of(details: ErrorDetails) -> tuple[ValuePath, bool]:
    """The path of an error in the file; pydantic adds names of union members and `[key]` marks."""
    path = tuple(part for part in details["loc"] if part not in ("[key]", "TokenSection"))
    return path, details["type"] == "extra_forbidden" or "[key]" in details["loc"]


def _plain(details: ErrorDetails) -> str:
    """An error of pydantic's as a sentence that names no type of Python's."""
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    shown = f"{value!r}" if isinstance(value, (str, int, float, bool, dt.date)) else _kind_of(value)
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return f"unknown key{_suggestion(details)}"
    if kind == "literal_error":
        return f"must be {context['expected']}, not {shown}"
    if kind in _BOUNDS:
        word, key = _BOUNDS[kind]
        return f"must be {word} {context[key]}, not {shown}"
    if kind in ("too_short", "too_long"):
        word, key = ("at least", "min_length") if kind == "too_short" else ("at most", "max_length")
        return f"needs {word} {context[key]} entries, not {context['actual_length']}"
    for start, wanted in _WANTED:
        if kind.startswith(start):
            return f"must be {wanted}, not {shown}"
    return details["msg"]


_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "string_too_long": ("of a length of at most", "max_length"),
    "string_too_short": ("of a length of at least", "min_length"),
}
_WANTED = (
    ("int_", "a whole number"),
    ("string_type", "a text"),
    ("bool", "true or false"),
    ("list_type", "a list"),
    ("model_type", "a section of `key: value` lines"),
    ("dict_type", "a section of `key: value` lines"),
    ("date", "a date such as 2026-01-31"),
)


def _kind_of(value: Any) -> str:
    if value is None:
        return "nothing"
    return "a list" if isinstance(value, list) else "a section of keys"


def _suggestion(details: ErrorDetails) -> str:
    """A hint to the key that was probably meant."""
    model: type[BaseModel] | None = Document
    for part in details["loc"][:-1]:
        if isinstance(part, str) and model is not None and part in model.model_fields:
            model = _section_of(model.model_fields[part].annotation)
    names = list(model.model_fields) if model is not None else []
    close = difflib.get_close_matches(str(details["loc"][-1]), names, n=1)
    return f"; do you mean `{close[0]}`?" if close else ""


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The section behind an annotation such as `list[LevelSection] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _section_of(inner)
        if found is not None:
            return found
    return None


def _build(document: Document, marked: MarkedDocument) -> Config | None:
    """All the checks, and then the values; None when a check has failed."""
    modules = layouts(document, marked)
    machine = _machine(document.machine)
    spots = tuple(
        SpotSpec(SpotId(spot.id), **config_checks.spot_values(spot, document.wallbox)) for spot in document.spots
    )
    config_checks.check_spots(document, marked)
    config_checks.check_power(document, machine, modules, spots, marked)
    config_checks.check_links(document, marked)
    config_checks.check_tariffs(document, marked)
    config_checks.check_permits(document, marked)
    config_checks.check_secrets(document, marked)
    config_checks.check_simulation(document, modules, marked)
    config_checks.check_services(document, marked)
    if marked.problems:
        return None
    offset = document.site.utc_offset_minutes
    site = Site(
        name=document.site.name,
        modules=modules,
        machine=machine,
        spots=spots,
        power_limit_w=document.site.power_limit_w,
        patience=Patience(**document.patience.model_dump()),
        utc_offset_minutes=offset,
        quiet_hours=QuietHours(**document.site.quiet_hours.model_dump()),
        fire_gate=FireGate(document.site.fire_gate),
        maintenance=_maintenance(document.maintenance, offset),
    )
    return Config(
        site=site,
        links=Links(
            modules={ModuleId(module.id): _endpoint(module.link) for module in document.modules},
            spots={SpotId(spot.id): _endpoint(spot.link) for spot in document.spots},
        ),
        tariffs=TariffBook(tuple(_tariff(tariff, offset) for tariff in document.tariffs), offset),
        permits=Permits(frozenset(parse_plate(text) for text in document.permits.plates), document.permits.month_fen),
        api=_api(document.api),
        database_url=document.database.url,
        anchor_file=None if document.journal.anchor_file is None else Path(document.journal.anchor_file),
        plc_anchor_ms=document.journal.plc_anchor_s * 1000,
        scan_ms=document.controller.scan_ms,
        simulation=_simulation(document.simulation, site.bay_count),
    )


def _simulation(section: SimulationSection, bays: int) -> SimulationConfig:
    cars = bays * 13 // 14 if section.cars is None else section.cars
    return SimulationConfig(cars, section.seed, section.trips_per_day, section.bookings_pct)


def _machine(section: MachineSection) -> Machine:
    values = section.model_dump()
    return Machine(**{**values, "hook_kind": HookKind(section.hook_kind), "slide_mode": SlideMode(section.slide_mode)})


def _maintenance(section: MaintenanceSection, utc_offset_minutes: int) -> MaintenancePlan:
    if section.services is None:
        return MaintenancePlan(slower_pct=section.slower_pct, power_pct=section.power_pct)
    services = tuple(
        Service(
            one.id,
            Wearing(one.part),
            Bilingual(one.en, one.zh),
            Counted(one.counted or "lifts"),
            one.every,
            one.every_days,
            None if one.last is None else _midnight_utc_ms(one.last, utc_offset_minutes),
        )
        for one in section.services
    )
    return MaintenancePlan(services, section.slower_pct, section.power_pct)


def _midnight_utc_ms(date: dt.date, utc_offset_minutes: int) -> int:
    """Local midnight at the beginning of a date."""
    midnight = dt.datetime.combine(date, dt.time(), dt.UTC)
    return int(midnight.timestamp()) * 1000 - utc_offset_minutes * 60_000


def _endpoint(link: LinkSection) -> Endpoint:
    profile = link.profile if isinstance(link, WallboxLinkSection) else ""
    return Endpoint(link.host, link.port, link.device_id, link.timeout_ms, link.transport, profile)


def _api(section: ApiSection) -> ApiConfig:
    tokens: dict[str, TokenSource] = {}
    for role, token in section.tokens.items():
        if isinstance(token, str):
            tokens[role] = TokenSource("value", token)
        elif token.env is not None:
            tokens[role] = TokenSource("env", token.env)
        else:
            tokens[role] = TokenSource("file", token.file or "")
    return ApiConfig(section.host, section.port, tokens)


def _tariff(section: TariffSection, utc_offset_minutes: int) -> Tariff:
    """A tariff that begins at local midnight of its date."""
    return Tariff(
        valid_from_utc_ms=_midnight_utc_ms(section.valid_from, utc_offset_minutes),
        parking=ParkingTariff(**section.parking.model_dump()),
        energy=EnergyTariff(
            tuple(EnergyBand(band.from_hour, band.to_hour, band.kwh_fen) for band in section.energy.bands),
            section.energy.service_kwh_fen,
        ),
    )
