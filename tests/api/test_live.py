"""The live stream: snapshot, differences, silence, end."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from typing import Any

from fastapi.sse import ServerSentEvent
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.live import delta, live_events
from api.settings import Settings
from tests.api.fake_garage import FakeGarage

FAST = Settings(live_interval_ms=20, beat_ms=20, heartbeat_ms=60)
KEY = {"modules": "id", "pallets": "bay", "spots": "id"}


def merged(view: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """What the page does with a difference."""
    told = dict(view)
    for field, value in change.items():
        key = KEY.get(field)
        if key is None:
            told[field] = value
            continue
        changed = {member[key]: member for member in value}
        told[field] = [merged(member, changed.get(member[key], {})) for member in view[field]]
    return told


bays = FakeGarage().view()["modules"][0]["pallets"]
changes = st.lists(
    st.one_of(
        st.tuples(st.just("pallet"), st.sampled_from([p["bay"] for p in bays]), st.integers(0, 24_000)),
        st.tuples(st.just("spot"), st.sampled_from(["E-01", "E-07"]), st.integers(0, 7000)),
        st.tuples(st.just("free"), st.just(""), st.integers(0, 140)),
        st.tuples(st.just("module"), st.sampled_from("ABCD"), st.integers(0, 3)),
    ),
    max_size=6,
)


@given(changes)
def test_a_difference_leads_from_the_old_view_to_the_new_one(steps: list[tuple[str, str, int]]) -> None:
    garage = FakeGarage()
    old = copy.deepcopy(garage.view())
    for kind, name, number in steps:
        if kind == "pallet":
            garage.change_pallet(name, x_mm=number, moving=number % 2 == 0)
        elif kind == "spot":
            garage.change_spot(name, power_w=number)
        elif kind == "module":
            garage.change_module(name, state=["ready", "locked", "offline", "reconciling"][number])
        else:
            garage.change(free_bays=number)
    change = delta(old, garage.view())
    assert change is not None
    assert merged(old, change) == garage.view()


def test_a_difference_holds_only_what_changed() -> None:
    garage = FakeGarage()
    old = garage.view()
    garage.change_pallet("A-3-07", x_mm=99, moving=True)
    assert delta(old, garage.view()) == {
        "seq": 2,
        "utc_ms": old["utc_ms"] + 100,
        "modules": [{"id": "A", "pallets": [{"bay": "A-3-07", "x_mm": 99, "moving": True}]}],
    }


def test_things_that_come_or_go_need_a_snapshot() -> None:
    view = FakeGarage().view()
    assert delta(view, {**view, "spots": view["spots"][:-1]}) is None
    assert delta(view, {**view, "news": 1}) is None


async def _take(events: AsyncIterator[ServerSentEvent], count: int) -> list[ServerSentEvent]:
    return [await anext(events) for _ in range(count)]


def test_a_reader_gets_a_snapshot_and_then_the_latest_difference() -> None:
    async def story() -> tuple[ServerSentEvent, ServerSentEvent]:
        garage = FakeGarage()
        events = live_events(garage, FAST)
        (first,) = await _take(events, 1)
        for x_mm in range(1, 50):
            garage.change_pallet("A-3-07", x_mm=x_mm)
        (second,) = await _take(events, 1)
        garage.shutting_down.set()
        return first, second

    first, second = asyncio.run(story())
    assert (first.event, first.id, first.data["free_bays"]) == ("snapshot", "1", 33)
    assert (second.event, second.id) == ("delta", "50")
    assert second.data["modules"][0]["pallets"] == [{"bay": "A-3-07", "x_mm": 49}]


def test_a_quiet_garage_still_beats() -> None:
    async def story() -> list[ServerSentEvent]:
        garage = FakeGarage()
        events = live_events(garage, FAST)
        taken = await _take(events, 5)
        garage.shutting_down.set()
        return taken

    told = [(event.event, event.comment) for event in asyncio.run(story())]
    assert told == [("snapshot", None), ("beat", None), ("beat", None), ("beat", None), (None, "alive")]


def test_the_stream_ends_at_once_when_the_garage_shuts_down() -> None:
    slow = Settings(beat_ms=3_600_000)

    async def story() -> list[str | None]:
        garage = FakeGarage()

        async def read() -> list[str | None]:
            return [event.event async for event in live_events(garage, slow)]

        reader = asyncio.create_task(read())
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(garage.shutting_down.set)
        return await asyncio.wait_for(reader, 30)

    assert asyncio.run(story()) == ["snapshot"]


def test_over_http_the_stream_has_names_numbers_and_an_end(client: TestClient, garage: FakeGarage) -> None:
    garage.shutting_down.set()
    answer = client.get("/api/v1/live")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith("event: snapshot\ndata: {")
    assert answer.text.rstrip().endswith("id: 1")


def test_the_public_view_holds_no_plates(client: TestClient) -> None:
    client.post("/api/v1/storages", json={"plate": "京A12345", "vehicle_class": "Z"})
    assert "12345" not in client.get("/api/v1/garage").text
    assert client.get("/api/v1/garage").json()["queue"][0]["job"] == "J000001"
