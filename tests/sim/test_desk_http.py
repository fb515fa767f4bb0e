"""The crowd at a garage in another process: what is sent, what is noticed, and what happens when nobody answers."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from typing import Any

import httpx2
import pytest

from api.schemas import BookingBody
from domain.ids import BayId, ChargingId, JobId, Plate, SpotId
from domain.vehicle import VEHICLE_CLASSES
from sim.asks import Answered, ChargingGranted, ChargingOver, JobEnded, Notice, SessionOpened
from sim.demand import Trip
from sim.desk_http import GarageAway, HttpDesk, service_client
from sim.people import Crowd, Where
from sim.plant import Plant
from tests.sites import module_layout, site_of

ANNA = Plate("京A12345")
CAR = VEHICLE_CLASSES["Z"]
CAR_JSON = {"class_code": "Z", "length_mm": 4700, "width_mm": 1800, "height_mm": 1450, "mass_kg": 1500}


class FakeGarage:
    """`/api/v1` written by hand: accepts everything unless told otherwise."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.spot: str | None = None
        self.posts: list[tuple[str, Any, str]] = []
        self.refusals: dict[str, tuple[int, str]] = {}
        self.away = False

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.away:
            raise httpx2.ConnectError("connection refused")
        assert request.headers["Authorization"] == "Bearer secret-of-the-service"
        path = request.url.path
        if request.method == "GET":
            return httpx2.Response(200, json=self._read(path))
        body: Any = json.loads(request.content) if request.content else None
        self.posts.append((path, body, request.headers["Idempotency-Key"]))
        if path in self.refusals:
            status, code = self.refusals[path]
            return httpx2.Response(status, json={"code": code, "status": status})
        if path == "/api/v1/charging-sessions":
            self.spot = "C1"
            return httpx2.Response(201, json={"charging": "C1", "spot": "E-01", "pin": body["pin"]})
        return httpx2.Response(202, json={"job": "J1"})

    def _read(self, path: str) -> dict[str, Any]:
        if path == "/api/v1/jobs":
            return {"jobs": self.jobs}
        if path == "/api/v1/spots":
            return {"spots": [{"id": "E-01", "state": "Available", "charging": self.spot}]}
        return {"charging": path.rsplit("/", 1)[1], "spot": "E-01", "plate": ANNA, "state": "Charging"}

    def job(self, state: str, session_state: str | None, name: str = "J1") -> None:
        self.jobs = [
            {
                "job": name,
                "kind": "storage",
                "bay": "A-1-01",
                "state": state,
                "session_state": session_state,
                "plate": ANNA,
                "vehicle": CAR_JSON,
            }
        ]


class EarCrowd(Crowd):
    """A crowd that remembers what it heard and stays in its chair at open gates."""

    heard: list[Notice]

    def act(self, now_ms: int, notices: Any = ()) -> Any:
        told = list(notices)
        self.heard = [*getattr(self, "heard", []), *told]
        return super().act(now_ms, [n for n in told if not isinstance(n, SessionOpened)])


class Stage:
    """Desk, crowd and fake garage, turned by hand at plant times of the test's choice."""

    def __init__(self, *trips: Trip, parked: dict[Plate, str] | None = None) -> None:
        self.garage = FakeGarage()
        self.now_ms = 0
        self.plant = Plant(site_of(module_layout("A", 3, (2150, 2150)), spots=1))
        self.crowd = EarCrowd(self, trips, 1, parked=parked)
        self.client = httpx2.AsyncClient(
            transport=httpx2.MockTransport(self.garage.answer),
            base_url="http://garage",
            headers={"Authorization": "Bearer secret-of-the-service"},
        )
        self.desk = HttpDesk(self.client, self.crowd, lambda: self.now_ms, run_name="run7", poll_s=0.01)

    def turn(self, now_ms: int | None = None) -> list[Notice]:
        """One turn; returns what the crowd heard in it."""
        self.now_ms = self.now_ms if now_ms is None else now_ms
        self.plant.advance(self.now_ms)
        self.crowd.heard = []
        asyncio.run(self.desk.turn())
        return self.crowd.heard


def arrival(at_ms: int = 0) -> Trip:
    return Trip(at_ms, "arrive", ANNA, CAR, "H-001")


def test_an_arrival_is_posted_with_plate_size_and_pin() -> None:
    stage = Stage(arrival())

    stage.turn()

    ((path, body, key),) = stage.garage.posts
    assert path == "/api/v1/storages"
    assert body["plate"] == ANNA
    assert body["vehicle"] == {name: CAR_JSON[name] for name in CAR_JSON if name != "class_code"}
    assert len(body["pin"]) == 6
    assert key == "run7-1"


