"""The pages as the server sends them: the kiosk's questions, the words, the desk."""

from __future__ import annotations

import re

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from api.pages import words_desk, words_hand, words_kiosk, words_live, words_maintenance
from api.pages.kiosk import stage_of
from api.pages.words import WORDS, energy, money, plate_shown, waiting_time
from api.problems import REFUSAL_STATUS
from api.settings import Role
from controller.machines import BOOKING, GARAGE, JOB, MODULE, SESSION, SPOT
from domain.commands import ConfirmModule, PauseGarage, RequestStorage
from domain.faults import FAULT_TEXTS, FaultNumber
from domain.reasons import ReasonCode, because
from domain.refusals import RefusalCode
from domain.vehicle import VEHICLE_CLASSES
from tests.api.conftest import bearer
from tests.api.fake_garage import FakeGarage

ENGLISH = {"Accept-Language": "en"}


def screen_of(answer: Response) -> str:
    found = re.search(r'data-screen="([^"]+)"', answer.text)
    assert found is not None, answer.text[:300]
    return found[1]


def answer(client: TestClient, screen: str, **form: str) -> Response:
    return client.post(f"/kiosk/{screen}", data=form, headers=ENGLISH)


def test_parking_asks_plate_class_and_departure_and_then_shows_the_pin(client: TestClient, garage: FakeGarage) -> None:
    assert screen_of(client.get("/kiosk")) == "welcome"
    assert screen_of(answer(client, "start", flow="park")) == "plate"
    classes = answer(client, "plate", flow="park", plate="京a·12345")
    assert screen_of(classes) == "vehicle-class"
    assert all(f'value="{code}"' in classes.text for code in VEHICLE_CLASSES)
    when = answer(client, "vehicle-class", flow="park", plate="京A12345", vehicle_class="K")
    assert (screen_of(when), garage.commands) == ("leaving", [])
    job = answer(client, "leaving", flow="park", plate="京A12345", vehicle_class="K", leaves="")
    assert screen_of(job) == "job"
    assert "100<span" in job.text
    command = garage.commands[0]
    assert isinstance(command, RequestStorage)
    assert (command.plate, command.vehicle.class_code) == ("京A12345", "K")


def test_parking_tells_how_long_fetching_will_take_from_the_bay(client: TestClient, garage: FakeGarage) -> None:
    form = {"flow": "park", "plate": "京A12345", "vehicle_class": "Z"}
    page = answer(client, "leaving", **form).text
    assert "From A-3-07 your car comes in 2 to 3 min at your usual time. From B-2-03 it would be about 2 min." in page
    garage.costs = []
    assert 'data-test="departure"' not in answer(client, "leaving", **form | {"plate": "京B22222"}).text


def test_fetching_asks_plate_and_pin(client: TestClient, garage: FakeGarage) -> None:
    garage.park("京A12345", "271828")
    assert screen_of(answer(client, "plate", flow="fetch", plate="京A12345")) == "pin"
    short = answer(client, "pin", flow="fetch", plate="京A12345", pin="27182")
    wrong = answer(client, "pin", flow="fetch", plate="京A12345", pin="000000")
    right = answer(client, "pin", flow="fetch", plate="京A12345", pin="271828")
    assert [(a.status_code, screen_of(a)) for a in (short, wrong, right)] == [
        (422, "pin"),
        (403, "pin"),
        (200, "job"),
    ]
    assert RefusalCode.WRONG_PIN.text("en") in wrong.text


def test_a_plate_that_is_none_is_asked_again(client: TestClient) -> None:
    for plate in ("", "京", "京A1", "????????"):
        again = answer(client, "plate", flow="park", plate=plate)
        assert (again.status_code, screen_of(again)) == (422, "plate")
        assert "not a complete plate" in again.text


@pytest.mark.parametrize("code", [code for code in RefusalCode if code is not RefusalCode.WRONG_PIN])
def test_every_refusal_is_said_in_words(client: TestClient, garage: FakeGarage, code: RefusalCode) -> None:
    for language in ("en", "zh"):
        garage.next_refusal = code
        form = {"flow": "fetch", "plate": "京A12345", "pin": "123456"}
        told = client.post("/kiosk/pin", data=form, headers={"Accept-Language": language})
        assert (told.status_code, screen_of(told)) == (REFUSAL_STATUS[code], "refused")
        assert code.text(language) in told.text.replace("&#39;", "'")


def test_a_double_tap_parks_once(client: TestClient, garage: FakeGarage) -> None:
    form = {"flow": "park", "plate": "京A12345", "vehicle_class": "Z"}
    key = {"Idempotency-Key": "one-form"}
    first = client.post("/kiosk/leaving", data=form, headers=key)
    second = client.post("/kiosk/leaving", data=form, headers=key)
    assert first.text == second.text
    assert len(garage.commands) == 1


