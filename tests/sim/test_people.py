"""What drivers do: ask, wait, drive, press clear, charge, and go away when it does not work."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest

from domain.ids import BayId, ChargingId, JobId, ModuleId, Plate, SpotId
from domain.moment import NEVER_MS
from domain.signals import GateState
from domain.vehicle import VEHICLE_CLASSES
from sim.asks import (
    Answered,
    Ask,
    ChargeAsk,
    ChargingGranted,
    ChargingOver,
    ClearAsk,
    JobEnded,
    JobKind,
    Notice,
    RetrievalAsk,
    SessionOpened,
    StopChargeAsk,
    StorageAsk,
)
from sim.demand import Trip, TripKind
from sim.people import Crowd, Where
from sim.plant import CarBody, Plant
from tests.sites import module_layout, site_of

ANNA = Plate("京A12345")
BO = Plate("京B67890")
CAR = VEHICLE_CLASSES["Z"]
MINUTE_MS = 60_000
GROUND = BayId("A-1-01")
SPOT = SpotId("E-01")
MODULE = ModuleId("A")


class Stage:
    """A plant without PLCs: the test is the garage, opens gates and answers asks."""

    def __init__(self, *trips: Trip, seed: int = 1, parked: dict[BayId, Plate] | None = None) -> None:
        site = site_of(module_layout("A", 3, (2150, 2150)), spots=1)
        cars = parked or {}
        self.plant = Plant(site, {bay: CarBody(plate, CAR) for bay, plate in cars.items()})
        self.module = self.plant.modules[MODULE]
        self.crowd = Crowd(self, trips, seed, parked=dict.fromkeys(cars.values(), "123456"))
        self.asked: list[tuple[int, Ask]] = []

    def tell(self, *notices: Notice) -> list[Ask]:
        """Notices now; returns what people ask at once."""
        return self._act(notices)

    def run_to(self, to_ms: int) -> list[Ask]:
        """Let time pass exactly at the crowd's own times; returns what was asked."""
        asks: list[Ask] = []
        while (due_ms := self.crowd.next_ms()) <= to_ms:
            self.plant.advance(max(due_ms, self.plant.now_ms))
            asks += self._act()
        self.plant.advance(to_ms)
        return asks

    def _act(self, notices: Iterable[Notice] = ()) -> list[Ask]:
        asks = self.crowd.act(self.plant.now_ms, notices)
        self.asked += [(self.plant.now_ms, ask) for ask in asks]
        return asks

    def open_gate(self) -> None:
        self.module.gate(True, self.plant.now_ms)
        self.plant.advance(self.plant.now_ms + self.plant.site.machine.gate_ms)
        assert self.module.gate_state is GateState.OPEN

    def session(self, job: str, kind: JobKind, plate: Plate) -> list[Ask]:
        """The gate opens for this job."""
        self.open_gate()
        return self.tell(SessionOpened(JobId(job), kind, plate, CAR, GROUND))

    def answer(self, job: str, ask: Ask) -> list[Ask]:
        return self.tell(Answered(ask, True, id=job))

    def refuse(self, code: str, ask: Ask) -> list[Ask]:
        return self.tell(Answered(ask, False, code=code))


def trip(
    at_ms: int,
    kind: TripKind = "arrive",
    plate: Plate = ANNA,
    charge_wh: int | None = None,
    stay_ms: int | None = None,
) -> Trip:
    return Trip(at_ms, kind, plate, CAR, "H-001", charge_wh, stay_ms)


def stored(stage: Stage, plate: Plate = ANNA) -> None:
    """Bring the first trip's car in, up to the end of its job."""
    (ask,) = stage.run_to(stage.crowd.next_ms())
    stage.answer("J1", ask)
    stage.session("J1", "storage", plate)
    (clear,) = stage.run_to(stage.plant.now_ms + 5 * MINUTE_MS)
    stage.tell(Answered(clear, True), JobEnded(JobId("J1"), plate, "storage", True))


def test_a_driver_asks_drives_in_and_presses_clear() -> None:
    stage = Stage(trip(5000))
    assert stage.crowd.next_ms() == 5000
    assert stage.run_to(4999) == []

    (ask,) = stage.run_to(5000)
    assert isinstance(ask, StorageAsk)
    assert (ask.plate, ask.vehicle) == (ANNA, CAR)
    stage.answer("J1", ask)
    assert stage.crowd.next_ms() == NEVER_MS

    assert stage.session("J1", "storage", ANNA) == []
    opened_ms = stage.plant.now_ms
    assert (stage.module.zone_people, stage.module.zone_cars) == (1, 1)
    clear_ms = stage.crowd.next_ms()
    stage.run_to(clear_ms - 1)
    assert stage.module.pallet(GROUND).car == CarBody(ANNA, CAR)
    assert (stage.module.zone_people, stage.module.zone_cars) == (0, 0)
    assert stage.run_to(clear_ms) == [ClearAsk(JobId("J1"))]
    assert 32_000 <= clear_ms - opened_ms <= 156_000
    stage.tell(Answered(ClearAsk(JobId("J1")), True), JobEnded(JobId("J1"), ANNA, "storage", True))
    assert stage.crowd.where(ANNA) is Where.PARKED
    assert stage.crowd.next_ms() == NEVER_MS


