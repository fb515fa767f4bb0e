"""Work by hand in the real program: over HTTP, Modbus and the wall clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.program import OPERATOR_TOKEN, Program, free_port, garagectl, started
from tests.runtime.test_program import TOKENS, small_config

pytestmark = pytest.mark.xdist_group("program")

SPEED = 5
REFRESH_S = 0.1


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[Program, Path]]:
    plc_port, api_port = free_port(), free_port()
    config = small_config(tmp_path, plc_port)
    plant: tuple[str, ...] = ("serve-plant", "-c", str(config), "--speed", str(SPEED), "--plc-port", str(plc_port))
    garage = ["run", "-c", str(config), "--served", "--speed", str(SPEED), "--port", str(api_port), "--announce-json"]
    garage += ["--database", f"sqlite:///{tmp_path}/garage.db"]
    plant = (*plant, "--wallbox-port", "0", "--no-traffic")
    with started(*plant, environment=TOKENS), started(*garage, environment=TOKENS) as running:
        running.wait_ready()
        yield running, config


def recovery(program: Program) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {OPERATOR_TOKEN}"}
    found: dict[str, Any] = program.get("/api/v1/modules/A/recovery", **headers)
    return found


def test_a_slide_runs_while_it_is_held_and_stops_when_it_is_not(program: tuple[Program, Path]) -> None:
    running, config = program

    def post(path: str, body: dict[str, Any]) -> Any:
        return running.post(f"/api/v1/modules/A{path}", body, token=OPERATOR_TOKEN)

    # given the key is turned at the machine, and an operator has the module in hand
    assert post("/manual", {"reason": "test"}).json()["code"] == "key_not_manual"
    assert garagectl("plc", "panel", "A", "mode", "manual", "--config", str(config), **TOKENS).returncode == 0
    running.wait(lambda: recovery(running)["state"] == "locked")
    token = post("/manual", {"reason": "test"}).json()["token"]
    assert recovery(running)["holder"]["operator"] == "operator"
    # when the button is held for a while, and then nothing more is heard of it
    counter = 1
    pressed = post(
        "/manual/moves", {"token": token, "counter": 1, "move": "slide", "level": 1, "first": 1, "second": 2}
    )
    assert pressed.status_code == 202, pressed.text
    while counter < 6:
        time.sleep(REFRESH_S)
        counter += 1
        assert post("/manual/hold", {"token": token, "counter": counter}).status_code == 202
    # then the PLC has stopped it, and a late refresh does not set it going again
    running.wait(lambda: not recovery(running)["moving"])
    assert recovery(running)["last_stop"]["reason"] == 23
    assert post("/manual/hold", {"token": token, "counter": counter}).json()["code"] == "old_counter"
    assert post("/manual/hold", {"token": token, "counter": counter + 1}).status_code == 202
    time.sleep(0.5)
    assert not recovery(running)["moving"]
    # and after giving it back with the key in automatic it still waits for a person's word
    assert post("/manual/release", {"token": token}).status_code == 202
    assert garagectl("plc", "panel", "A", "mode", "automatic", "--config", str(config), **TOKENS).returncode == 0
    running.wait(lambda: recovery(running)["switch"] == "automatic" and recovery(running)["state"] == "locked")
    running.wait(lambda: running.post("/api/v1/modules/A/confirm", token=OPERATOR_TOKEN).is_success)
    running.wait(lambda: recovery(running)["state"] == "ready")


def test_the_panel_has_no_other_switches(tmp_path: Path) -> None:
    config = small_config(tmp_path, free_port())
    for wrong in (("A", "bell", "on"), ("A", "mode", "resume")):
        assert garagectl("plc", "panel", *wrong, "--config", str(config), **TOKENS).returncode == 2