def test_charging_offers_only_spots_that_can_be_used(client: TestClient, garage: FakeGarage) -> None:
    garage.change_spot("E-01", state="Charging", charging="C9")
    garage.change_spot("E-02", state="Faulted")
    offered = answer(client, "plate", flow="start-charging", plate="京A12345")
    assert re.findall(r'name="spot" value="([^"]+)"', offered.text)[0] == "E-03"
    assert 'value="E-02"' not in offered.text
    granted = answer(client, "spot", flow="start-charging", plate="京A12345", spot="E-04")
    assert screen_of(granted) == "charging"
    assert "E-04" in granted.text


def test_stopping_tells_energy_and_fee(client: TestClient, garage: FakeGarage) -> None:
    answer(client, "spot", flow="start-charging", plate="京A12345", spot="E-04")
    offered = answer(client, "start", flow="stop-charging")
    assert re.findall(r'name="spot" value="([^"]+)"', offered.text) == ["E-04"]
    assert screen_of(answer(client, "spot", flow="stop-charging", spot="E-04")) == "pin"
    stopped = answer(client, "pin", flow="stop-charging", spot="E-04", pin="100001")
    assert screen_of(stopped) == "stopped"
    assert "12.34 kWh" in stopped.text
    assert "¥14.81" in stopped.text


def test_stopping_where_nothing_charges_is_refused(client: TestClient) -> None:
    told = answer(client, "pin", flow="stop-charging", spot="E-04", pin="100001")
    assert (told.status_code, screen_of(told)) == (409, "refused")


def job_stage(client: TestClient, job: str) -> str:
    region = client.get(f"/kiosk/job/{job}", headers={"HX-Request": "true"})
    found = re.search(r'data-stage="(\w+)"', region.text)
    assert found is not None
    return found[1]


def test_a_job_s_screen_follows_its_states(client: TestClient, garage: FakeGarage) -> None:
    job = client.post("/api/v1/storages", json={"plate": "京A12345", "vehicle_class": "Z"}).json()["job"]
    story = [
        ("queued", None, "queued"),
        ("preparing", None, "preparing"),
        ("delivering", None, "delivering"),
        ("standing_by", None, "standing_by"),
        ("at_gate", "opening", "gate_opening"),
        ("at_gate", "open", "gate_open"),
        ("at_gate", "closing", "gate_closing"),
        ("at_gate", "checking", "gate_closing"),
        ("at_gate", "opening", "gate_opening"),
        ("at_gate", "closed", "shut"),
        ("returning", "closed", "shut"),
        ("done", "closed", "done"),
    ]
    for state, session, stage in story:
        garage.advance(job, state, session)
        assert job_stage(client, job) == stage


def test_the_screen_is_replaced_only_when_it_would_look_different(client: TestClient, garage: FakeGarage) -> None:
    job = client.post("/api/v1/storages", json={"plate": "京A12345", "vehicle_class": "Z"}).json()["job"]
    page = client.get(f"/kiosk/job/{job}").text
    found = re.search(r'hx-get="([^"]+)"', page)
    assert found is not None
    assert client.get(found[1], headers={"HX-Request": "true"}).status_code == 204
    garage.advance(job, "preparing")
    assert client.get(found[1], headers={"HX-Request": "true"}).status_code == 200


def test_a_driver_whose_module_stands_still_is_told_so_instead_of_a_time(
    client: TestClient, garage: FakeGarage
) -> None:
    job = client.post("/api/v1/storages", json={"plate": "京A12345", "vehicle_class": "Z"}).json()["job"]
    assert 'data-test="eta"' in client.get(f"/kiosk/job/{job}", headers=ENGLISH).text
    garage.records[job] |= {"eta_s": None, "eta_low_s": None, "eta_high_s": None, "eta_spread_s": None}
    told = client.get(f"/kiosk/job/{job}", headers=ENGLISH).text
    assert 'data-test="eta"' not in told
    assert "go to gate" not in told
    assert "stands still" in told
    assert "暂停运行" in client.get(f"/kiosk/job/{job}").text
    # who has been at the gate already is told no time, and no stop either
    garage.records[job] |= {"opened_utc_ms": 1}
    assert "stands still" not in client.get(f"/kiosk/job/{job}", headers=ENGLISH).text


