"""The program as its users meet it: started, asked over HTTP, interrupted, killed, wrongly used."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from plc.register_map import MAP_VERSION
from runtime.journal import StoredEvent
from runtime.tampering import chained
from tests.peers import require_peer
from tests.program import (
    OPERATOR_TOKEN,
    ROOT,
    SERVICE_TOKEN,
    Program,
    free_port,
    garagectl,
    simulated,
    started,
)

pytestmark = pytest.mark.xdist_group("program")


def test_the_demonstration_goes_through_every_module_and_a_charger() -> None:
    done = garagectl("demo", "--once", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"]
    assert {job["level"] for job in report["jobs"]} == {1, 2, 3, 4}
    assert [job["kind"] for job in report["jobs"]].count("retrieval") == 4
    assert report["charging"]["energy_wh"] > 0
    assert report["wire"]["frames"] > 1000
    assert report["wire"]["errors"] == 0


def readme_lines() -> str:
    """The shell lines of the README's section about the HTTP API."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(GARAGE=.*?)```", text, re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


def test_the_curl_lines_of_the_readme_park_and_fetch_a_car(tmp_path: Path) -> None:
    require_peer("curl")
    with simulated(tmp_path, "--no-traffic") as program:
        done = subprocess.run(
            ["bash", "-euc", readme_lines()],
            env={**os.environ, "GARAGE": program.url},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        last = json.loads(done.stdout.strip().splitlines()[-1])
        assert (last["kind"], last["state"], last["fee_fen"]) == ("retrieval", "done", 0)


def test_the_curl_lines_end_with_the_reason_when_they_are_refused(tmp_path: Path) -> None:
    require_peer("curl")
    with simulated(tmp_path, "--no-traffic") as program:
        program.post("/api/v1/storages", {"plate": "京A12345", "vehicle_class": "Z", "pin": "246810"})
        done = subprocess.run(
            ["bash", "-uc", readme_lines()],
            env={**os.environ, "GARAGE": program.url},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert done.returncode != 0
    assert '"code":"job_open"' in done.stderr


def test_control_c_stops_everything_within_three_seconds_open_streams_included(tmp_path: Path) -> None:
    with simulated(tmp_path) as program:
        heard: list[bytes] = []

        def listen() -> None:
            with httpx2.stream("GET", f"{program.url}/api/v1/live", trust_env=False, timeout=30) as answer:
                heard.extend(answer.iter_bytes())

        stream = threading.Thread(target=listen)
        stream.start()
        program.wait(lambda: len(heard) > 3)
        assert program.interrupt() < 3.0
        assert program.process.returncode == 0
        stream.join(5)
        assert not stream.is_alive()
    assert b"event: snapshot" in b"".join(heard)


def test_neighbours_move_the_live_page_within_a_minute_of_plant_time(tmp_path: Path) -> None:
    with simulated(tmp_path) as program:
        assert program.get("/api/v1/garage")["simulated"]
        program.wait(lambda: any(m["active_job"] for m in program.get("/api/v1/garage")["modules"]), 20)
        program.wait(lambda: any(p["moving"] for m in _modules(program) for p in m["pallets"]), 20)


def _modules(program: Program) -> list[dict[str, Any]]:
    modules: list[dict[str, Any]] = program.get("/api/v1/garage")["modules"]
    return modules


def test_restarted_garage_knows_its_cars(tmp_path: Path) -> None:
    body = {"plate": "京A88888", "vehicle_class": "Z", "pin": "246810"}
    with simulated(tmp_path, "--no-traffic") as program:
        job = program.post("/api/v1/storages", body).json()["job"]
        program.wait(lambda: program.post(f"/api/v1/jobs/{job}/clear").is_success)
        program.wait(lambda: program.get(f"/api/v1/jobs/{job}")["state"] == "done")
    with simulated(tmp_path, "--no-traffic") as program:
        again = program.post("/api/v1/storages", body)
        assert (again.status_code, again.json()["code"]) == (409, "already_parked")
        fetched = program.post("/api/v1/retrievals", {"plate": "京A88888", "pin": "246810"})
        assert fetched.status_code == 202


SMALL = """
site: {name: small, power_limit_w: 60000}
frame:
  levels: [{height_mm: 2150, gaps: 1}, {height_mm: 2150, gaps: 0}]
modules:
  - {id: A, columns: 2, link: {host: 127.0.0.1, port: PORT, device_id: 1, timeout_ms: 500}}
tariffs:
  - valid_from: 2026-01-01
    parking: {free_minutes: 15, hour_fen: 500, day_cap_fen: 3000}
    energy: {service_kwh_fen: 50, bands: [{from_hour: 0, to_hour: 24, kwh_fen: 70}]}
api: {host: 127.0.0.1, port: 8000, tokens: {operator: {env: T_OPERATOR}, service: {env: T_SERVICE}}}
"""


def small_config(tmp_path: Path, port: int, **replaced: str) -> Path:
    text = SMALL.replace("PORT", str(port))
    for old, new in replaced.items():
        text = text.replace(old, new)
    path = tmp_path / f"config-{len(list(tmp_path.iterdir()))}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


TOKENS = {"T_OPERATOR": OPERATOR_TOKEN, "T_SERVICE": SERVICE_TOKEN, "GARAGE_SERVICE_TOKEN": SERVICE_TOKEN}


def test_killed_with_a_car_half_way_up_and_started_again_it_waits_for_the_operator(tmp_path: Path) -> None:
    plc_port, api_port = free_port(), free_port()
    config = small_config(tmp_path, plc_port)
    api = f"http://127.0.0.1:{api_port}"
    plant = ("serve-plant", "-c", str(config), "--speed", "10", "--plc-port", str(plc_port), "--wallbox-port", "0")
    garage = ["run", "-c", str(config), "--served", "--speed", "10", "--port", str(api_port), "--announce-json"]
    garage += ["--database", f"sqlite:///{tmp_path}/garage.db"]
    with started(*plant, "--api", api, "--no-traffic", environment=TOKENS):
        # given the ground bay is taken, and a second car on its way up to level 2
        with started(*garage, environment=TOKENS) as program:
            program.wait_ready()
            first = program.post("/api/v1/storages", {"plate": "京A00001", "vehicle_class": "Z"}).json()
            program.wait(lambda: program.post(f"/api/v1/jobs/{first['job']}/clear").is_success)
            program.wait(lambda: program.get(f"/api/v1/jobs/{first['job']}")["state"] == "done")
            second = program.post("/api/v1/storages", {"plate": "京A00002", "vehicle_class": "Z"}).json()
            assert second["level"] == 2
            program.wait(lambda: program.post(f"/api/v1/jobs/{second['job']}/clear").is_success)
            program.wait(lambda: 300 < _height_mm(program, second["bay"]) < 1900)
            # when the controller is killed without a word
            program.process.kill()
            program.process.wait()
        time.sleep(1.5)
        with started(*garage, environment=TOKENS) as program:
            program.wait(lambda: _module(program)["state"] == "locked")
            # then the pallet hangs where the PLC has stopped it, and the journal knows the car
            hanging_mm = _height_mm(program, second["bay"])
            assert 300 < hanging_mm < 2150
            assert f"pallet_unknown:{second['bay']}" in _module(program)["reasons"]
            assert program.post("/api/v1/modules/A/confirm").status_code in (401, 403)
            early = program.post("/api/v1/modules/A/confirm", token=OPERATOR_TOKEN)
            assert early.json()["code"] == "plc_fault"
            assert _height_mm(program, second["bay"]) == hanging_mm
            # and goes home only after the operator has reset and confirmed
            assert program.post("/api/v1/modules/A/reset-faults", token=OPERATOR_TOKEN).is_success
            program.wait(lambda: program.post("/api/v1/modules/A/confirm", token=OPERATOR_TOKEN).is_success)
            program.wait(lambda: program.get(f"/api/v1/jobs/{second['job']}")["state"] == "done")
            assert _height_mm(program, second["bay"]) == 2150


def test_an_older_journal_than_the_plc_knows_moves_nothing_until_an_operator_confirms(tmp_path: Path) -> None:
    plc_port, api_port = free_port(), free_port()
    config = small_config(tmp_path, plc_port)
    with config.open("a", encoding="utf-8") as file:
        file.write(f"journal: {{plc_anchor_s: 1, anchor_file: {tmp_path}/kept/anchors.txt}}\n")
    garage = ["run", "-c", str(config), "--port", str(api_port), "--announce-json"]
    garage += ["--database", f"sqlite:///{tmp_path}/garage.db"]
    with started("serve-plant", "-c", str(config), "--plc-port", str(plc_port), "--wallbox-port", "0", "--no-traffic"):
        with started(*garage, environment=TOKENS) as program:
            program.wait_ready()
            program.wait(lambda: _kept_by_plc(config) > 0)
            program.interrupt()
        anchored = (tmp_path / "kept" / "anchors.txt").read_text(encoding="utf-8")
        assert int(anchored.split()[1]) >= _kept_by_plc(config)
        _the_plc_tells_a_forged_journal(tmp_path, config)
        # when the database is lost and a new one is begun
        for left in tmp_path.glob("garage.db*"):
            left.unlink()
        with started(*garage, environment=TOKENS) as program:
            program.wait(lambda: _module(program)["state"] == "locked")
            assert _module(program)["reasons"][0].startswith("journal_doubted:the PLC keeps event")
            program.wait(lambda: program.post("/api/v1/modules/A/confirm", token=OPERATOR_TOKEN).is_success)
            program.wait_ready()


def _the_plc_tells_a_forged_journal(tmp_path: Path, config: Path) -> None:
    """With the anchor in the PLC's registers as the only witness."""
    written, forged = tmp_path / "garage.db", tmp_path / "forged.db"
    asked = ("verify-journal", "--plc", "--json", "-c", str(config), "--anchor")
    nothing = tmp_path / "no-anchors.txt"
    nothing.touch()
    fine = garagectl(*asked, str(nothing), "--database", f"sqlite:///{written}")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    report = json.loads(fine.stdout)
    assert (report["whole"], report["anchors"], report["anchors_met"]) == (True, 1, 1)
    kept = _kept_by_plc(config)

    # one event edited and every hash after it made anew: the chain alone would not show it
    rewrite(written, forged, lambda rows: chained([rows[0]._replace(utc_ms=0), *rows[1:]]))
    told = garagectl(*asked, str(nothing), "--database", f"sqlite:///{forged}")
    assert told.returncode == 1
    assert [finding["kind"] for finding in json.loads(told.stdout)["findings"]] == ["forked"]
    assert "the PLC of module A" in told.stdout

    # the end cut off
    rewrite(written, forged, lambda rows: [row for row in rows if row.seq < kept])
    told = garagectl(*asked, str(nothing), "--database", f"sqlite:///{forged}")
    assert told.returncode == 1
    assert [finding["kind"] for finding in json.loads(told.stdout)["findings"]] == ["truncated"]
    without_plc = garagectl(
        *(word for word in asked if word != "--plc"), str(nothing), "--database", f"sqlite:///{forged}"
    )
    assert without_plc.returncode == 0


def rewrite(written: Path, forged: Path, change: Callable[[list[StoredEvent]], list[StoredEvent]]) -> None:
    """A copy of a database whose events somebody has changed, and whose snapshots are gone."""
    with closing(sqlite3.connect(written)) as old, closing(sqlite3.connect(forged)) as new:
        old.backup(new)
        columns = "seq, utc_ms, kind, payload, hash"
        rows = [StoredEvent(*row) for row in new.execute(f"SELECT {columns} FROM events ORDER BY seq")]
        new.execute("DELETE FROM events")
        new.execute("DELETE FROM snapshots")
        changed = [(row.seq, row.utc_ms, row.kind, row.payload, row.hash) for row in change(rows)]
        new.executemany(f"INSERT INTO events ({columns}) VALUES (?, ?, ?, ?, ?)", changed)
        new.commit()


def _kept_by_plc(config: Path) -> int:
    read = garagectl("plc", "read", "A", "--json", "-c", str(config))
    return int(json.loads(read.stdout).get("anchor_seq", 0))


def _module(program: Program) -> dict[str, Any]:
    return _modules(program)[0]


def _height_mm(program: Program, bay: str) -> int:
    pallets = {pallet["bay"]: pallet for pallet in _module(program)["pallets"]}
    return int(pallets[bay]["z_mm"]) if bay in pallets else -1


def test_a_plc_of_another_layout_is_not_driven(tmp_path: Path) -> None:
    plc_port = free_port()
    other = small_config(tmp_path, plc_port, **{"columns: 2": "columns: 3"})
    ours = small_config(tmp_path, plc_port)
    with started("serve-plant", "-c", str(other), "--plc-port", str(plc_port), "--wallbox-port", "0"):
        options = ("--port", "0", "--announce-json", "--database", f"sqlite:///{tmp_path}/garage.db")
        with started("run", "-c", str(ours), *options, environment=TOKENS) as program:
            program.wait(lambda: _module(program)["link"] == "incompatible")
            refused = program.post("/api/v1/storages", {"plate": "京A00001", "vehicle_class": "Z"})
            assert refused.status_code == 503
            assert [reason["code"] for reason in refused.json()["reasons"]] == ["no_module_ready", "incompatible_plc"]


def test_without_a_plc_the_garage_starts_and_says_so(tmp_path: Path) -> None:
    config = small_config(tmp_path, free_port())
    options = ("--port", "0", "--announce-json", "--database", f"sqlite:///{tmp_path}/garage.db")
    with started("run", "-c", str(config), *options, environment=TOKENS) as program:
        program.wait(lambda: _module(program)["link"] == "down")
        assert program.get("/health/ready") | {"wire": None} == {
            "live": True,
            "ready": False,
            "reasons": ["no module is ready"],
            "wire": None,
        }
        refused = program.post("/api/v1/storages", {"plate": "京A00001", "vehicle_class": "Z"})
        assert [reason["code"] for reason in refused.json()["reasons"]] == ["no_module_ready", "link_down"]
    reading = garagectl("plc", "read", "A", "--json", "-c", str(config))
    assert reading.returncode == 1
    assert not json.loads(reading.stdout)["answered"]


def test_a_bad_configuration_is_refused_with_file_line_and_reason(tmp_path: Path) -> None:
    config = small_config(tmp_path, 5020, **{"gaps: 1": "gaps: 9", "power_limit_w": "power_limit"})
    done = garagectl("check-config", str(config))
    assert done.returncode == 2
    assert re.search(rf"{re.escape(str(config))}:2:\d+.*power_limit", done.stdout)
    running = garagectl("run", "-c", str(config))
    assert running.returncode == 2
    assert f"{config}:2" in running.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("bench", "nothing"),
        ("simulate", "--days", "0"),
        ("simulate", "--demand", "no-such-file.csv"),
        ("run", "--speed", "5"),
        ("plc", "read", "Z"),
        ("no-such-command",),
    ],
)
def test_wrong_use_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert garagectl(*arguments).returncode == 2


def test_a_demand_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demand.csv"
    path.write_text("nothing;here\n1;2\n", encoding="utf-8")
    done = garagectl("simulate", "--demand", str(path))
    assert done.returncode == 2
    assert "demand.csv" in done.stderr


def test_versions_and_the_map_are_told() -> None:
    assert json.loads(garagectl("version", "--json").stdout)["register_map"] == MAP_VERSION
    assert garagectl("plc", "map", "--csv").stdout.startswith("name,space,address")


def test_generated_pages_are_current() -> None:
    assert garagectl("docs", "--check").returncode == 0
