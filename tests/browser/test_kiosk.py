"""The kiosk in a real browser: parking, fetching and charging with a finger, and screens that elderly eyes can read."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.fake_garage import FakeGarage
from tests.browser.conftest import Served

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TEXT_PX_MIN = 29
BUTTON_PX_MIN = 64
CONTRAST_MIN = 7.0

MEASURE = """() => {
    const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const colour = rgb(getComputedStyle(at).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const shown = (node) => node.checkVisibility() && node.getBoundingClientRect().width > 0;
    const texts = [...document.querySelectorAll("#screen *")].filter((node) => shown(node) &&
        [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()));
    const ratio = (node) => {
        const [a, b] = [light(rgb(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    };
    const named = (node, value) => [node.textContent.trim().slice(0, 30), value];
    const buttons = [...document.querySelectorAll("#screen button, #screen a")].filter(shown);
    return {
        sizes: texts.map((node) => named(node, parseFloat(getComputedStyle(node).fontSize))),
        contrasts: texts.map((node) => named(node, ratio(node))),
        buttons: buttons.map((node) => named(node, Math.min(node.offsetHeight, node.offsetWidth))),
        overflow: document.documentElement.scrollWidth - innerWidth,
        hidden_height: document.documentElement.scrollHeight - innerHeight,
        headings: document.querySelectorAll("#screen h1").length,
        nameless: buttons.filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim())).length,
    };
}"""


def assert_readable(page: Page) -> None:
    """22 pt text, 16 mm buttons, contrast 7:1, one heading, nothing outside the screen."""
    # After a navigation the words can be there before the style sheet; people see them with it.
    page.wait_for_load_state("load")
    told = page.evaluate(MEASURE)
    assert [text for text in told["sizes"] if text[1] < TEXT_PX_MIN] == []
    assert [text for text in told["contrasts"] if text[1] < CONTRAST_MIN] == []
    assert [button for button in told["buttons"] if button[1] < BUTTON_PX_MIN] == []
    assert (told["overflow"], told["headings"], told["nameless"]) == (0, 1, 0)
    assert told["hidden_height"] <= 0


def screen(page: Page, name: str) -> None:
    """Wait until this question is asked, and read it as an elderly person would."""
    expect(page.locator(f"[data-screen={name}]")).to_be_visible()
    assert_readable(page)


def type_plate(page: Page, plate: str) -> None:
    """With a finger on the screen's own keys."""
    screen(page, "plate")
    for key in plate:
        page.locator(f"[data-key='{key}']:visible").click()
    expect(page.locator("[data-test=plate]")).to_have_value(plate)
    page.click("[data-test=next]")


def type_pin(page: Page, pin: str) -> None:
    screen(page, "pin")
    for digit in pin:
        page.click(f"[data-key='{digit}']")
    page.click("[data-test=next]")


def not_sure_when(page: Page) -> None:
    """When the car is wanted again is not known yet."""
    screen(page, "leaving")
    page.click("[data-test=leaves-unknown]")


def shown_pin(page: Page) -> str:
    return page.locator("[data-test=pin-digits]").inner_text().replace(" ", "").strip()


def in_english(page: Page) -> None:
    """The same screen in the other language."""
    page.click("[data-test=language]")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    screen(page, "welcome")


def stage(page: Page, name: str) -> None:
    expect(page.locator("#job")).to_have_attribute("data-stage", name)
    assert_readable(page)


@pytest.fixture(params=[(1280, 800), (1080, 1920)], ids=["landscape", "portrait"])
def kiosk(request: pytest.FixtureRequest, browser: Browser, served: Served) -> Page:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    request.addfinalizer(context.close)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{served.url}/kiosk")
    return page


def test_a_car_is_parked_and_fetched_again(kiosk: Page, garage: FakeGarage) -> None:
    screen(kiosk, "welcome")
    kiosk.click("[data-test=park]")
    type_plate(kiosk, "京A12345")
    screen(kiosk, "vehicle-class")
    kiosk.click("[data-test=class-Z]")
    not_sure_when(kiosk)
    stage(kiosk, "queued")
    pin = shown_pin(kiosk)
    garage.advance("J000001", "delivering", eta_s=40, ahead=0)
    stage(kiosk, "delivering")
    garage.advance("J000001", "at_gate", "open")
    stage(kiosk, "gate_open")
    kiosk.click("[data-test=clear]")
    stage(kiosk, "gate_closing")
    garage.advance("J000001", "done", "closed")
    stage(kiosk, "done")
    assert shown_pin(kiosk) == pin

    kiosk.click("[data-test=cancel]")
    screen(kiosk, "welcome")
    kiosk.click("[data-test=fetch]")
    type_plate(kiosk, "京A12345")
    type_pin(kiosk, "999999")
    expect(kiosk.locator("[data-test=error]")).to_contain_text("取车码不正确")
    type_pin(kiosk, pin)
    stage(kiosk, "queued")
    expect(kiosk.locator("[data-test=eta]")).to_contain_text("2–3 分钟")
    garage.advance("J000002", "at_gate", "open")
    stage(kiosk, "gate_open")
    kiosk.click("[data-test=clear]")
    garage.advance("J000002", "returning", "closed", fee_fen=3600)
    stage(kiosk, "shut")
    expect(kiosk.locator("[data-test=fee]")).to_contain_text("¥36.00")


def test_a_press_counts_though_the_minutes_change_under_the_finger(kiosk: Page, garage: FakeGarage) -> None:
    kiosk.click("[data-test=park]")
    type_plate(kiosk, "京A12345")
    kiosk.click("[data-test=class-Z]")
    not_sure_when(kiosk)
    stage(kiosk, "queued")
    told = kiosk.locator("[data-test=eta]").inner_text()
    kiosk.hover("[data-test=cancel]")
    kiosk.mouse.down()
    garage.advance("J000001", "delivering", eta_s=600, ahead=0)
    expect(kiosk.locator("[data-test=eta]")).not_to_have_text(told)
    kiosk.mouse.up()
    expect(kiosk.locator("[data-test=cancel-no]")).to_be_visible()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_who_parks_tells_when_the_car_is_wanted_again(kiosk: Page, garage: FakeGarage, language: str) -> None:
    if language == "en":
        in_english(kiosk)
    kiosk.click("[data-test=park]")
    type_plate(kiosk, "京A12345")
    kiosk.click("[data-test=class-Z]")
    screen(kiosk, "leaving")
    kiosk.click("[data-test='leaves-07:30']")
    stage(kiosk, "queued")
    tomorrow = {"zh": "明天 07:30，您的车会在门口等您", "en": "at the gate at 07:30, tomorrow"}[language]
    expect(kiosk.locator("[data-test=booked]")).to_contain_text(tomorrow)
    assert [(one["plate"], one["minute_of_day"]) for one in garage.bookings()] == [("京A12345", 450)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_another_day_and_minute_are_told_one_question_at_a_time(kiosk: Page, garage: FakeGarage, language: str) -> None:
    if language == "en":
        in_english(kiosk)
    kiosk.click("[data-test=park]")
    type_plate(kiosk, "京A12345")
    kiosk.click("[data-test=class-Z]")
    kiosk.click("[data-test=leaves-other]")
    screen(kiosk, "leaving-day")
    kiosk.click("[data-test=day-3]")
    screen(kiosk, "leaving-hour")
    kiosk.click("[data-test=hour-6]")
    screen(kiosk, "leaving-minute")
    kiosk.click("[data-test='at-06:40']")
    stage(kiosk, "queued")
    expect(kiosk.locator("[data-test=booked]")).to_contain_text("06:40")


def test_a_car_is_charged_and_the_charge_is_ended(kiosk: Page) -> None:
    kiosk.click("[data-test=charge]")
    screen(kiosk, "charge")
    kiosk.click("[data-test=charge-start]")
    type_plate(kiosk, "京AD12345")
    screen(kiosk, "spot")
    kiosk.click("[data-test=spot-suggested]")
    screen(kiosk, "charging")
    pin = shown_pin(kiosk)
    kiosk.click("[data-test=cancel]")
    screen(kiosk, "welcome")
    kiosk.click("[data-test=charge]")
    kiosk.click("[data-test=charge-stop]")
    screen(kiosk, "spot")
    kiosk.click("[data-test=spot-E-01]")
    type_pin(kiosk, pin)
    screen(kiosk, "stopped")
    expect(kiosk.locator("[data-test=fee]")).to_contain_text("¥14.81")


def test_a_time_is_booked_changed_and_given_up(kiosk: Page, garage: FakeGarage) -> None:
    garage.park("京A12345", "271828")
    kiosk.click("[data-test=book]")
    type_plate(kiosk, "京A12345")
    type_pin(kiosk, "271828")
    screen(kiosk, "booking-kind")
    kiosk.click("[data-test=kind-departure]")
    screen(kiosk, "booking-hour")
    kiosk.click("[data-test=hour-7]")
    screen(kiosk, "booking-minute")
    kiosk.click("[data-test='at-07:40']")
    screen(kiosk, "booking-repeat")
    kiosk.click("[data-test=repeat-weekdays]")
    screen(kiosk, "booked")
    expect(kiosk.locator("[data-test=sentence]")).to_contain_text("周一至周五 07:40，您的车会在门口等您")
    kiosk.click("[data-test=my-bookings]")
    screen(kiosk, "bookings")
    kiosk.click("button[data-booking=B000001]")
    screen(kiosk, "booking")
    kiosk.click("[data-test=booking-change]")
    kiosk.click("[data-test=hour-8]")
    kiosk.click("[data-test='at-08:05']")
    kiosk.click("[data-test=repeat-once]")
    expect(kiosk.locator("[data-test=sentence]")).to_contain_text("明天 08:05")
    kiosk.click("[data-test=my-bookings]")
    kiosk.click("button[data-booking=B000001]")
    kiosk.click("[data-test=booking-drop]")
    screen(kiosk, "booking-cancel")
    kiosk.click("[data-test=cancel-yes]")
    screen(kiosk, "booking-over")
    assert [one["state"] for one in garage.bookings()] == ["cancelled"]


def test_a_refusal_is_read_and_tried_again(kiosk: Page) -> None:
    kiosk.click("[data-test=fetch]")
    type_plate(kiosk, "沪B99999")
    type_pin(kiosk, "123456")
    screen(kiosk, "refused")
    expect(kiosk.locator("[data-test=refusal]")).to_contain_text("库内没有这辆车")
    kiosk.click("[data-test=try-again]")
    screen(kiosk, "plate")


def test_cancel_stands_at_the_same_place_on_every_question(kiosk: Page, garage: FakeGarage) -> None:
    corners = set()

    def note() -> None:
        box = kiosk.locator("[data-test=cancel]").bounding_box()
        assert box is not None
        corners.add((round(box["x"]), round(box["y"] + box["height"])))

    kiosk.click("[data-test=charge]")
    screen(kiosk, "charge")
    note()
    kiosk.click("[data-test=cancel]")
    screen(kiosk, "welcome")
    kiosk.click("[data-test=fetch]")
    screen(kiosk, "plate")
    note()
    kiosk.fill("[data-test=plate]", "京A12345")
    kiosk.click("[data-test=next]")
    screen(kiosk, "pin")
    note()
    kiosk.goto(kiosk.url)
    kiosk.click("[data-test=park]")
    type_plate(kiosk, "京A12345")
    kiosk.click("[data-test=class-Z]")
    not_sure_when(kiosk)
    stage(kiosk, "queued")
    note()
    garage.advance("J000001", "at_gate", "open")
    stage(kiosk, "gate_open")
    note()
    assert len(corners) == 1, corners


def test_in_english_every_screen_fits_too(kiosk: Page, garage: FakeGarage) -> None:
    in_english(kiosk)
    kiosk.click("[data-test=park]")
    type_plate(kiosk, "京A12345")
    screen(kiosk, "vehicle-class")
    kiosk.click("[data-test=class-K]")
    not_sure_when(kiosk)
    stage(kiosk, "queued")
    garage.advance("J000001", "at_gate", "open")
    stage(kiosk, "gate_open")
    kiosk.click("[data-test=cancel]")
    expect(kiosk.locator("[data-test=cancel-no]")).to_be_visible()
    assert_readable(kiosk)


def test_a_question_that_nobody_answers_goes_back_to_start(page: Page, served: Served) -> None:
    page.clock.install()
    page.goto(f"{served.url}/kiosk")
    page.click("[data-test=fetch]")
    expect(page.locator("[data-screen=plate]")).to_be_visible()
    page.clock.run_for(46_000)
    expect(page.locator("#still-there")).to_be_visible()
    page.click("[data-test=still-there-yes]")
    expect(page.locator("#still-there")).to_be_hidden()
    page.clock.run_for(40_000)
    expect(page.locator("[data-screen=plate]")).to_be_visible()
    page.clock.run_for(21_000)
    expect(page.locator("[data-screen=welcome]")).to_be_visible()


def test_a_job_s_screen_waits_for_its_driver(page: Page, served: Served) -> None:
    page.clock.install()
    page.goto(f"{served.url}/kiosk")
    page.click("[data-test=park]")
    page.fill("[data-test=plate]", "京A12345")
    page.click("[data-test=next]")
    page.click("[data-test=class-X]")
    page.click("[data-test=leaves-unknown]")
    expect(page.locator("#job")).to_be_visible()
    page.clock.run_for(180_000)
    expect(page.locator("#job")).to_be_visible()
    expect(page.locator("#still-there")).to_be_hidden()


def test_a_dead_line_is_told(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/kiosk")
    expect(page.locator("[data-test=park]")).to_be_visible()
    served.stop()
    page.click("[data-test=park]")
    expect(page.locator("[data-test=offline]")).to_be_visible()
