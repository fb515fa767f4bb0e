"""The configuration: the delivered one is right, and every mistake is named at its line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from domain.ids import BayId, ModuleId, Plate, SpotId
from domain.machine import HookKind, Machine, SlideMode
from domain.site import Patience
from plc.wallbox import profile_names
from runtime.config import Config, ConfigError, check, load, read_tokens
from runtime.config_geometry import unreachable_bays
from runtime.config_models import MachineSection, PatienceSection
from tests.sites import default_site, module_layout

ROOT = Path(__file__).parents[2]
DELIVERED = ROOT / "config.yaml"

SMALL = """\
site:
  name: Small
  power_limit_w: 20000
frame:
  levels:
    - {height_mm: 2150, gaps: 1}
    - {height_mm: 1700, gaps: 0}
modules:
  - id: A
    columns: 4
    link: {host: 10.0.0.1, device_id: 1}
spots:
  - id: E-01
    link: {host: 10.0.0.9, device_id: 1}
tariffs:
  - valid_from: 2024-01-01
    parking: {free_minutes: 30, hour_fen: 200, day_cap_fen: 2000}
    energy:
      service_kwh_fen: 50
      bands:
        - {from_hour: 0, to_hour: 24, kwh_fen: 50}
simulation: {cars: 5}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "garage.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    """The small configuration with some of its text replaced."""
    text = SMALL
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return written(folder, text)


def problem(path: Path, environ: dict[str, str] | None = None) -> str:
    """The only problem, without the folder in its place."""
    found = check(path, environ or {})
    assert len(found) == 1, [str(p) for p in found]
    return str(found[0]).removeprefix(f"{path.parent}/")


def small(folder: Path, environ: dict[str, str] | None = None, *changes: tuple[str, str]) -> Config:
    return load(changed(folder, *changes), environ or {})


def test_the_delivered_configuration_is_the_garage_of_the_design() -> None:
    config = load(DELIVERED, {})

    assert dataclasses.replace(config.site, name="test garage") == default_site()
    assert config.site.bay_count == 140
    ports = {(e.host, e.port, e.device_id) for e in config.links.modules.values()}
    assert ports == {("127.0.0.1", 5020, n) for n in (1, 2, 3, 4)}
    spots = [(e.host, e.port, e.device_id) for e in config.links.spots.values()]
    assert spots == [("127.0.0.1", 5021, n) for n in range(1, 11)]
    assert {e.profile for e in config.links.spots.values()} <= set(profile_names())
    assert (config.api.host, config.api.port) == ("127.0.0.1", 8000)
    assert config.database_url == "sqlite:///var/garage.db"
    assert (config.simulation.cars, config.simulation.trips_per_day, config.scan_ms) == (130, 110, 100)
    assert config.permits.is_resident(Plate("京A12345"))


def test_defaults_of_the_file_are_those_of_the_program(tmp_path: Path) -> None:
    config = small(tmp_path)

    assert config.site.machine == Machine()
    assert config.site.patience == Patience()
    assert set(MachineSection.model_fields) == {f.name for f in dataclasses.fields(Machine)}
    assert set(PatienceSection.model_fields) == {f.name for f in dataclasses.fields(Patience)}


def test_every_key_of_the_delivered_file_is_described() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return {str(key) for key in value} | {k for inner in value.values() for k in keys(inner)}
        return {k for inner in value for k in keys(inner)} if isinstance(value, list) else set()

    delivered = keys(yaml.safe_load(DELIVERED.read_text(encoding="utf-8")))
    every = delivered | set(PatienceSection.model_fields) | {"env", "file", "blocked", "dead"}

    assert sorted(key for key in every if f"`{key}`" not in page) == []


def test_values_arrive_where_they_belong(tmp_path: Path) -> None:
    config = small(
        tmp_path,
        None,
        ("power_limit_w: 20000", "power_limit_w: 20000\nmachine: {slide_mode: row, hook_kind: load_resting}"),
        ("columns: 4", "columns: 4\n    car_mass_kg_max: 2000\n    dead: [A-1-02]"),
        ("id: E-01", "id: E-01\n    current_da_max: 160"),
        ("simulation: {cars: 5}", "simulation: {cars: 5}\npermits: {month_fen: 100, plates: [京a·12345]}"),
    )

    (layout,) = config.site.modules
    assert (layout.car_mass_kg_max, layout.dead) == (2000, (BayId("A-1-02"),))
    assert config.site.machine.slide_mode is SlideMode.ROW
    assert config.site.machine.hook_kind is HookKind.LOAD_RESTING
    assert config.site.spot[SpotId("E-01")].current_da_max == 160
    assert config.permits.plates == {"京A12345"}
    # Local midnight in Beijing is four in the afternoon of the day before.
    assert config.tariffs.tariffs[0].valid_from_utc_ms == 1_704_038_400_000
    assert config.links.modules[ModuleId("A")].port == 502


MISTAKES = {
    "an unknown key": (
        [("columns: 4", "columns: 4\n    colums: 5")],
        "garage.yaml:11:5: modules[0].colums: unknown key; do you mean `columns`?",
    ),
    "a missing key": ([("  name: Small\n", "")], "garage.yaml:2:3: site.name: is missing"),
    "a word for a number": (
        [("columns: 4", "columns: four")],
        "garage.yaml:10:14: modules[0].columns: must be a whole number, not 'four'",
    ),
    "a truth for a number": (
        [("columns: 4", "columns: yes")],
        "garage.yaml:10:14: modules[0].columns: must be a whole number, not True",
    ),
    "too many columns": (
        [("columns: 4", "columns: 17")],
        "garage.yaml:10:14: modules[0].columns: must be at most 16, not 17",
    ),
    "another transport": (
        [("link: {host: 10.0.0.1,", "link: {transport: rtu, host: 10.0.0.1,")],
        "garage.yaml:11:23: modules[0].link.transport: must be 'tcp', not 'rtu'",
    ),
    "a section that is a list": ([("simulation: {cars: 5}", "simulation: [5]")], "garage.yaml:22:13: simulation"),
    "a date that is none": (
        [("valid_from: 2024-01-01", "valid_from: soon")],
        "garage.yaml:16:17: tariffs[0].valid_from: must be a date such as 2026-01-31, not 'soon'",
    ),
    "one level only": (
        [("    - {height_mm: 1700, gaps: 0}\n", "")],
        "garage.yaml:6:5: frame.levels: needs at least 2 entries, not 1",
    ),
    "a key written twice": (
        [("columns: 4", "columns: 4\n    columns: 5")],
        "garage.yaml:11:5: modules[0].columns: is written twice; the first is in line 10",
    ),
    "wrong syntax": ([("columns: 4", "columns: [4")], "garage.yaml:11:9: no valid YAML: while parsing a flow"),
    "a tab": ([("  name: Small", "\tname: Small")], "garage.yaml:2:1: no valid YAML:"),
    "a date that does not exist": ([("2024-01-01", "2024-02-31")], "garage.yaml:16:17: tariffs[0].valid_from: no"),
    "no gap below the top": (
        [("{height_mm: 2150, gaps: 1}", "{height_mm: 2150, gaps: 0}")],
        "garage.yaml:6:31: frame.levels[0].gaps: module A, level 1 needs at least 1 gap",
    ),
    "more gaps than columns": (
        [("{height_mm: 2150, gaps: 1}", "{height_mm: 2150, gaps: 4}")],
        "garage.yaml:6:31: frame.levels[0].gaps: module A, level 1: 4 gaps and 0 blocked columns leave no pallet",
    ),
    "a blocked column outside": (
        [("{height_mm: 1700, gaps: 0}", "{height_mm: 1700, gaps: 0, blocked: [5]}")],
        "garage.yaml:7:44: frame.levels[1].blocked[0]: module A, level 2: there is no column 5 (1 to 4)",
    ),
    "a column blocked twice": (
        [("{height_mm: 1700, gaps: 0}", "{height_mm: 1700, gaps: 0, blocked: [2, 2]}")],
        "garage.yaml:7:47: frame.levels[1].blocked[1]: module A, level 2: column 2 is blocked twice",
    ),
    "a bay above a pillar": (
        [("{height_mm: 2150, gaps: 1}", "{height_mm: 2150, gaps: 1, blocked: [4]}")],
        "garage.yaml:6:5: frame.levels: module A: A-2-04 could never come down past the blocked columns",
    ),
    "a dead bay that does not exist": (
        [("columns: 4", "columns: 4\n    dead: [A-1-04]")],
        "garage.yaml:11:12: modules[0].dead[0]: module A has no bay 'A-1-04'",
    ),
    "a module's name that is no name": (
        [("id: A\n", "id: North\n")],
        "garage.yaml:9:9: modules[0].id: must be one or two capital letters",
    ),
    "pallets wider than their pitch": (
        [("frame:\n", "frame:\n  pallet_width_mm: 2400\n")],
        "garage.yaml:5:20: frame.pallet_width_mm: 2400 mm is not less than the pitch of 2400 mm",
    ),
    "no headroom": (
        [("columns: 4", "columns: 4\n    headroom_mm: 2000")],
        "garage.yaml:11:18: modules[0].headroom_mm: 2000 mm leaves no room for a car on level 2",
    ),
    "too little power for the motors": (
        [("power_limit_w: 20000", "power_limit_w: 7000")],
        "garage.yaml:3:18: site.power_limit_w: 7000 W is too little: one lift and the largest slide (4 pallets",
    ),
    "too little power for lost wallboxes": (
        [("power_limit_w: 20000", "power_limit_w: 8000")],
        "garage.yaml:3:18: site.power_limit_w: 8000 W is too little: when contact is lost, the wallboxes may draw",
    ),
    "a failsafe current between off and the least": (
        [("id: E-01", "id: E-01\n    failsafe_da: 30")],
        "garage.yaml:14:18: spots[0].failsafe_da: E-01: 30 must be 0 or between 60 and 320",
    ),
    "an unknown wallbox": (
        [("{host: 10.0.0.9,", "{profile: toaster, host: 10.0.0.9,")],
        "garage.yaml:14:21: spots[0].link.profile: no such profile; there are: ",
    ),
    "two devices at one address": (
        [("{host: 10.0.0.9,", "{host: 10.0.0.1,")],
        "garage.yaml:14:11: spots[0].link: spot E-01 has the same host, port and device_id as module A",
    ),
    "a module slower than its deadline": (
        [("link: {host: 10.0.0.1,", "link: {timeout_ms: 2000, host: 10.0.0.1,")],
        "garage.yaml:11:24: modules[0].link.timeout_ms: 2000 ms is longer than patience.link_stale_ms",
    ),
    "hours without a price": (
        [("from_hour: 0,", "from_hour: 2,")],
        "garage.yaml:21:9: tariffs[0].energy.bands: the bands do not cover 24 hours: no price for",
    ),
    "an hour with two prices": (
        [("kwh_fen: 50}", "kwh_fen: 50}\n        - {from_hour: 22, to_hour: 1, kwh_fen: 9}")],
        "garage.yaml:22:11: tariffs[0].energy.bands[1]: the hour from 22:00 already has the price of band 1",
    ),
    "a plate that is none": (
        [("simulation: {cars: 5}", "permits: {plates: ['!']}\nsimulation: {cars: 5}")],
        "garage.yaml:22:20: permits.plates[0]: '!' is no number plate",
    ),
    "a token in the file": (
        [("simulation: {cars: 5}", "api: {tokens: {operator: sesame}}\nsimulation: {cars: 5}")],
        "garage.yaml:22:26: api.tokens.operator: a token does not belong in this file",
    ),
    "a token from two places": (
        [("simulation: {cars: 5}", "api: {tokens: {operator: {env: A, file: b}}}\nsimulation: {cars: 5}")],
        "garage.yaml:22:26: api.tokens.operator: needs either `env` or `file`",
    ),
    "a token that is a number": (
        [("simulation: {cars: 5}", "api: {tokens: {operator: 5}}\nsimulation: {cars: 5}")],
        "garage.yaml:22:26: api.tokens.operator: must be a section of `key: value` lines, not 5",
    ),
    "a role that is none": (
        [("simulation: {cars: 5}", "api: {tokens: {king: {env: A}}}\nsimulation: {cars: 5}")],
        "garage.yaml:22:16: api.tokens.king: must be 'operator', 'administrator', 'committee' or 'service'",
    ),
    "a database of another make": (
        [("simulation: {cars: 5}", "database: {url: mysql://x/y}\nsimulation: {cars: 5}")],
        "garage.yaml:22:17: database.url: mysql is not supported; use sqlite or postgresql",
    ),
    "more cars than bays": (
        [("cars: 5", "cars: 8")],
        "garage.yaml:22:20: simulation.cars: 8 cars do not fit in 7 bays",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, name: str) -> None:
    changes, message = MISTAKES[name]

    assert problem(changed(tmp_path, *changes)).startswith(message)


def test_all_mistakes_are_named_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = changed(tmp_path, ("power_limit_w: 20000", "power_limit_w: 0"), ("cars: 5", "cars: many"))

    assert [(p.place.line, p.path) for p in check(path, {})] == [(3, "site.power_limit_w"), (22, "simulation.cars")]
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert len(str(caught.value).splitlines()) == 2


def test_two_modules_of_one_name_are_refused(tmp_path: Path) -> None:
    second = "  - id: A\n    columns: 4\n    link: {host: 10.0.0.2, device_id: 1}\nspots:"
    path = changed(tmp_path, ("spots:", second))

    assert problem(path) == "garage.yaml:12:9: modules[1].id: module A is already number 1 of the list"


def test_a_module_larger_than_the_register_map_is_refused(tmp_path: Path) -> None:
    level = "    - {height_mm: 1700, gaps: 1}\n"
    path = changed(
        tmp_path,
        ("columns: 4", "columns: 16"),
        ("    - {height_mm: 1700, gaps: 0}\n", 4 * level),
        ("power_limit_w: 20000", "power_limit_w: 60000"),
    )

    assert "module A has 75 pallets; the register map carries 60 a module" in problem(path)


@pytest.mark.parametrize(
    ("text", "reason"), [("", "is empty"), ("- a\n", "must be a list of `key: value` sections"), ("\x00", "YAML")]
)
def test_a_file_that_is_no_configuration(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in problem(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert problem(tmp_path / "none.yaml") == "none.yaml: cannot be read: No such file or directory"


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "garage.yaml"
    path.write_bytes("site: {name: 车库}\n".encode("gb18030"))

    assert "is not UTF-8 text" in problem(path)


@pytest.mark.parametrize("text", ["a: &x\n  b: *x\n", "a: &x {b: 1}\nc:\n  <<: *x\n"])
def test_yaml_tricks_are_refused(tmp_path: Path, text: str) -> None:
    assert problem(written(tmp_path, text)).split(": ")[-1] in (
        "contains itself",
        "merge keys (<<) are not used here; write the values out",
    )


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://u:p@db/garage\n", encoding="utf-8")
    environ = {
        "GARAGE__API__PORT": "9000",
        "GARAGE__MODULES__0__LINK__HOST": "10.9.9.9",
        "GARAGE__SITE__NAME": "7",
        "GARAGE__DATABASE__URL_FILE": str(secret),
        "OTHER": "1",
    }

    config = small(tmp_path, environ)

    assert config.api.port == 9000
    assert config.links.modules[ModuleId("A")].host == "10.9.9.9"
    assert config.site.name == "7"
    assert config.database_url == "postgresql://u:p@db/garage"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GARAGE__API__PORT", "high", "api.port: must be a whole number, not 'high'"),
        ("GARAGE__API__PROT", "1", "api.prot: unknown key; do you mean `port`?"),
        ("GARAGE__PORT", "1", "port: name a section and a key, for example GARAGE__API__PORT"),
        ("GARAGE__MODULES__3__COLUMNS", "1", "modules[3].columns: there is no modules[3]"),
        ("GARAGE__DATABASE__URL_FILE", "/nowhere", "file /nowhere cannot be read"),
    ],
)
def test_a_mistake_in_the_environment_is_named_too(tmp_path: Path, name: str, value: str, message: str) -> None:
    found = problem(changed(tmp_path), {name: value})

    assert found.startswith(f"environment variable {name}: {message}")


def test_a_wrong_database_url_is_not_repeated(tmp_path: Path) -> None:
    found = problem(changed(tmp_path), {"GARAGE__DATABASE__URL": "hunter2"})

    assert "database.url: is no database URL" in found
    assert "hunter2" not in found


def test_tokens_come_from_variables_files_and_overrides(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("committee-token-1234\n", encoding="utf-8")
    tokens = f"api: {{tokens: {{service: {{env: MY_TOKEN}}, committee: {{file: {file}}}}}}}\n"
    environ = {
        "MY_TOKEN": "service-token-123456",
        "GARAGE__API__TOKENS__OPERATOR": "1234567890123456789",
    }
    config = small(tmp_path, environ, ("simulation: {cars: 5}", f"{tokens}simulation: {{cars: 5}}"))

    assert read_tokens(config, environ) == {
        "service": "service-token-123456",
        "committee": "committee-token-1234",
        "operator": "1234567890123456789",
    }
    assert "1234567890123456789" not in repr(config)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "token of role service: the environment has no variable MY_TOKEN"),
        ({"MY_TOKEN": "short"}, "token of role service: is shorter than 16 characters"),
    ],
)
def test_a_token_that_is_missing_or_weak_is_named(tmp_path: Path, environ: dict[str, str], message: str) -> None:
    tokens = "api: {tokens: {service: {env: MY_TOKEN}}}\n"
    config = small(tmp_path, None, ("simulation: {cars: 5}", f"{tokens}simulation: {{cars: 5}}"))

    with pytest.raises(ConfigError, match=message):
        read_tokens(config, environ)


def test_every_bay_of_the_delivered_garage_can_come_down() -> None:
    assert [unreachable_bays(layout) for layout in load(DELIVERED, {}).site.modules] == [(), (), (), ()]


def test_a_pillar_splits_a_level() -> None:
    # Columns 1-2 of the ground have no gap of their own, so only the right half can be freed.
    layout = module_layout("A", 5, (2150, 1700), gaps=(1, 0), blocked={1: (3,)})

    assert unreachable_bays(layout) == ("A-2-01", "A-2-02", "A-2-03")


def test_a_middle_pallet_beside_a_pillar_can_slide_to_a_free_shaft() -> None:
    layout = module_layout("A", 4, (2150, 1700, 1700), gaps=(1, 1, 0), blocked={1: (4,), 3: (4,)})

    assert unreachable_bays(layout) == ()