def test_a_booking_is_posted_as_the_garage_reads_it() -> None:
    due_utc_ms = 1_772_380_800_000 + 31 * 3_600_000 + 40 * 60_000  # Tuesday, 3 March 2026, 7:40 in Beijing
    stage = Stage(Trip(60_000, "book", ANNA, CAR, "H-001", due_utc_ms=due_utc_ms), parked={ANNA: "123456"})

    stage.turn(60_000)

    ((path, body, _),) = stage.garage.posts
    assert path == "/api/v1/bookings"
    read = BookingBody.model_validate(body)
    assert (read.plate, read.pin, read.kind) == (ANNA, "123456", "departure")
    assert (read.at, read.date, read.repeat) == ("07:40", dt.date(2026, 3, 3), "once")
    stage.garage.job("standing_by", None)
    stage.turn(120_000)
    assert len(stage.garage.posts) == 1


def test_a_gate_that_opens_is_noticed_once() -> None:
    stage = Stage()
    stage.garage.job("delivering", None)
    assert stage.turn() == []

    stage.garage.job("delivering", "open")
    opened = SessionOpened(JobId("J1"), "storage", ANNA, CAR, BayId("A-1-01"))
    assert stage.turn() == [opened]
    assert stage.turn() == []

    stage.garage.job("delivering", "closing")
    assert stage.turn() == []
    stage.garage.job("delivering", "open")
    assert stage.turn() == [opened]


@pytest.mark.parametrize(("state", "ok"), [("done", True), ("cancelled", False), ("failed", False)])
def test_a_job_that_ends_is_noticed_once(state: str, ok: bool) -> None:
    stage = Stage()
    stage.turn()
    stage.garage.job(state, "closed")

    assert stage.turn() == [JobEnded(JobId("J1"), ANNA, "storage", ok)]
    assert stage.turn() == []
    assert stage.crowd.where(ANNA) is (Where.PARKED if ok else None)


def test_jobs_that_had_ended_before_the_first_look_are_no_news() -> None:
    stage = Stage()
    stage.garage.job("done", "closed")

    assert stage.turn() == []
    stage.garage.job("done", "closed", name="J2")
    assert stage.turn() == [JobEnded(JobId("J2"), ANNA, "storage", True)]


def test_a_refusal_reaches_the_person_with_its_code() -> None:
    stage = Stage(arrival())
    stage.garage.refusals["/api/v1/storages"] = (503, "garage_paused")

    stage.turn()
    (answer,) = stage.turn()

    assert isinstance(answer, Answered)
    assert (answer.accepted, answer.code) == (False, "garage_paused")
    assert stage.crowd.where(ANNA) is Where.WAITING


def test_an_ask_without_an_answer_is_sent_again_with_the_same_key() -> None:
    stage = Stage(arrival())
    stage.garage.refusals["/api/v1/storages"] = (503, "overloaded")
    with pytest.raises(GarageAway, match="overloaded"):
        stage.turn()

    stage.garage.refusals.clear()
    stage.turn()
    (answer,) = stage.turn()

    assert [key for _, _, key in stage.garage.posts] == ["run7-1", "run7-1"]
    assert isinstance(answer, Answered)
    assert answer.accepted


def test_while_the_garage_is_away_nobody_acts_and_nothing_is_lost() -> None:
    stage = Stage(arrival(1000))
    stage.garage.away = True
    with pytest.raises(GarageAway, match="connection refused"):
        stage.turn(5000)

    stage.garage.away = False
    stage.turn(6000)

    assert [path for path, _, _ in stage.garage.posts] == ["/api/v1/storages"]


def test_a_charging_session_is_noticed_from_its_grant_to_its_end() -> None:
    stage = Stage(Trip(0, "charge", ANNA, CAR, "E-1", 5000, 3_600_000))
    stage.turn()
    assert stage.garage.posts[0][0] == "/api/v1/charging-sessions"
    assert stage.garage.posts[0][1]["spot"] is None

    assert stage.turn()[1:] == [ChargingGranted(ChargingId("C1"), SpotId("E-01"), ANNA)]
    assert stage.turn(60_000) == []
    assert stage.plant.spots[SpotId("E-01")].battery is not None
    stage.garage.spot = None
    assert stage.turn() == [ChargingOver(SpotId("E-01"), ANNA)]


def test_the_next_car_at_a_spot_is_another_session() -> None:
    stage = Stage()
    stage.garage.spot = "C1"
    stage.turn()

    stage.garage.spot = "C2"

    assert stage.turn() == [
        ChargingOver(SpotId("E-01"), ANNA),
        ChargingGranted(ChargingId("C2"), SpotId("E-01"), ANNA),
    ]


def test_the_loop_ends_at_once_and_speaks_of_trouble_once(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.garage.away = True

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.create_task(stage.desk.run(stop))
        while not stage.desk.trouble:
            await asyncio.sleep(0.01)
        stop.set()
        await loop

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())

    assert "connection refused" in stage.desk.trouble
    assert len(caplog.records) == 1


def test_the_client_speaks_for_the_service_role() -> None:
    client = service_client("http://127.0.0.1:8000", "a-token-of-the-service")

    assert client.headers["Authorization"] == "Bearer a-token-of-the-service"
    assert client.base_url == httpx2.URL("http://127.0.0.1:8000")
