"""The live stream: a snapshot first, then only what changed, never faster than a screen can show.

Decides what counts as a change and how often it is told. Slow readers skip states, they never
queue them: each event is the difference between the newest view and the one told before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi.sse import ServerSentEvent

from api.ports import Garage
from api.settings import Settings

_KEY = {"modules": "id", "pallets": "bay", "spots": "id"}
"""Lists whose members have a name; every other value is told whole."""


def delta(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any] | None:
    """What differs in `new`; None when things came or went and only a snapshot can tell.

    Members of named lists carry their name and what changed in them; unchanged ones are absent.
    """
    if old.keys() != new.keys():
        return None
    changed: dict[str, Any] = {}
    for field, value in new.items():
        before = old[field]
        if before is value or before == value:
            continue
        if field not in _KEY:
            changed[field] = value
            continue
        members = _members(_KEY[field], before, value)
        if members is None:
            return None
        changed[field] = members
    return changed


def _members(key: str, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    if [member[key] for member in old] != [member[key] for member in new]:
        return None
    told = []
    for before, after in zip(old, new, strict=True):
        changed = delta(before, after)
        if changed is None:
            return None
        if changed:
            told.append({key: after[key], **changed})
    return told


async def live_events(garage: Garage, settings: Settings) -> AsyncIterator[ServerSentEvent]:
    """The events of one reader, until the garage shuts down.

    `snapshot` and `delta` carry views; `beat` says once a second that nothing changed, so that a page
    can tell a quiet garage from a dead line; a comment every few seconds is for proxies.
    """
    told = garage.view()
    yield ServerSentEvent(event="snapshot", data=told, id=str(told["seq"]))
    stop = asyncio.ensure_future(garage.shutting_down.wait())
    quiet_ms = 0
    try:
        while not stop.done():
            seq = await _next_seq(garage, int(told["seq"]), settings.beat_ms / 1000, stop)
            if stop.done():
                return
            view = garage.view()
            if seq == told["seq"] and view["seq"] == told["seq"]:
                quiet_ms += settings.beat_ms
                yield ServerSentEvent(event="beat", data={"utc_ms": view["utc_ms"]})
                if quiet_ms >= settings.heartbeat_ms:
                    quiet_ms = 0
                    yield ServerSentEvent(comment="alive")
                continue
            quiet_ms = 0
            changed = delta(told, view)
            told = view
            if changed is None:
                yield ServerSentEvent(event="snapshot", data=view, id=str(view["seq"]))
            else:
                yield ServerSentEvent(event="delta", data=changed, id=str(view["seq"]))
            await asyncio.wait({stop}, timeout=settings.live_interval_ms / 1000)
    finally:
        stop.cancel()


async def _next_seq(garage: Garage, seen: int, timeout_s: float, stop: asyncio.Future[Any]) -> int:
    """The next `seq`, or `seen` when the time is over or the garage shuts down."""
    change = asyncio.ensure_future(garage.wait_change(seen, timeout_s))
    try:
        await asyncio.wait({change, stop}, return_when=asyncio.FIRST_COMPLETED)
        return change.result() if change.done() else seen
    finally:
        change.cancel()