def test_a_driver_fetches_the_car_and_is_gone() -> None:
    stage = Stage(trip(1000, "depart"), parked={GROUND: ANNA})

    assert stage.run_to(1000) == [RetrievalAsk(ANNA, "123456")]
    stage.answer("J9", RetrievalAsk(ANNA, "123456"))
    stage.session("J9", "retrieval", ANNA)
    (clear,) = stage.run_to(stage.plant.now_ms + 5 * MINUTE_MS)

    assert clear == ClearAsk(JobId("J9"))
    assert stage.module.pallet(GROUND).car is None
    assert stage.module.zone_cars == 0
    stage.tell(JobEnded(JobId("J9"), ANNA, "retrieval", True))
    assert stage.crowd.where(ANNA) is None


def test_the_same_pin_fetches_the_car_that_stored_it() -> None:
    stage = Stage(trip(0), trip(20 * MINUTE_MS, "depart"))
    stored(stage)
    storage = stage.asked[0][1]

    (ask,) = stage.run_to(20 * MINUTE_MS)

    assert isinstance(storage, StorageAsk)
    assert ask == RetrievalAsk(ANNA, storage.pin)


def test_a_refused_clear_is_pressed_again_after_three_seconds() -> None:
    stage = Stage(trip(0))
    (ask,) = stage.run_to(0)
    stage.answer("J1", ask)
    stage.session("J1", "storage", ANNA)
    (clear,) = stage.run_to(stage.plant.now_ms + 5 * MINUTE_MS)
    at_ms = stage.plant.now_ms

    stage.refuse("zone_not_clear", clear)

    assert stage.crowd.next_ms() == at_ms + 3000
    assert stage.run_to(at_ms + 3000) == [clear]


def test_a_gate_that_opens_again_wants_the_word_again_but_no_second_drive() -> None:
    stage = Stage(trip(0))
    (ask,) = stage.run_to(0)
    stage.answer("J1", ask)
    stage.session("J1", "storage", ANNA)
    (clear,) = stage.run_to(stage.plant.now_ms + 5 * MINUTE_MS)
    stage.tell(Answered(clear, True))
    assert stage.crowd.next_ms() == NEVER_MS

    stage.tell(SessionOpened(JobId("J1"), "storage", ANNA, CAR, GROUND))

    assert stage.run_to(stage.plant.now_ms + 6000) == [clear]
    assert stage.module.zone_people == 0
    # Pressed while the gate was already shutting: the answer is no reason to press for ever.
    stage.refuse("job_not_at_gate", clear)
    assert stage.crowd.next_ms() == NEVER_MS


def test_a_full_garage_is_tried_once_more_after_five_minutes() -> None:
    stage = Stage(trip(0), trip(MINUTE_MS * 60, "depart"))
    (ask,) = stage.run_to(0)
    stage.refuse("garage_full", ask)
    assert stage.crowd.next_ms() == 5 * MINUTE_MS

    assert stage.run_to(5 * MINUTE_MS) == [ask]
    stage.refuse("garage_full", ask)

    assert stage.crowd.turned_away == 1
    assert stage.crowd.where(ANNA) is None
    assert stage.run_to(2 * 60 * MINUTE_MS) == []


def test_a_car_that_is_too_large_leaves_at_once() -> None:
    stage = Stage(trip(0))
    (ask,) = stage.run_to(0)

    stage.refuse("vehicle_too_large", ask)

    assert stage.crowd.turned_away == 1
    assert stage.crowd.next_ms() == NEVER_MS


def test_who_wants_to_leave_while_waiting_for_a_bay_just_leaves() -> None:
    stage = Stage(trip(0), trip(MINUTE_MS, "depart"))
    (ask,) = stage.run_to(0)
    stage.refuse("garage_paused", ask)

    assert stage.run_to(60 * MINUTE_MS) == []
    assert stage.crowd.where(ANNA) is None


