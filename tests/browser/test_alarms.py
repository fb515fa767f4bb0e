"""The alarm list in a browser: it fills by itself, and its buttons answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from domain.alarms import AlarmId
from domain.commands import AcknowledgeAlarm, ShelveAlarm
from tests.api.fake_garage import FakeGarage
from tests.browser.conftest import OPERATOR_TOKEN, Served
from tests.browser.test_desk import log_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SILENT = AlarmId("charger_silent:E-03")


def test_an_operator_acknowledges_one_alarm_and_shelves_another(page: Page, served: Served, garage: FakeGarage) -> None:
    log_in(page, f"{served.url}/operator", OPERATOR_TOKEN)
    page.click("[data-test=alarm-counts]")
    expect(page.locator("[data-test=alarm-list]")).to_contain_text("没有报警")
    # when two come, the page shows them without being asked, the urgent one first
    garage.raise_alarm(SILENT)
    garage.raise_alarm("estop:B")
    rows = page.locator("[data-test=alarms] tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("急停按下 B")
    expect(page.locator("[data-test=first-out]")).to_have_count(1)
    expect(page.locator("[data-test=alarm-figures]")).to_contain_text("最近一天 2 条")
    expect(rows.first.locator("[data-test=shelve]")).to_have_count(0)
    rows.first.locator("[data-test=acknowledge]").click()
    expect(rows.first).to_contain_text("已确认")
    rows.nth(1).locator("[data-test=shelve]").click()
    expect(rows.nth(1)).to_contain_text("搁置至")
    assert garage.commands == [
        AcknowledgeAlarm(AlarmId("estop:B"), "Wang"),
        ShelveAlarm(SILENT, 3_600_000, "Wang", "值班台操作"),
    ]


def test_a_press_on_one_alarm_counts_though_another_comes_above_it(
    page: Page, served: Served, garage: FakeGarage
) -> None:
    log_in(page, f"{served.url}/operator", OPERATOR_TOKEN)
    page.click("[data-test=alarm-counts]")
    garage.raise_alarm(SILENT)
    acknowledge = page.locator(f"tr[data-alarm='{SILENT}'] [data-test=acknowledge]")
    acknowledge.focus()
    garage.raise_alarm("estop:B")
    expect(page.locator("[data-test=alarms] tbody tr").first).to_contain_text("急停按下 B")
    # whoever works with the keyboard has not lost the place, nor got another's
    expect(acknowledge).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"tr[data-alarm='{SILENT}']")).to_contain_text("已确认")
    assert garage.commands == [AcknowledgeAlarm(SILENT, "Wang")]
