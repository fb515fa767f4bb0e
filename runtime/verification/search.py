"""Breadth-first search over a model: every state that can be reached, and the shortest way to each wrong.

Decides the order (shortest stories first) and what is remembered: a state is a small number, and its story
is found again by walking back.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass

from runtime.verification.model import Model

STORIES_MAX = 5
TOLD_EVERY = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    states: int
    transitions: int
    violations: int
    stories: tuple[str, ...]
    """The shortest ones, one for each kind of wrong, at most `STORIES_MAX`."""


def search(model: Model, *, first_only: bool = False, told: Callable[[int], None] = lambda states: None) -> Found:
    """Visit every state; a step that breaks a rule is counted and not followed.

    With `first_only` the search ends at the first violation. `told` hears the number of states now and then.
    """
    start = model.start()
    known = {start: 0}
    order = [start]
    parents = array("q", [-1])
    transitions = violations = 0
    stories: dict[str, str] = {}
    for index, state in enumerate(order):  # the list grows while it is walked
        if index % TOLD_EVERY == 0:
            told(len(order))
        for label, after, violation in model.steps(state):
            transitions += 1
            if violation is not None:
                violations += 1
                rule = violation[:40]
                if rule not in stories and len(stories) < STORIES_MAX:
                    stories[rule] = _story(model, order, parents, index, f"{label} -> {violation}")
                if first_only:
                    return Found(len(order), transitions, violations, tuple(stories.values()))
            elif after not in known:
                known[after] = len(order)
                order.append(after)
                parents.append(index)
    return Found(len(order), transitions, violations, tuple(stories.values()))


def _story(model: Model, order: list[int], parents: array[int], index: int, ending: str) -> str:
    """Every step from the start, in words."""
    words = [ending]
    while parents[index] >= 0:
        before = parents[index]
        step = next(label for label, after, _ in model.steps(order[before]) if after == order[index])
        words.append(step)
        index = before
    return " -> ".join(reversed(words))
