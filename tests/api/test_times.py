"""What operators see of how long the machine takes."""

from __future__ import annotations

from starlette.testclient import TestClient

from api.settings import Role
from domain.ids import ModuleId
from scheduler.measured import ENOUGH
from tests.api.conftest import bearer
from tests.api.fake_garage import FakeGarage

OPERATOR = bearer(Role.OPERATOR)


def measured(garage: FakeGarage, part: str, took_ms: int, count: int) -> None:
    for _ in range(count):
        garage.memory.module(ModuleId("A")).learn(part, took_ms)


def test_measured_times_stand_beside_those_of_the_data_sheet(client: TestClient, garage: FakeGarage) -> None:
    measured(garage, "lower_3", 50_000, ENOUGH)
    measured(garage, "slide", 30_000, ENOUGH - 1)
    told = client.get("/api/v1/modules/A/times", headers=OPERATOR).json()
    parts = {part["part"]: part for part in told["parts"]}
    assert told["enough"] == ENOUGH
    assert list(parts)[:5] == ["slide", "lower_2", "lower_3", "lower_4", "gate_open"]
    lower, slide = parts["lower_3"], parts["slide"]
    assert (lower["nominal_ms"], lower["measured_ms"], lower["used_ms"]) == (41_000, 50_000, 50_000)
    assert lower["above_nominal_pct"] == 22.0
    assert (slide["measured_ms"], slide["used_ms"], slide["count"]) == (None, slide["nominal_ms"], ENOUGH - 1)
    assert (lower["text_en"], lower["text_zh"]) == ("level 3 comes down", "第3层下降")


def test_the_desk_shows_them_in_both_languages(client: TestClient, garage: FakeGarage) -> None:
    measured(garage, "gate_open", 9000, ENOUGH)
    for language, words in (("en", "gate opens"), ("zh", "开门")):
        client.cookies.set("language", language)
        page = client.get("/operator/modules/A/times", headers=OPERATOR)
        assert page.status_code == 200
        assert words in page.text
        assert "9.0 s" in page.text and "+12.5 %" in page.text


def test_an_unknown_module_and_other_people_are_refused(client: TestClient) -> None:
    assert client.get("/api/v1/modules/Q/times", headers=OPERATOR).json()["code"] == "unknown_module"
    assert client.get("/api/v1/modules/A/times", headers=bearer(Role.COMMITTEE)).status_code == 403
    assert client.get("/api/v1/modules/A/times").status_code == 401