def test_the_word_at_the_gate_may_be_refused_and_repeated(client: TestClient, garage: FakeGarage) -> None:
    job = client.post("/api/v1/storages", json={"plate": "京A12345", "vehicle_class": "Z"}).json()["job"]
    garage.advance(job, "at_gate", "open")
    garage.next_refusal = RefusalCode.ZONE_NOT_CLEAR
    told = client.post(f"/kiosk/job/{job}/clear", headers=ENGLISH)
    assert told.status_code == 409
    assert RefusalCode.ZONE_NOT_CLEAR.text("en") in told.text
    assert 'data-test="clear"' in told.text
    assert 'data-stage="gate_closing"' in client.post(f"/kiosk/job/{job}/clear").text


def test_cancelling_is_asked_once_more(client: TestClient, garage: FakeGarage) -> None:
    job = client.post("/api/v1/storages", json={"plate": "京A12345", "vehicle_class": "Z"}).json()["job"]
    assert 'data-test="cancel-yes"' in client.post(f"/kiosk/job/{job}/ask-cancel").text
    assert len(garage.commands) == 1
    assert 'data-stage="queued"' in client.post(f"/kiosk/job/{job}/keep").text
    assert 'data-stage="cancelled"' in client.post(f"/kiosk/job/{job}/cancel").text


def test_the_welcome_shows_gates_that_wait_for_a_word(client: TestClient, garage: FakeGarage) -> None:
    job = client.post("/api/v1/storages", json={"plate": "京A12345", "vehicle_class": "Z"}).json()["job"]
    assert "at-gate" not in client.get("/kiosk").text
    garage.advance(job, "at_gate", "open")
    assert f'href="/kiosk/job/{job}"' in client.get("/kiosk").text


def test_unknown_screens_and_jobs_are_not_found(client: TestClient) -> None:
    assert client.post("/kiosk/nonsense").status_code == 404
    assert client.post("/kiosk/start", data={"flow": "nonsense"}).status_code == 404
    assert client.get("/kiosk/job/J9").status_code == 404
    assert client.post("/kiosk/job/J9/clear").status_code == 404


def test_the_language_is_remembered(client: TestClient) -> None:
    assert '<html lang="zh-CN">' in client.get("/kiosk", headers={"Accept-Language": "fr"}).text
    assert '<html lang="en">' in client.get("/kiosk", headers=ENGLISH).text
    assert client.get("/language/zh?back=/kiosk").headers["location"] == "/kiosk"
    assert '<html lang="zh-CN">' in client.get("/kiosk", headers=ENGLISH).text


def test_every_state_of_the_controller_has_a_word() -> None:
    for family, table in (
        ("garage", GARAGE),
        ("module", MODULE),
        ("job", JOB),
        ("session", SESSION),
        ("booking", BOOKING),
        ("spot", SPOT),
    ):
        prefix = "mode" if family == "garage" else family
        assert {f"{prefix}_{state}" for state in table.states} <= set(WORDS)


def test_no_word_is_in_two_of_the_tables() -> None:
    tables = (words_live.WORDS, words_kiosk.WORDS, words_hand.WORDS, words_desk.WORDS, words_maintenance.WORDS)
    assert sum(map(len, tables)) == len(WORDS)


def test_every_word_exists_in_both_languages() -> None:
    for key, (english, chinese) in WORDS.items():
        assert english, key
        assert chinese, key
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese))


@pytest.mark.parametrize(
    ("eta_s", "spread_s", "told"),
    [
        (None, None, "–"),
        (0, 0, "now"),
        (30, 10, "under 1 min"),
        (60, 0, "about 1 min"),
        (120, 30, "2 to 3 min"),
        (300, 60, "5 to 6 min"),
    ],
)
def test_waiting_times_are_told_in_minutes(eta_s: int | None, spread_s: int | None, told: str) -> None:
    assert waiting_time("en", eta_s, spread_s) == told


def test_money_energy_and_plates_are_written_as_people_do() -> None:
    assert [money(fen) for fen in (0, 5, 1234, 123_456_789, -50, None)] == [
        "¥0.00",
        "¥0.05",
        "¥12.34",
        "¥1,234,567.89",
        "-¥0.50",
        "–",
    ]
    assert energy(12_340) == "12.34 kWh"
    assert [plate_shown(p) for p in ("京A12345", "京AD12345", "AB123")] == ["京A·12345", "京A·D12345", "AB123"]


def test_a_job_that_never_came_to_a_gate_ends_as_cancelled() -> None:
    assert stage_of({"ended_utc_ms": 1, "state": "cancelled", "session_state": None}) == "cancelled"


