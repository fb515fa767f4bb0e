"""The operator's desk and the ledger in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Dialog, Page, expect

from domain.commands import ConfirmModule, PauseGarage, ResetFaults
from domain.ids import ModuleId
from tests.api.fake_garage import FakeGarage
from tests.browser.conftest import COMMITTEE_TOKEN, OPERATOR_TOKEN, Served

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def log_in(page: Page, url: str, token: str) -> None:
    page.goto(url)
    page.click("[data-test=login-by-token]")
    page.fill("#token", token)
    page.click("[data-test=login-button]")
    # a button that stands there before its script has come does nothing
    page.wait_for_url(url)


def test_an_operator_clears_a_fault_and_confirms_the_module(page: Page, served: Served, garage: FakeGarage) -> None:
    garage.change_module("B", state="locked", reasons=["plc_fault:301"], faults=[{"number": 301, "about": "B-2-04"}])
    log_in(page, f"{served.url}/operator", OPERATOR_TOKEN)
    expect(page.locator("[data-bay]")).to_have_count(140)
    card = page.locator("article.card[data-module=B]")
    expect(card.locator("[data-test=faults]")).to_contain_text("301")
    expect(page.locator("article.card[data-module=A] [data-test=confirm]")).to_be_disabled()
    page.on("dialog", lambda dialog: dialog.accept())
    card.locator("[data-test=reset-faults]").click()
    expect(page.locator("[data-test=feedback]")).to_contain_text("指令已受理")
    expect(card.locator("[data-test=faults]")).to_have_count(0)
    card.locator("[data-test=confirm]").click()
    expect(card).to_contain_text("就绪")
    assert garage.commands == [ResetFaults(ModuleId("B"), "Wang"), ConfirmModule(ModuleId("B"), "Wang")]


def test_a_command_that_is_not_confirmed_is_not_sent(page: Page, served: Served, garage: FakeGarage) -> None:
    log_in(page, f"{served.url}/operator", OPERATOR_TOKEN)
    asked: list[str] = []

    def decline(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", decline)
    with page.expect_event("dialog"):
        page.click("[data-test=pause]")
    expect(page.locator("[data-test=pause]")).to_be_enabled()
    assert asked == ["暂停受理新请求？"]
    assert garage.commands == []


def test_the_desk_follows_the_garage_by_itself(page: Page, served: Served, garage: FakeGarage) -> None:
    log_in(page, f"{served.url}/operator", OPERATOR_TOKEN)
    expect(page.locator("article.card[data-module=C]")).to_contain_text("就绪")
    garage.change_module("C", state="locked", reasons=["pallet_unknown:C-2-01"])
    expect(page.locator("article.card[data-module=C]")).to_contain_text("有载车板不在位")


def test_a_press_counts_though_the_panel_changes_under_the_finger(
    page: Page, served: Served, garage: FakeGarage
) -> None:
    log_in(page, f"{served.url}/operator", OPERATOR_TOKEN)
    page.on("dialog", lambda dialog: dialog.accept())
    page.hover("[data-test=pause]")
    page.mouse.down()
    garage.change_module("C", state="locked", reasons=["pallet_unknown:C-2-01"])
    expect(page.locator("article.card[data-module=C]")).to_contain_text("有载车板不在位")
    page.mouse.up()
    expect(page.locator("[data-test=feedback]")).to_contain_text("指令已受理")
    assert [type(command) for command in garage.commands] == [PauseGarage]


def test_the_committee_reads_the_ledger(page: Page, served: Served, garage: FakeGarage) -> None:
    garage.entries = [{"seq": 1, "utc_ms": 0, "text": "停车费", "amount_fen": 1200}]
    log_in(page, f"{served.url}/ledger", COMMITTEE_TOKEN)
    expect(page.locator("[data-test=entries]")).to_contain_text("¥12.00")
    expect(page.locator("[data-test=totals]")).to_contain_text("¥1,234.56")
    page.click("[data-test=log-out]")
    expect(page.locator("[data-test=login]")).to_be_visible()
