"""People who log in by name in a browser, and the lock of somebody who has gone home."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from domain.commands import AskLockRemoval, GrantLockRemoval
from domain.ids import ModuleId
from tests.api.fake_garage import FakeGarage
from tests.api.test_logins import People
from tests.browser.conftest import Served, page_settings

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

B = ModuleId("B")
REMOVAL = re.compile("/removal")
LOCK = {"operator": "Zhao", "reason": "rope", "since_utc_ms": 0, "removal": None}


@pytest.fixture
def url(garage: FakeGarage) -> Iterator[str]:
    served = Served(garage, page_settings(), People())
    yield served.url
    served.stop()


def log_in_by_name(page: Page, url: str, name: str, password: str) -> None:
    page.goto(f"{url}/login?back=/operator")
    page.fill("[data-test=login-name]", name)
    page.fill("[data-test=login-password]", password)
    page.click("[data-test=login-button]")


def test_a_person_logs_in_by_name_and_out_again(page: Page, url: str) -> None:
    log_in_by_name(page, url, "Wang", "guess")
    expect(page.locator("[data-test=login-wrong]")).to_contain_text("用户名或密码不正确")
    log_in_by_name(page, url, "Wang", "gnaW")
    expect(page.locator("[data-test=who]")).to_have_text("Wang")
    page.click("[data-test=log-out]")
    expect(page.locator("[data-test=login]")).to_be_visible()


def test_an_administrator_asks_for_the_lock_of_somebody_absent_and_another_agrees(
    page: Page, url: str, garage: FakeGarage
) -> None:
    garage.recovery_fields["locks"] = [LOCK]
    page.on("dialog", lambda dialog: dialog.accept())
    log_in_by_name(page, url, "Li", "iL")
    expect(page.locator("[data-test=who]")).to_have_text("Li")
    page.goto(f"{url}/operator/modules/B/manual")
    # a reason first
    page.click("[data-test=removal-ask]")
    expect(page.locator("[data-test=trouble]")).to_contain_text("请在原因栏填写")
    page.locator("form#lock [name=reason]").fill("gone home")
    with page.expect_response(REMOVAL):
        page.click("[data-test=removal-ask]")
    expect(page.locator("[data-test=trouble]")).to_be_hidden()
    assert garage.commands == [AskLockRemoval(B, "Zhao", "Li", "gone home")]
    garage.recovery_fields["locks"] = [LOCK | {"removal": {"operator": "Li", "reason": "gone home"}}]
    expect(page.locator("[data-test=locks]")).to_contain_text("已申请取下： Li: gone home")
    expect(page.locator("[data-test=removal-ask], [data-test=removal-grant]")).to_have_count(0)
    # and somebody else, who is no administrator, agrees
    page.context.clear_cookies()
    log_in_by_name(page, url, "Wang", "gnaW")
    expect(page.locator("[data-test=who]")).to_have_text("Wang")
    page.goto(f"{url}/operator/modules/B/manual")
    with page.expect_response(REMOVAL):
        page.click("[data-test=removal-grant]")
    expect(page.locator("[data-test=trouble]")).to_be_hidden()
    assert garage.commands[1:] == [GrantLockRemoval(B, "Zhao", "Wang")]
