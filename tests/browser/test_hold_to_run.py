"""The buttons of the page for work by hand, in a browser over a real controller, soft PLC and plant.

Time is the plant's: it goes on by what one press or refresh of the page stands for, never by the wall clock,
so that a slow machine tests the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from domain.commands import Command, HoldManual, JogMove, LetGo, Reply, TakeManual
from domain.events import MotionRequested
from domain.ids import ModuleId
from domain.outputs import Opcode
from domain.signals import PlcMode
from runtime.recovery_view import recovery_view
from tests.api.fake_garage import FakeGarage
from tests.browser.conftest import OPERATOR_TOKEN, Served, page_settings
from tests.browser.test_desk import log_in
from tests.garage_run import GarageRun
from tests.sites import module_layout, site_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

A = ModuleId("A")
REFRESH_MS = 100
STOP_MS = 500
TICK_MS = 20


class MachineUnderHand(FakeGarage):
    """The port of the edge, with a module behind it that really moves."""

    def __init__(self) -> None:
        site = site_of(module_layout("A", 3, (2150, 2150)))
        super().__init__(site)
        self.run = GarageRun(site, {"A-2-01": "京A12345"})
        self.run.ready()
        self.run.plant().set_mode(PlcMode.MANUAL)
        self.run.wait(1000)
        self.sign_ms = 0
        """When the garage heard last that the button is held: of a move that has ended a late word says nothing."""
        self.moved_ms = 0
        """When anything moved last."""

    async def submit(self, command: Command) -> Reply:
        self.commands.append(command)
        reply = self.run.ask(command)
        if isinstance(command, JogMove | HoldManual):
            if isinstance(command, JogMove) or self.run.plant().moving:
                self.sign_ms = self.run.now_ms
            self.let_pass(REFRESH_MS)
        elif isinstance(command, LetGo):
            self.let_pass(2 * STOP_MS)
        else:
            self.let_pass(REFRESH_MS)
        self.change()
        return reply

    def let_pass(self, ms: int) -> None:
        """Time goes on, and is watched."""
        until_ms = self.run.now_ms + ms
        while self.run.now_ms < until_ms:
            self.run.wait(TICK_MS)
            if self.run.plant().moving:
                self.moved_ms = self.run.now_ms

    async def recovery(self, module: str) -> dict[str, Any] | None:
        return recovery_view(self.run.run.controller, ModuleId(module)) | {"stranded": [], "waiting": []}

    def holds(self) -> int:
        """How many refreshes have come."""
        return sum(isinstance(command, HoldManual) for command in self.commands)


@pytest.fixture
def machine() -> MachineUnderHand:
    return MachineUnderHand()


@pytest.fixture
def desk(page: Page, machine: MachineUnderHand) -> Iterator[Page]:
    """An operator who has the module in hand."""
    served = Served(machine, page_settings())
    log_in(page, f"{served.url}/operator", OPERATOR_TOKEN)
    page.goto(f"{served.url}/operator/modules/A/manual")
    page.fill("[data-test=reason]", "car stuck")
    page.locator("form#take button").first.click()
    expect(page.locator("[data-test=state]")).to_contain_text("Wang")
    assert any(isinstance(command, TakeManual) for command in machine.commands)
    yield page
    served.stop()


def hold(page: Page, machine: MachineUnderHand) -> None:
    """Press the button for a slide of the ground row, and keep the finger on it until it really moves."""
    row = page.locator(".moves[data-kind=slide]")
    row.locator("[name=first]").fill("1")
    row.locator("[name=second]").fill("3")
    button = page.locator("[data-test=slide]")
    button.scroll_into_view_if_needed()
    button.hover()
    page.mouse.down()
    deadline = 200
    while machine.holds() < 6 and deadline:
        page.wait_for_timeout(50)
        deadline -= 1
    assert machine.run.plant().moving, machine.commands
    requested = machine.run.heard(MotionRequested)[-1]
    assert (requested.opcode, requested.operator) == (Opcode.JOG_SLIDE, "Wang")


def release(page: Page) -> None:
    page.mouse.up()


def leave_the_button(page: Page) -> None:
    page.mouse.move(5, 5)


def hide_the_tab(page: Page) -> None:
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { get: () => true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")


def lose_the_focus(page: Page) -> None:
    page.evaluate("window.dispatchEvent(new Event('blur'))")


def go_elsewhere(page: Page) -> None:
    page.goto("about:blank")


def close_the_tab(page: Page) -> None:
    page.close()


def lose_the_network(page: Page) -> None:
    page.context.set_offline(True)


@pytest.mark.parametrize(
    "lose",
    [release, leave_the_button, hide_the_tab, lose_the_focus, go_elsewhere, close_the_tab, lose_the_network],
    ids=lambda lose: lose.__name__,
)
def test_what_is_not_held_stands_within_half_a_second(
    desk: Page, context: BrowserContext, machine: MachineUnderHand, lose: Callable[[Page], None]
) -> None:
    hold(desk, machine)
    lose(desk)
    # the page says no more that it is held, whether or not its last word arrives
    waiting = context.new_page()
    waiting.wait_for_timeout(1000)
    held = machine.holds()
    waiting.wait_for_timeout(600)
    assert machine.holds() == held
    machine.let_pass(4 * STOP_MS)
    assert not machine.run.plant().moving
    assert 0 < machine.moved_ms - machine.sign_ms <= STOP_MS
    # and it stands: nobody's coming back sets it going again
    context.set_offline(False)
    stood_ms = machine.moved_ms
    machine.let_pass(5000)
    assert machine.moved_ms == stood_ms
    assert machine.run.violations == []


def test_a_button_that_stays_held_moves_on_to_the_end(desk: Page, machine: MachineUnderHand) -> None:
    hold(desk, machine)
    state = desk.locator("[data-test=slide]")
    expect(state).to_have_class("hold held")
    began_ms = machine.moved_ms
    desk.wait_for_timeout(1500)
    assert machine.moved_ms > began_ms
    release(desk)
    expect(state).to_have_class("hold")
    for _ in range(200):  # the button looks free at once; the word of it is still on its way
        if any(isinstance(command, LetGo) for command in machine.commands):
            break
        desk.wait_for_timeout(50)
    assert isinstance(machine.commands[-1], LetGo)


def test_a_second_press_needs_a_finger(desk: Page, machine: MachineUnderHand) -> None:
    hold(desk, machine)
    release(desk)
    expect(desk.locator("[data-test=slide]")).to_have_class("hold")
    presses = sum(isinstance(command, JogMove) for command in machine.commands)
    desk.wait_for_timeout(1000)
    assert sum(isinstance(command, JogMove) for command in machine.commands) == presses == 1
