"""A person at the kiosk of the real program: parks, looks at the live page, fetches, and reads the fee."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_kiosk import shown_pin, type_pin, type_plate
from tests.program import Program, simulated

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PATIENCE_MS = 40_000


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with simulated(tmp_path, "--no-traffic", "--free-bay", "A-2-04") as running:
        yield running


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


def test_a_car_is_parked_seen_on_the_live_page_and_fetched(page: Page, program: Program) -> None:
    # given the kiosk in Chinese
    page.goto(f"{program.url}/kiosk")
    page.click("[data-test=park]")
    type_plate(page, "京A12345")
    page.click("[data-test=class-Z]")
    pin = shown_pin(page)
    assert len(pin) == 6
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
