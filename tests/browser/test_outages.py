"""Taking a part out of service at the operator's desk, and what the desk then tells."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from domain.commands import PutBack, TakeOut
from tests.api.fake_garage import FakeGarage
from tests.browser.conftest import OPERATOR_TOKEN, Served
from tests.browser.test_desk import log_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_an_operator_takes_a_pallet_out_reads_the_rescue_and_puts_it_back(
    page: Page, served: Served, garage: FakeGarage
) -> None:
    log_in(page, f"{served.url}/operator", OPERATOR_TOKEN)
    page.on("dialog", lambda dialog: dialog.accept())
    page.fill("[data-test=part]", "A-2-05")
    page.fill("[data-test=reason]", "更换钢丝绳")
    page.click("[data-test=take-out] button")
    row = page.locator("tr[data-part='A-2-05']")
    expect(row).to_contain_text("更换钢丝绳")
    page.click("article.card[data-module=A] [data-test=reach]")
    told = page.locator("[data-test=reach-of]")
    expect(told.locator("[data-test=stranded]")).to_contain_text("A-4-04 ← A-2-05")
    expect(told.locator("[data-test=rescue]")).to_contain_text("用手拉葫芦将第2层载车板 A-2-05 从第5列推到第6列")
    page.fill("[data-test=urgent]", "A-2-05")
    page.click("[data-test=reach-of] form button")
    expect(told.locator("[data-test=rescue] li.crank")).to_have_count(1)
    row.locator("[data-test=put-back]").click()
    expect(page.locator("[data-test=outages]")).to_have_count(0)
    assert garage.commands == [TakeOut("A-2-05", "Wang", "更换钢丝绳"), PutBack("A-2-05", "Wang")]
