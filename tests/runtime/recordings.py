"""Events for journal tests: every kind by Hypothesis, and a plain series."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from domain.events import EVENT_KINDS, CarLeft, Event, JobAdvanced, Recorded
from domain.ids import BayId, JobId, Plate
from domain.reasons import Reason, ReasonCode
from runtime.anchors import Anchor
from runtime.audit import audit
from runtime.journal import Head, Journal

UTC_MS = 1_767_225_600_000
_name = st.text("abcdefgh_", min_size=1, max_size=6)
_value = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
any_reason: st.SearchStrategy[Reason] = st.builds(
    Reason,
    st.sampled_from([*(one.code for one in ReasonCode), "of_a_later_version"]),
    st.dictionaries(_name, _value, max_size=3).map(lambda values: tuple(sorted(values.items()))),
)
st.register_type_strategy(Reason, any_reason)
any_event: st.SearchStrategy[Event] = st.one_of([st.from_type(kind) for kind in EVENT_KINDS.values()])


def numbered(events: Sequence[Event], first_seq: int = 1) -> list[Recorded]:
    """These events with running numbers, a second apart."""
    return [Recorded(first_seq + n, UTC_MS + 1000 * n, event) for n, event in enumerate(events)]


def series(first_seq: int, last_seq: int, state: str = "delivering") -> list[Recorded]:
    """One small event for each number from first to last."""
    return [
        Recorded(seq, UTC_MS + 1000 * seq, JobAdvanced(JobId(f"J{seq}"), state))
        for seq in range(first_seq, last_seq + 1)
    ]


def batch_of(first_seq: int) -> list[Recorded]:
    """The batch that begins with this number: one to four events, the last of them worth 5 yuan."""
    length = first_seq % 4 + 1
    last_seq = first_seq + length - 1
    left_utc_ms = UTC_MS + 3_600_000
    left = CarLeft(JobId(f"J{last_seq}"), Plate("京A12345"), BayId("A-3-07"), UTC_MS, left_utc_ms)
    return [*series(first_seq, last_seq - 1), Recorded(last_seq, left_utc_ms, left)]


def first_wrong(journal: Journal, anchor: Head | None = None) -> int | None:
    """Number of the first event that is not what was stored; None when the chain is whole."""
    anchors = [] if anchor is None else [Anchor(anchor.seq, anchor.hash, "the test")]
    findings = audit(journal.stored(), anchors).findings
    return findings[0].seq if findings else None
