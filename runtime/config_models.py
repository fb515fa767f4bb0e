"""The shape of `config.yaml`: which keys there are, their types and simple bounds.

Decides what a single value may be. What values must be together (geometry, power, tariffs) is
decided in `runtime.config_checks`; docs/configuration.md describes the keys for people.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from plc.register_map import COLUMNS_MAX, LEVELS_MAX

Role = Literal["operator", "administrator", "committee", "service"]
"""Roles that need a token. Drivers and kiosks ask without one; plate and PIN speak for them."""

Millimetres = Annotated[int, Field(ge=1, le=60_000)]
Milliseconds = Annotated[int, Field(ge=1, le=86_400_000)]
Watts = Annotated[int, Field(ge=1, le=10_000_000)]
Fen = Annotated[int, Field(ge=0, le=100_000_000)]
Hour = Annotated[int, Field(ge=0, le=24)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Section(BaseModel):
    """A mapping of `config.yaml`: unknown keys and silent type changes are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class QuietHoursSection(Section):
    """Local minutes of the day between which an idle module does not move; over midnight if need be."""

    from_minute: Annotated[int, Field(ge=0, le=1439)] = 1320
    to_minute: Annotated[int, Field(ge=0, le=1439)] = 360


class SiteSection(Section):
    """The garage as a whole."""

    name: Name
    power_limit_w: Watts
    utc_offset_minutes: Annotated[int, Field(ge=-720, le=840)] = 480
    quiet_hours: QuietHoursSection = QuietHoursSection()
    fire_gate: Literal["stay", "open", "close"] = "stay"


class MachineSection(Section):
    """Nominal kinematics; the same in every module. Defaults are those of `domain.machine.Machine`."""

    lift_speed_mm_s: Annotated[int, Field(ge=1, le=2000)] = 100
    slide_speed_mm_s: Annotated[int, Field(ge=1, le=2000)] = 133
    ramp_ms: Annotated[int, Field(ge=0, le=10_000)] = 500
    hook_ms: Annotated[int, Field(ge=0, le=60_000)] = 2000
    hook_kind: Literal["contactless", "load_resting"] = "contactless"
    hook_raise_mm: Annotated[int, Field(ge=1, le=500)] = 30
    gate_ms: Annotated[int, Field(ge=1, le=120_000)] = 8000
    slide_mode: Literal["parallel", "row", "single"] = "parallel"
    lift_motor_w: Watts = 5500
    slide_motor_w: Watts = 400
    inrush_stagger_ms: Annotated[int, Field(ge=0, le=10_000)] = 300
    driver_out_ms: Milliseconds = 40_000
    driver_in_ms: Milliseconds = 60_000


class PatienceSection(Section):
    """How long a waiting state may last before somebody hears of it."""

    link_stale_ms: Annotated[int, Field(ge=200, le=60_000)] = 1000
    command_echo_ms: Annotated[int, Field(ge=100, le=60_000)] = 1000
    command_resends: Annotated[int, Field(ge=0, le=20)] = 3
    move_slack_ms: Annotated[int, Field(ge=500, le=120_000)] = 5000
    gate_open_ms: Milliseconds = 600_000
    queue_ms: Milliseconds = 3_600_000
    charger_stale_ms: Annotated[int, Field(ge=1000, le=600_000)] = 10_000
    charger_watchdog_ms: Annotated[int, Field(ge=2000, le=60_000)] = 15_000
    charger_respond_ms: Annotated[int, Field(ge=1000, le=600_000)] = 30_000
    car_idle_ms: Milliseconds = 300_000
    charger_raise_ms: Annotated[int, Field(ge=1000, le=600_000)] = 30_000
    interlock_ms: Annotated[int, Field(ge=100, le=600_000)] = 5000
    reconcile_ms: Annotated[int, Field(ge=100, le=600_000)] = 5000
    manual_hold_ms: Annotated[int, Field(ge=200, le=400)] = 300
    manual_idle_ms: Annotated[int, Field(ge=10_000, le=3_600_000)] = 600_000
    bypass_ms: Annotated[int, Field(ge=10_000, le=600_000)] = 120_000
    pin_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    pin_lock_ms: Milliseconds = 900_000
    age_bound_ms: Milliseconds = 900_000
    booking_ahead_ms: Milliseconds = 600_000
    booking_grace_ms: Milliseconds = 120_000
    no_show_ms: Milliseconds = 300_000
    night_after_ms: Milliseconds = 300_000


class ServiceSection(Section):
    """Work that comes round: every so many counts, every so many days, or whichever is first."""

    id: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
    part: Literal["pallet", "row", "gate", "module"]
    en: Name
    zh: Name
    counted: Literal["lifts", "slides", "cycles", "run_hours"] | None = None
    every: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    every_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    last: dt.date | None = None


class MaintenanceSection(Section):
    """What wears, when it is seen to, and how far a part may drift. Defaults are those of `domain.maintenance`."""

    slower_pct: Annotated[int, Field(ge=5, le=300)] = 15
    power_pct: Annotated[int, Field(ge=5, le=300)] = 25
    services: list[ServiceSection] | None = None


class LevelSection(Section):
    """One storey of a module, from the ground up."""

    height_mm: Annotated[int, Field(ge=1000, le=10_000)]
    gaps: Annotated[int, Field(ge=0, le=COLUMNS_MAX)]
    blocked: list[int] = []


Levels = Annotated[list[LevelSection], Field(min_length=2, max_length=LEVELS_MAX)]


