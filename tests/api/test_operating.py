"""The operator's commands, the ledger and the health over HTTP."""

from __future__ import annotations

from starlette.testclient import TestClient

from api.settings import Role
from domain.commands import ConfirmModule, PauseGarage, ResetFaults, ResumeGarage
from tests.api.conftest import bearer
from tests.api.fake_garage import FakeGarage

OPERATOR = bearer(Role.OPERATOR)
NAME = "a person in the role operator"


def test_the_operator_s_name_goes_with_every_command(client: TestClient, garage: FakeGarage) -> None:
    client.post("/api/v1/modules/A/confirm", headers=OPERATOR)
    client.post("/api/v1/modules/B/reset-faults", headers=OPERATOR)
    paused = client.post("/api/v1/garage/pause", headers=OPERATOR, json={"reason": "snow"})
    resumed = client.post("/api/v1/garage/resume", headers=OPERATOR)
    assert [type(command) for command in garage.commands] == [
        ConfirmModule,
        ResetFaults,
        PauseGarage,
        ResumeGarage,
    ]
    assert garage.commands[2] == PauseGarage(NAME, "snow")
    assert (paused.json(), resumed.json()) == ({"mode": "paused"}, {"mode": "automatic"})


def test_an_unknown_module_is_told(client: TestClient) -> None:
    answer = client.post("/api/v1/modules/Q/confirm", headers=OPERATOR)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_module")


def test_the_ledger_is_read_page_by_page(client: TestClient, garage: FakeGarage) -> None:
    garage.entries = [{"seq": number, "amount_fen": number * 100} for number in range(1, 8)]
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = client.get(f"/api/v1/ledger/entries?after={after}&limit=3", headers=bearer(Role.COMMITTEE)).json()
        seen += [entry["seq"] for entry in page["entries"]]
        after = page["next_after"]
    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_the_ledger_refuses_impossible_pages(client: TestClient) -> None:
    for query in ("after=-1", "limit=0", "limit=1001", "after=x"):
        answer = client.get(f"/api/v1/ledger/entries?{query}", headers=bearer(Role.COMMITTEE))
        assert answer.json()["code"] == "invalid_input"


def test_a_statement_is_asked_by_plate(client: TestClient, garage: FakeGarage) -> None:
    garage.entries = [{"seq": 1, "plate": "京A12345"}, {"seq": 2, "plate": "京B22222"}]
    answer = client.get("/api/v1/ledger/statement", params={"plate": "京a·12345"}, headers=bearer(Role.COMMITTEE))
    assert answer.json() == {"plate": "京A12345", "entries": [{"seq": 1, "plate": "京A12345"}]}
    assert client.get("/api/v1/ledger/totals", headers=OPERATOR).json()["receivable_fen"] == 123_456


def test_health_and_version(client: TestClient, garage: FakeGarage) -> None:
    assert client.get("/health/live").status_code == client.get("/health/ready").status_code == 200
    garage.is_ready = False
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["journal_away"])
    assert client.get("/version").json() == {"version": "1.2.3", "site": "test garage"}


def test_the_interface_describes_itself_from_our_own_files(client: TestClient) -> None:
    description = client.get("/api/v1/openapi.json").json()
    assert "/api/v1/storages" in description["paths"]
    page = client.get("/docs").text
    assert "/static/vendor/swagger-ui/swagger-ui-bundle.js" in page
    assert "https://" not in page
    assert client.get("/static/vendor/swagger-ui/swagger-ui-bundle.js").status_code == 200
