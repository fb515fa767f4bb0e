"""The live view in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.api.fake_garage import FakeGarage
from tests.browser.conftest import Served

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

GLIDE = """target_mm => {
    const bay = document.querySelector("[data-bay='A-3-07']");
    const seen = [];
    window.glided = new Promise((arrived) => {
        const look = () => {
            seen.push(new DOMMatrix(getComputedStyle(bay).transform).e);
            if (seen.at(-1) === target_mm) arrived(seen);
            else requestAnimationFrame(look);
        };
        look();
    });
}"""
"""Writes down where a pallet is drawn in every frame, until it has arrived."""

HAN = """async () => {
    await document.fonts.load("64px 'Noto Sans SC'", "停车取\\u{10FFFD}");
    const draw = (text) => {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 80;
        const pen = canvas.getContext("2d");
        pen.font = "64px 'Noto Sans SC'";
        pen.fillText(text, 4, 66);
        return Array.from(pen.getImageData(0, 0, 80, 80).data).filter((_, i) => i % 4 === 3).join();
    };
    const ours = [...document.fonts].filter((face) => face.family.includes("Noto Sans SC"));
    const loaded = ours.filter((face) => face.status === "loaded").length;
    return { park: draw("停"), car: draw("车"), missing: draw("\\u{10FFFD}"), loaded };
}"""
"""Draws two Han characters and one that no font has, each on a canvas of its own."""


def place_mm(page: Page, bay: str) -> tuple[float, float]:
    """Where a pallet is drawn right now, in millimetres of its module."""
    script = "bay => { const m = new DOMMatrix(getComputedStyle(bay).transform); return [m.e, m.f]; }"
    x_mm, y_mm = page.locator(f"[data-bay='{bay}']").evaluate(script)
    return x_mm, y_mm


def test_the_view_draws_every_bay_and_every_spot(page: Page, served: Served) -> None:
    page.goto(served.url)
    expect(page.locator("[data-bay]")).to_have_count(140)
    expect(page.locator("[data-spot]")).to_have_count(10)
    expect(page.locator("article.module")).to_have_count(4)
    loaded = sum(p["loaded"] for m in served.garage.view()["modules"] for p in m["pallets"])
    expect(page.locator("[data-bay].loaded")).to_have_count(loaded)
    expect(page.locator("[data-test=free-bays]")).to_have_text("33")
    expect(page.locator("[data-test=simulation]")).to_be_visible()


def test_pallets_stand_where_the_garage_says(page: Page, served: Served) -> None:
    page.goto(served.url)
    expect(page.locator("[data-bay]")).to_have_count(140)
    for module in served.garage.view()["modules"]:
        top_mm = module["level_z_mm"][-1] + module["level_height_mm"][-1]
        for pallet in module["pallets"]:
            assert place_mm(page, pallet["bay"]) == (pallet["x_mm"], top_mm - pallet["z_mm"] - 1500)


def test_a_pallet_glides_when_the_garage_moves_it(page: Page, served: Served, garage: FakeGarage) -> None:
    page.goto(served.url)
    bay = page.locator("[data-bay='A-3-07']")
    expect(bay).not_to_have_class("moving")
    from_mm, _ = place_mm(page, "A-3-07")
    page.evaluate(GLIDE, from_mm + 2400)
    garage.change_pallet("A-3-07", x_mm=int(from_mm) + 2400, moving=True, place="moving")
    seen = page.evaluate("() => window.glided")
    between = [x_mm for x_mm in seen if from_mm < x_mm < from_mm + 2400]
    assert between == sorted(between)
    assert between, "the pallet jumped"
    assert "moving" in (bay.get_attribute("class") or "")


def test_states_are_told_in_words_and_not_by_colour_alone(page: Page, served: Served, garage: FakeGarage) -> None:
    garage.change_module("B", state="locked", gate="open", faults=[{"number": 301, "about": "B-2-04"}])
    garage.change_spot("E-03", state="Charging", power_w=6600)
    garage.change_spot("E-04", state="Faulted")
    page.goto(served.url)
    module = page.locator("[data-module=B]")
    expect(module).to_contain_text("锁定")
    expect(module).to_contain_text("▲ 301")
    expect(module).to_contain_text("库门 打开")
    expect(page.locator("[data-spot=E-03]")).to_contain_text("6.6 kW")
    expect(page.locator("[data-spot=E-04]")).to_contain_text("▲ 故障")


def test_the_queue_and_the_power_follow(page: Page, served: Served, garage: FakeGarage) -> None:
    page.goto(served.url)
    expect(page.locator("#queue-empty")).to_be_visible()
    job = {
        "job": "J000001",
        "kind": "retrieval",
        "module": "A",
        "bay": "A-3-07",
        "state": "preparing",
        "session_state": None,
        "eta_s": 120,
        "eta_spread_s": 30,
        "overdue": True,
    }
    garage.change(queue=[job], power={"limit_w": 60_000, "motors_w": 5900, "chargers_w": 40_000})
    row = page.locator("[data-job=J000001]")
    expect(row).to_contain_text("取车")
    expect(row).to_contain_text("A-3-07")
    expect(row).to_contain_text("2–3 分钟")
    expect(row).to_contain_text("▲ 超时")
    expect(page.locator("[data-test=power]")).to_contain_text("45.9 kW / 60.0 kW")


def test_the_language_changes_and_stays(page: Page, served: Served) -> None:
    page.goto(served.url)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.click("[data-test=language]")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("[data-module=A]")).to_contain_text("ready")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_dead_line_is_told_and_comes_back(page: Page, served: Served) -> None:
    page.goto(served.url)
    expect(page.locator("[data-bay]")).to_have_count(140)
    expect(page.locator("[data-test=stale]")).to_be_hidden()
    served.stop()
    expect(page.locator("[data-test=stale]")).to_be_visible()


def test_chinese_is_drawn_with_our_own_font(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/kiosk")
    drawn = page.evaluate(HAN)
    assert len({drawn["park"], drawn["car"], drawn["missing"]}) == 3
    assert drawn["loaded"] > 0


def test_no_page_breaks_its_own_content_policy(page: Page, served: Served) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path, landmark in (("/", "[data-bay]"), ("/kiosk", "[data-test=park]"), ("/docs", ".opblock")):
        page.goto(served.url + path)
        expect(page.locator(landmark).first).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize("path", ["/", "/kiosk"])
def test_a_display_is_dimmed_at_night_and_a_touch_wakes_it(
    page: Page, served: Served, garage: FakeGarage, path: str
) -> None:
    garage.change(night=True)
    page.goto(served.url + path)
    body = page.locator("body")
    expect(body).to_have_class("board night" if path == "/" else "kiosk night")
    # a touch goes through the shade, and takes it away
    page.mouse.click(5, 400)
    expect(body).to_have_class("board" if path == "/" else "kiosk")
    garage.change(free_bays=30)
    expect(body).to_have_class("board" if path == "/" else "kiosk")


def test_the_live_view_lights_up_when_the_garage_wakes(page: Page, served: Served, garage: FakeGarage) -> None:
    garage.change(night=True)
    page.goto(served.url)
    expect(page.locator("body")).to_have_class("board night")
    garage.change(night=False)
    expect(page.locator("body")).to_have_class("board")
    garage.change(night=True)
    expect(page.locator("body")).to_have_class("board night")