def test_who_wants_to_leave_while_the_car_is_being_stored_waits() -> None:
    stage = Stage(trip(0), trip(MINUTE_MS, "depart"))
    (ask,) = stage.run_to(0)
    stage.answer("J1", ask)

    assert stage.run_to(MINUTE_MS) == []
    assert stage.crowd.next_ms() == 2 * MINUTE_MS
    stage.tell(JobEnded(JobId("J1"), ANNA, "storage", True))
    (retrieval,) = stage.run_to(2 * MINUTE_MS)
    assert isinstance(retrieval, RetrievalAsk)


def test_who_comes_back_before_the_car_is_out_waits_for_the_own_job() -> None:
    stage = Stage(trip(0, "depart"), trip(MINUTE_MS), parked={GROUND: ANNA})
    (ask,) = stage.run_to(0)
    stage.answer("J1", ask)

    assert stage.run_to(MINUTE_MS) == []
    stage.tell(JobEnded(JobId("J1"), ANNA, "retrieval", True))
    (storage,) = stage.run_to(2 * MINUTE_MS)
    assert storage == StorageAsk(ANNA, CAR, "123456")


@pytest.mark.parametrize(("code", "again"), [("no_module_ready", True), ("wrong_pin", False)])
def test_a_refused_departure_is_asked_again_if_that_can_help(code: str, again: bool) -> None:
    stage = Stage(trip(0, "depart"), parked={GROUND: ANNA})
    (ask,) = stage.run_to(0)

    stage.refuse(code, ask)

    assert stage.run_to(MINUTE_MS) == ([ask] if again else [])
    assert stage.crowd.where(ANNA) is (Where.LEAVING if again else Where.PARKED)


def test_a_car_that_the_garage_does_not_know_is_given_up() -> None:
    stage = Stage(trip(0, "depart"), parked={GROUND: ANNA})
    (ask,) = stage.run_to(0)

    stage.refuse("unknown_plate", ask)

    assert stage.crowd.where(ANNA) is None
    assert stage.crowd.next_ms() == NEVER_MS


def test_a_cancelled_retrieval_is_asked_for_again() -> None:
    stage = Stage(trip(0, "depart"), parked={GROUND: ANNA})
    (ask,) = stage.run_to(0)
    stage.answer("J1", ask)

    stage.tell(JobEnded(JobId("J1"), ANNA, "retrieval", False))

    assert stage.crowd.where(ANNA) is Where.PARKED
    assert stage.run_to(5 * MINUTE_MS) == [ask]


def test_a_storage_that_fails_before_the_gate_opened_leaves_the_car_outside() -> None:
    stage = Stage(trip(0))
    (ask,) = stage.run_to(0)
    stage.answer("J1", ask)

    stage.tell(JobEnded(JobId("J1"), ANNA, "storage", False))

    assert stage.crowd.where(ANNA) is None


def test_a_newcomer_at_the_kiosk_drives_but_does_not_press() -> None:
    stage = Stage()

    stage.session("K1", "storage", BO)

    assert stage.module.zone_people == 1
    assert stage.run_to(stage.plant.now_ms + 10 * MINUTE_MS) == []
    assert stage.module.pallet(GROUND).car == CarBody(BO, CAR)
    assert stage.module.zone_people == 0


def test_an_answer_in_the_same_moment_makes_the_session_the_own_one() -> None:
    stage = Stage(trip(0))
    (ask,) = stage.run_to(0)
    stage.open_gate()

    opened = SessionOpened(JobId("J1"), "storage", ANNA, CAR, GROUND)
    stage.tell(opened, Answered(ask, True, id="J1"))

    assert stage.run_to(stage.plant.now_ms + 5 * MINUTE_MS) == [ClearAsk(JobId("J1"))]


def test_a_gate_that_is_not_open_after_all_is_a_mishap_and_tried_again() -> None:
    stage = Stage()

    stage.tell(SessionOpened(JobId("K1"), "storage", BO, CAR, GROUND))

    assert len(stage.crowd.mishaps) == 1
    assert "gate is not open" in stage.crowd.mishaps[0][1]
    stage.module.gate(True, stage.plant.now_ms)
    stage.plant.advance(8000)
    stage.run_to(10_000)
    assert stage.module.zone_people == 1


def test_dwell_differs_from_visit_to_visit_but_not_from_run_to_run() -> None:
    def clear_ms(seed: int, job: str, plate: Plate) -> int:
        stage = Stage(trip(0, plate=plate), seed=seed)
        (ask,) = stage.run_to(0)
        stage.answer(job, ask)
        stage.session(job, "storage", plate)
        return stage.crowd.next_ms()

    times = {clear_ms(seed, "J1", plate) for seed in (1, 2) for plate in (ANNA, BO)}

    assert len(times) == 4
    assert clear_ms(1, "J1", ANNA) == clear_ms(1, "J7", ANNA)


