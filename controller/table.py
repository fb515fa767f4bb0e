"""A state machine as a table of rules, built on the `transitions` library.

Decides whether a trigger is allowed in a state and where it leads. Tables never act and hold no
state: whoever fires a trigger is told the next state and does what follows. Guards stand in the
table by name; the caller answers them with facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transitions import Machine
from transitions.extensions import GraphMachine


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a table: in any of these states the trigger leads there, if every guard agrees."""

    trigger: str
    source: str | tuple[str, ...]
    dest: str
    guards: tuple[str, ...] = ()

    def as_transition(self) -> dict[str, Any]:
        """The rule in the library's words."""
        sources = [self.source] if isinstance(self.source, str) else list(self.source)
        return {
            "trigger": self.trigger,
            "source": sources,
            "dest": self.dest,
            "conditions": list(self.guards) or None,
        }


class Table:
    """States and rules of one machine, shared by all its models.

    `waiting` names the deadline (a `Patience` field, or words) of every state in which time passes.
    """

    def __init__(self, name: str, initial: str, waiting: dict[str, str], rest: Sequence[str], rules: Sequence[Rule]):
        self.name = name
        self.initial = initial
        self.waiting = waiting
        self.states = tuple(dict.fromkeys((initial, *waiting, *rest)))
        self.rules = tuple(rules)
        self._known: dict[tuple[str, str, tuple[tuple[str, bool], ...]], str] = {}
        self._machine = Machine(
            model=None,
            states=list(self.states),
            transitions=[rule.as_transition() for rule in rules],
            initial=initial,
            auto_transitions=False,
            send_event=True,
            queued=True,
            model_override=True,
        )

    def next(self, state: str, trigger: str, **facts: bool) -> str:
        """The state that a trigger leads to; the same state when a guard says no.

        `facts` answers every guard by name. Raises transitions.MachineError when no rule has this
        trigger in this state, and KeyError for a guard without an answer: both are bugs.
        """
        question = state, trigger, tuple(sorted(facts.items()))
        known = self._known.get(question)
        if known is None:
            cursor = _Cursor(state, facts)
            self._machine.events[trigger].trigger(cursor)
            known = self._known[question] = cursor.state
        return known

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram, drawn by the library from the same rules."""
        graph = GraphMachine(
            states=list(self.states),
            transitions=[rule.as_transition() for rule in self.rules],
            initial=self.initial,
            auto_transitions=False,
            send_event=True,
            graph_engine="mermaid",
            show_conditions=True,
            title=self.name,
        )
        return graph.get_combined_graph().draw(None) or ""


class _Cursor:
    """The library's model for one question: a state, and the answers to the guards."""

    __slots__ = ("_facts", "state")

    def __init__(self, state: str, facts: Mapping[str, bool]) -> None:
        self.state = state
        self._facts = facts

    def __getattr__(self, guard: str) -> Callable[[object], bool]:
        answer = self._facts[guard]
        return lambda event: answer
