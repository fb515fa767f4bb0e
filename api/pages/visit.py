"""One answer at the kiosk, and the screens that can follow any of them.

Decides how answers travel from screen to screen: in the forms, never in an address, and nowhere else.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.pages.page import language_of, render
from api.ports import Garage
from api.problems import Problem
from domain.ids import Plate, parse_plate
from domain.vehicle import VEHICLE_CLASSES, Vehicle

ANSWER_LENGTH_MAX = 64


@dataclass(frozen=True, slots=True)
class Visit:
    """The form of one screen with everything that was answered before."""

    request: Request
    garage: Garage
    answers: Mapping[str, str]

    def answer(self, name: str) -> str:
        """What was answered to a question; empty when it was not asked yet."""
        return self.answers.get(name, "")

    @property
    def flow(self) -> str:
        """What the person wants to do."""
        return self.answer("flow")

    @property
    def plate(self) -> str:
        """The plate as it was typed."""
        return self.answer("plate")

    def typed_plate(self) -> Plate:
        """The plate; raises the problem for what the screen before would not have let through."""
        try:
            return parse_plate(self.plate)
        except ValueError:
            raise Problem("invalid_input") from None

    def chosen_vehicle(self) -> Vehicle:
        """The car of the class that was chosen; raises the problem for one that no button gives."""
        vehicle = VEHICLE_CLASSES.get(self.answer("vehicle_class"))
        if vehicle is None:
            raise Problem("invalid_input")
        return vehicle

    @property
    def pin(self) -> str:
        """The PIN as it was typed."""
        return self.answer("pin")

    @property
    def language(self) -> str:
        """The language of the person."""
        return language_of(self.request)

    def screen(self, name: str, status: int = 200, **context: Any) -> HTMLResponse:
        """The next screen, carrying the answers so far and a key that makes a double tap harmless."""
        carried = {
            "flow": self.flow,
            "plate": self.plate,
            "spot": self.answer("spot"),
            "error": "",
            "error_text": "",
            "key": secrets.token_urlsafe(16),
        }
        return render(self.request, f"kiosk/{name}.html", status, **{**carried, **context})

    def refused(self, problem: Problem) -> HTMLResponse:
        """Why it is not possible, in words."""
        texts = [reason.text(self.language) for reason in problem.reasons or (problem.first_text,)]
        return self.screen("refused", problem.status, texts=texts, code=problem.code)


Follow: TypeAlias = Callable[[Visit], Awaitable[HTMLResponse]]
"""What follows from the answer of one screen."""


async def visit_of(request: Request, garage: Garage) -> Visit:
    """The visit that a posted form tells of."""
    form = await request.form()
    answers = {name: str(value)[:ANSWER_LENGTH_MAX].strip() for name, value in form.items()}
    return Visit(request, garage, answers)