def charging_stage(need_wh: int, stay_ms: int) -> Stage:
    """A car stands at the spot with its session granted at time 0."""
    stage = Stage(trip(0, "charge", charge_wh=need_wh, stay_ms=stay_ms))
    (ask,) = stage.run_to(0)
    assert isinstance(ask, ChargeAsk)
    stage.tell(Answered(ask, True, id="C1"), ChargingGranted(ChargingId("C1"), SPOT, ANNA))
    return stage


def test_a_car_is_plugged_in_half_a_minute_after_the_grant() -> None:
    stage = charging_stage(8000, 3 * 60 * MINUTE_MS)
    spot = stage.plant.spots[SPOT]
    assert 20_000 <= stage.crowd.next_ms() <= 45_000
    assert spot.state(stage.plant.now_ms) == "A"

    stage.run_to(MINUTE_MS)
    assert spot.state(stage.plant.now_ms) == "B"
    spot.set_allowed_da(320, stage.plant.now_ms)
    stage.run_to(2 * 60 * MINUTE_MS)

    assert 7900 <= spot.energy_total_wh(stage.plant.now_ms) <= 8000


def test_the_driver_leaves_when_the_time_is_up() -> None:
    asks = []
    for seed in range(12):
        stage = Stage(trip(0, "charge", charge_wh=20_000, stay_ms=60 * MINUTE_MS), seed=seed)
        (ask,) = stage.run_to(0)
        stage.tell(Answered(ask, True, id="C1"), ChargingGranted(ChargingId("C1"), SPOT, ANNA))
        asks += stage.run_to(60 * MINUTE_MS)
        stage.run_to(61 * MINUTE_MS)
        assert stage.plant.spots[SPOT].state(stage.plant.now_ms) == "A"

    # Most say so before they pull the plug, some do not.
    assert 0 < len(asks) < 12
    assert all(isinstance(ask, StopChargeAsk) and ask.spot == SPOT for ask in asks)


def test_a_session_that_has_ended_is_unplugged_some_minutes_later() -> None:
    stage = charging_stage(8000, 10 * 60 * MINUTE_MS)
    stage.run_to(30 * MINUTE_MS)

    stage.tell(ChargingOver(SPOT, ANNA))
    stage.run_to(31 * MINUTE_MS - 1)
    assert stage.plant.spots[SPOT].battery is not None
    stage.run_to(40 * MINUTE_MS)

    assert stage.plant.spots[SPOT].battery is None
    assert stage.run_to(20 * 60 * MINUTE_MS) == []


def test_a_session_that_ends_before_the_plug_is_in_plugs_nothing_in() -> None:
    stage = charging_stage(8000, 10 * 60 * MINUTE_MS)

    stage.tell(ChargingOver(SPOT, ANNA))

    assert stage.run_to(20 * 60 * MINUTE_MS) == []
    assert stage.plant.spots[SPOT].battery is None


def test_an_unknown_plate_that_was_granted_a_spot_needs_twelve_kilowatt_hours() -> None:
    stage = Stage()
    spot = stage.plant.spots[SPOT]
    stage.tell(ChargingGranted(ChargingId("C5"), SPOT, BO))
    stage.run_to(MINUTE_MS)
    spot.set_allowed_da(320, stage.plant.now_ms)

    stage.run_to(200 * MINUTE_MS)

    assert spot.energy_total_wh(stage.plant.now_ms) == pytest.approx(12_000, abs=5)
    stage.run_to(241 * MINUTE_MS)
    assert spot.battery is None


def test_taken_spots_are_tried_once_more() -> None:
    stage = Stage(trip(0, "charge", charge_wh=5000, stay_ms=MINUTE_MS * 60))
    (ask,) = stage.run_to(0)

    stage.refuse("all_spots_taken", ask)
    assert stage.run_to(5 * MINUTE_MS) == [ask]
    stage.refuse("all_spots_taken", ask)

    assert stage.crowd.turned_away == 1
    assert stage.crowd.next_ms() == NEVER_MS


def test_trips_that_are_not_in_order_are_a_bug() -> None:
    stage = Stage(trip(5000), trip(4000, plate=BO))

    with pytest.raises(ValueError, match="not in order of time"):
        stage.run_to(6000)


def test_asks_are_words_that_compare_by_what_they_say() -> None:
    ask = StorageAsk(ANNA, CAR, "123456")

    assert ask == dataclasses.replace(ask)
    assert len({ask, dataclasses.replace(ask)}) == 1