def test_the_desk_tells_reasons_faults_and_cures(client: TestClient, garage: FakeGarage) -> None:
    garage.change_module(
        "B",
        state="locked",
        reasons=["pallet_unknown:B-2-04", "something_new"],
        faults=[{"number": 301, "about": "B-2-04"}, {"number": 999, "about": ""}],
    )
    page = client.get("/operator", headers=bearer(Role.OPERATOR) | ENGLISH).text
    fault = FAULT_TEXTS[FaultNumber.LIFT_TIMEOUT]
    for text in (RefusalCode.PALLET_UNKNOWN.text("en"), "B-2-04", "something_new", fault.english, fault.cure, "999"):
        assert text in page


def test_the_desk_shows_bookings_standing_cars_and_why_each_job_comes_when_it_comes(
    client: TestClient, garage: FakeGarage
) -> None:
    headers = bearer(Role.OPERATOR) | ENGLISH
    assert "No bookings." in client.get("/operator", headers=headers).text
    garage.park("京A12345", "271828", bay="A-3-07")
    body = {"plate": "京A12345", "pin": "271828", "kind": "departure", "at": "07:40", "repeat": "weekdays"}
    booking = client.post("/api/v1/bookings", json=body).json()["booking"]
    assert "Monday to Friday" in client.get("/operator", headers=headers).text
    job = garage.call(booking)
    garage.advance(job, "standing_by", why=[because(ReasonCode.ONLY_ONE).to_json()])
    page = client.get("/operator", headers=headers).text
    assert "booked for 07:40, driver not here yet; the only one waiting" in page
    assert re.search(r"Standing at the gate for their drivers: <strong>A-3-07</strong> \(J000001, 07:40\)", page)
    assert "京A12345" not in page
    chinese = client.get("/operator", headers=headers | {"Accept-Language": "zh"}).text
    assert "预约 07:40，车主未到；仅此一个请求" in chinese


def test_the_desk_commands_and_says_what_came_of_it(client: TestClient, garage: FakeGarage) -> None:
    headers = bearer(Role.OPERATOR) | ENGLISH
    garage.change_module("B", state="locked")
    done = client.post("/operator/modules/B/confirm", headers=headers)
    assert "Command accepted" in done.text
    assert isinstance(garage.commands[-1], ConfirmModule)
    garage.next_refusal = RefusalCode.MODULE_NOT_LOCKED
    refused = client.post("/operator/modules/B/confirm", headers=headers)
    assert (refused.status_code, RefusalCode.MODULE_NOT_LOCKED.text("en") in refused.text) == (409, True)
    assert 'data-test="resume"' in client.post("/operator/garage/pause", headers=headers).text
    assert isinstance(garage.commands[-1], PauseGarage)
    assert client.post("/operator/modules/B/explode", headers=headers).status_code == 404
    assert client.post("/operator/garage/explode", headers=headers).status_code == 404


def test_the_desk_s_panel_is_sent_again_only_when_it_differs(client: TestClient, garage: FakeGarage) -> None:
    headers = bearer(Role.OPERATOR) | {"HX-Request": "true"}
    found = re.search(r'hx-get="([^"]+)"', client.get("/operator", headers=headers).text)
    assert found is not None
    assert client.get(found[1], headers=headers).status_code == 204
    garage.change_module("A", state="locked")
    assert client.get(found[1], headers=headers).status_code == 200


def test_an_expired_desk_is_led_to_the_login(client: TestClient) -> None:
    told = client.get("/operator/panel", headers={"HX-Request": "true"})
    assert (told.status_code, told.headers["hx-redirect"]) == (401, "/login?back=/operator")


def test_the_ledger_page_shows_money_and_pages(client: TestClient, garage: FakeGarage) -> None:
    garage.entries = [
        {"seq": n, "utc_ms": 0, "text": f"entry {n}", "postings": [{"account": "cash", "amount_fen": n * 100}]}
        for n in range(1, 151)
    ]
    headers = bearer(Role.COMMITTEE) | ENGLISH
    first = client.get("/ledger", headers=headers).text
    second = client.get("/ledger?after=100", headers=headers).text
    assert "¥1,234.56" in first
    assert "entry 100<" in first
    assert "entry 101<" not in first
    assert 'href="/ledger?after=100"' in first
    assert "entry 150<" in second
    assert "¥150.00" in second
    assert "1970-01-01 08:00:00" in second


def test_no_page_loads_anything_from_elsewhere(client: TestClient) -> None:
    for path in ("/", "/kiosk", "/login", "/docs", "/operator", "/ledger"):
        page = client.get(path, headers=bearer(Role.ADMINISTRATOR)).text
        loaded = re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="([^"]+)"', page)
        assert loaded
        assert all(url.startswith("/static/") for url in loaded), path
        assert not re.search(r"<script(?![^>]+(?:src=|application/json))", page), path
        assert "style=" not in page, path
        assert all(client.get(url).status_code == 200 for url in loaded)
