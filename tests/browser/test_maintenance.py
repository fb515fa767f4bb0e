"""The maintenance page in a browser: what is due stands first, and the form records work."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from domain.commands import RecordWork
from domain.maintenance import RECENT_OF, USUAL_OF
from tests.api.fake_garage import FakeGarage
from tests.browser.conftest import OPERATOR_TOKEN, Served
from tests.browser.test_desk import log_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def worn(garage: FakeGarage) -> None:
    """A garage of some months: ropes of one pallet are due, its hook is soon, and its lifts have got slow."""
    book = garage.maintenance_book
    tally = book.tally("B-3-07")
    tally.lifts, book.tally("B").lifts, book.tally("B").slides = 5210, 48_000, 110_400
    book.tally("C-2-01").lifts = 4600
    for value in [*[41_300] * USUAL_OF, *[49_800] * RECENT_OF]:
        tally.learn("raise_ms", value)
    for value in [*[2100] * USUAL_OF, *[2200] * RECENT_OF]:
        tally.learn("hook_open_ms", value)


def test_an_operator_sees_what_is_due_and_records_what_was_done(page: Page, served: Served, garage: FakeGarage) -> None:
    worn(garage)
    log_in(page, f"{served.url}/operator", OPERATOR_TOKEN)
    page.click("[data-test=nav-maintenance]")
    rows = page.locator("[data-test=services] tbody tr")
    expect(rows).to_have_count(4)
    expect(page.locator("[data-test=services-calm] tbody tr")).to_have_count(20)
    expect(rows.first).to_contain_text("B-3-07")
    expect(rows.first).to_contain_text("已到期")
    expect(page.locator("[data-test=drifts] tbody tr").first).to_contain_text("+21 %")
    page.on("dialog", lambda dialog: dialog.accept())
    page.select_option("[name=service]", "ropes")
    page.fill("[name=part]", "B-3-07")
    page.fill("[name=person]", "赵师傅")
    page.fill("[name=note]", "更换钢丝绳")
    page.check("[name=renewed]")
    page.click("[data-test=record-work]")
    expect(page.locator("[data-test=works] tbody tr")).to_contain_text("赵师傅")
    expect(page.locator("[data-test=drifts]")).to_have_count(0)
    assert garage.commands == [RecordWork("ropes", "B-3-07", "Wang", "赵师傅", "更换钢丝绳", True)]
