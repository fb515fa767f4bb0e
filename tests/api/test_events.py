"""The journal over HTTP and on its page: in words, page by page, without plates for the committee."""

from __future__ import annotations

from starlette.testclient import TestClient

from api.settings import Role
from domain.events import CommandRefused, Event, JobQueued, ModuleAdvanced, MotionRequested, Recorded
from domain.ids import BayId, JobId, ModuleId, Plate
from domain.vehicle import VEHICLE_CLASSES
from tests.api.conftest import bearer
from tests.api.fake_garage import FakeGarage

PLATE = Plate("京A12345")
UTC_MS = 1_795_390_800_000
SIGHT = "1.1.7f;3,7;"


def with_events(garage: FakeGarage) -> FakeGarage:
    events: list[Event] = [
        JobQueued(JobId("J000001"), "storage", PLATE, VEHICLE_CLASSES["Z"], BayId("A-1-01"), "secret-digest"),
        MotionRequested(ModuleId("A"), 0, 7, 4, 0, 0, 9000, JobId("J000001"), SIGHT),
        ModuleAdvanced(ModuleId("A"), "locked", ("plc_fault:101",), SIGHT),
        CommandRefused("RequestRetrieval", PLATE, ("module_locked:A", f"already_coming:{PLATE}"), ModuleId("A"), SIGHT),
    ]
    garage.journal = [Recorded(seq, UTC_MS + 1000 * seq, event) for seq, event in enumerate(events, 1)]
    return garage


def test_events_come_newest_first_and_page_by_page(client: TestClient, garage: FakeGarage) -> None:
    with_events(garage)

    first = client.get("/api/v1/events?limit=3", headers=bearer(Role.OPERATOR)).json()
    rest = client.get(f"/api/v1/events?before={first['next_before']}", headers=bearer(Role.OPERATOR)).json()

    assert [event["seq"] for event in first["events"]] == [4, 3, 2]
    assert ([event["seq"] for event in rest["events"]], rest["next_before"]) == ([1], None)
    locked = first["events"][1]
    assert locked["text_en"] == "module A is locked: The PLC reports a fault that must be reset first. (101)"
    assert "gate closed; zone clear" in locked["seen_en"]
    assert "库门关闭" in locked["seen_zh"]


def test_nobody_reads_a_pin_digest_and_the_committee_no_plate(client: TestClient, garage: FakeGarage) -> None:
    with_events(garage)

    operator = client.get("/api/v1/events", headers=bearer(Role.OPERATOR)).text
    committee = client.get("/api/v1/events", headers=bearer(Role.COMMITTEE)).text

    assert "secret-digest" not in operator + committee
    assert PLATE in operator
    assert PLATE not in committee
    assert "4600" not in committee, "vehicles are not told either"
    assert "module_locked" in committee


def test_an_event_is_told_with_what_was_known(client: TestClient, garage: FakeGarage) -> None:
    with_events(garage)

    told = client.get("/api/v1/events/3", headers=bearer(Role.OPERATOR)).json()

    assert told["event"]["kind"] == "ModuleAdvanced"
    assert told["knew"]["modules"][0]["state"] == "locked"
    assert told["knew"]["jobs"][0]["job"] == "J000001"
    assert client.get("/api/v1/events/99", headers=bearer(Role.OPERATOR)).status_code == 404


def test_the_page_tells_it_in_both_languages(client: TestClient, garage: FakeGarage) -> None:
    with_events(garage)

    listed = client.get("/operator/replay", headers=bearer(Role.OPERATOR) | {"Accept-Language": "en"})
    one = client.get("/operator/replay?seq=3", headers=bearer(Role.OPERATOR) | {"Accept-Language": "zh"})

    assert listed.status_code == 200
    assert "open the gate" in listed.text
    assert "secret-digest" not in listed.text
    assert "所有" not in one.text and "载车板全部在位" in one.text
    assert "库区 A 进入状态 locked" in one.text