class FrameSection(Section):
    """Measures that all modules share unless a module says otherwise."""

    pitch_mm: Millimetres = 2400
    pallet_width_mm: Millimetres = 2300
    car_length_mm_max: Millimetres = 5000
    car_width_mm_max: Millimetres = 1900
    car_mass_kg_max: Annotated[int, Field(ge=1, le=50_000)] = 2350
    headroom_mm: Annotated[int, Field(ge=0, le=5000)] = 100
    levels: Levels | None = None


class LinkSection(Section):
    """How to reach one device."""

    transport: Literal["tcp"] = "tcp"
    host: Name
    port: Annotated[int, Field(ge=1, le=65_535)] = 502
    device_id: Annotated[int, Field(ge=1, le=255)]
    timeout_ms: Annotated[int, Field(ge=50, le=10_000)] = 500


class ModuleSection(Section):
    """One frame of levels and columns, and the PLC that moves it."""

    id: Name
    columns: Annotated[int, Field(ge=1, le=COLUMNS_MAX)]
    link: LinkSection
    levels: Levels | None = None
    dead: list[str] = []
    pitch_mm: Millimetres | None = None
    pallet_width_mm: Millimetres | None = None
    car_length_mm_max: Millimetres | None = None
    car_width_mm_max: Millimetres | None = None
    car_mass_kg_max: Annotated[int, Field(ge=1, le=50_000)] | None = None
    headroom_mm: Annotated[int, Field(ge=0, le=5000)] | None = None


class WallboxLinkSection(LinkSection):
    """How to reach one wallbox, and whose registers it has."""

    profile: Name = "amperfied"


class WallboxSection(Section):
    """What all wallboxes share unless a spot says otherwise. Currents in 0.1 A."""

    voltage_v: Annotated[int, Field(ge=100, le=1000)] = 220
    phases: Literal[1, 2, 3] = 1
    current_da_min: Annotated[int, Field(ge=60, le=5000)] = 60
    current_da_max: Annotated[int, Field(ge=60, le=5000)] = 320
    failsafe_da: Annotated[int, Field(ge=0, le=5000)] = 60


class SpotSection(Section):
    """One flat charging spot and its wallbox."""

    id: Name
    link: WallboxLinkSection
    voltage_v: Annotated[int, Field(ge=100, le=1000)] | None = None
    phases: Literal[1, 2, 3] | None = None
    current_da_min: Annotated[int, Field(ge=60, le=5000)] | None = None
    current_da_max: Annotated[int, Field(ge=60, le=5000)] | None = None
    failsafe_da: Annotated[int, Field(ge=0, le=5000)] | None = None


class ParkingSection(Section):
    """What a visitor pays."""

    free_minutes: Annotated[int, Field(ge=0, le=1440)]
    hour_fen: Fen
    day_cap_fen: Fen


class BandSection(Section):
    """The energy price between two full hours; `from_hour` 23 and `to_hour` 7 run over midnight."""

    from_hour: Hour
    to_hour: Hour
    kwh_fen: Fen


class EnergySection(Section):
    """What charging costs."""

    service_kwh_fen: Fen
    bands: Annotated[list[BandSection], Field(min_length=1)]


class TariffSection(Section):
    """All prices from a local date on, until the next tariff's date."""

    valid_from: dt.date
    parking: ParkingSection
    energy: EnergySection


class PermitsSection(Section):
    """Residents' monthly permits."""

    month_fen: Fen = 0
    plates: list[str] = []


class TokenSection(Section):
    """Where a role's token is kept: an environment variable or a file, never this file."""

    env: Name | None = None
    file: Name | None = None


class ApiSection(Section):
    """Where the web pages and the HTTP interface are served."""

    host: Name = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    tokens: dict[Role, TokenSection | Annotated[str, Field(min_length=1)]] = {}


class DatabaseSection(Section):
    """Where events and money are kept."""

    url: Name = "sqlite:///var/garage.db"


class JournalSection(Section):
    """How the journal's head is kept outside the database."""

    anchor_file: Name | None = None
    plc_anchor_s: Annotated[int, Field(ge=1, le=3600)] = 10


class ControllerSection(Section):
    """The scan of the controller."""

    # A PLC stops by itself after 1 s without heartbeat: three missed scans must still be bearable.
    scan_ms: Annotated[int, Field(ge=20, le=300)] = 100


class SimulationSection(Section):
    """Cars and trips when the plant is simulated."""

    # Unless given, thirteen of fourteen bays are taken: 130 of 140.
    cars: Annotated[int, Field(ge=0, le=5000)] | None = None
    seed: Annotated[int, Field(ge=0)] = 1
    trips_per_day: Annotated[int, Field(ge=0, le=100_000)] = 110
    bookings_pct: Annotated[int, Field(ge=0, le=100)] = 0


class Document(Section):
    """The whole of `config.yaml`."""

    site: SiteSection
    machine: MachineSection = MachineSection()
    patience: PatienceSection = PatienceSection()
    maintenance: MaintenanceSection = MaintenanceSection()
    frame: FrameSection = FrameSection()
    modules: Annotated[list[ModuleSection], Field(min_length=1)]
    wallbox: WallboxSection = WallboxSection()
    spots: list[SpotSection] = []
    tariffs: Annotated[list[TariffSection], Field(min_length=1)]
    permits: PermitsSection = PermitsSection()
    api: ApiSection = ApiSection()
    database: DatabaseSection = DatabaseSection()
    journal: JournalSection = JournalSection()
    controller: ControllerSection = ControllerSection()
    simulation: SimulationSection = SimulationSection()
