"""A person at the kiosk of the real program: parks, looks at the live page, fetches, and reads the fee."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from api.times import local_moment
from tests.browser.test_kiosk import shown_pin, type_pin, type_plate
from tests.program import Program, simulated

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PATIENCE_MS = 40_000


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with simulated(tmp_path, "--no-traffic", "--free-bay", "A-2-04") as running:
        yield running


def next_step_utc_ms(utc_ms: int) -> int:
    """The first minute that the kiosk offers two minutes from now or later."""
    step_ms = 5 * 60_000
    return -(-(utc_ms + 120_000) // step_ms) * step_ms


def reach(page: Page, stage: str) -> None:
    expect(page.locator("#job")).to_have_attribute("data-stage", stage, timeout=PATIENCE_MS)


def press_clear_until_believed(page: Page, next_stage: str) -> None:
    """Press when the car has driven; too early a press is answered, not obeyed."""
    for _ in range(100):
        if page.locator("#job").get_attribute("data-stage") != "gate_open":
            break
        if page.locator("[data-test=clear]").is_visible():
            page.locator("[data-test=clear]").click()
        page.wait_for_timeout(250)
    reach(page, next_stage)


def press_clear_over_http(program: Program, job: str) -> None:
    """The driver's word until it is believed, and the end of the job."""
    program.wait(lambda: program.post(f"/api/v1/jobs/{job}/clear").status_code == 202)
    program.wait(lambda: bool(program.get(f"/api/v1/jobs/{job}")["state"] == "done"))


def test_a_car_is_parked_seen_on_the_live_page_and_fetched(page: Page, program: Program) -> None:
    # given the kiosk in Chinese
    page.goto(f"{program.url}/kiosk")
    page.click("[data-test=park]")
    type_plate(page, "京A12345")
    page.click("[data-test=class-Z]")
    page.click("[data-test=leaves-unknown]")
    pin = shown_pin(page)
    assert len(pin) == 6
    expect(page.locator("[data-test=departure]")).to_contain_text("从 A-2-04 需")
    # when the only free bay, on level 2, comes down and the gate opens
    reach(page, "gate_open")
    live = page.context.new_page()
    live.goto(program.url)
    expect(live.locator("[data-bay]")).to_have_count(140)
    expect(live.locator("[data-spot]")).to_have_count(10)
    press_clear_until_believed(page, "done")
    # then the live page has moved along: the car stands on its pallet
    expect(live.locator("[data-bay='A-2-04']")).to_have_class(re.compile(r"\bloaded\b"))
    # and with plate and PIN it comes back, and the fee is shown
    page.goto(f"{program.url}/kiosk")
    page.click("[data-test=fetch]")
    type_plate(page, "京A12345")
    type_pin(page, pin)
    reach(page, "gate_open")
    press_clear_until_believed(page, "done")
    expect(page.locator("[data-test=fee]")).to_be_visible()


def test_a_booked_car_stands_by_and_the_gate_opens_for_its_driver(page: Page, program: Program) -> None:
    # given a car parked on level 2, and its driver at the kiosk
    car = {"plate": "京A12345", "vehicle_class": "Z", "pin": "271828"}
    job = program.post("/api/v1/storages", car).json()["job"]
    press_clear_over_http(program, job)
    page.goto(f"{program.url}/kiosk")
    page.click("[data-test=book]")
    type_plate(page, "京A12345")
    type_pin(page, "271828")
    # when the car is booked for the next time the kiosk offers, two minutes ahead or a little more
    due = local_moment(next_step_utc_ms(program.get("/api/v1/garage")["utc_ms"]), 480)
    page.click("[data-test=kind-departure]")
    page.click(f"[data-test=hour-{due.hour}]")
    page.click(f"[data-test='at-{due:%H:%M}']")
    page.click("[data-test=repeat-once]")
    expect(page.locator("[data-test=sentence]")).to_contain_text(f"{due:%H:%M}，您的车会在门口等您")
    # then its pallet comes down and stands by behind the shut gate, and everybody can see that
    live = page.context.new_page()
    live.goto(program.url)
    page.goto(f"{program.url}/kiosk")
    page.click("[data-test=fetch]")
    type_plate(page, "京A12345")
    page.fill("[data-test=pin]", "271828")
    expect(live.locator("[data-test=queue]")).to_contain_text("已在门口，等待车主", timeout=PATIENCE_MS)
    standing = next(one for one in program.get("/api/v1/garage")["queue"] if one["state"] == "standing_by")
    assert standing["waiting_for_driver"] is True
    assert next(m for m in program.get("/api/v1/garage")["modules"] if m["id"] == "A")["gate"] == "closed"
    # and with plate and PIN the gate opens, for the same job
    page.click("[data-test=next]")
    expect(page.locator("#job")).to_have_attribute("data-job", standing["job"])
    reach(page, "gate_open")
    press_clear_until_believed(page, "done")
    program.wait(lambda: program.get("/api/v1/garage")["bookings"] == {"planned": 0, "called": 0})
