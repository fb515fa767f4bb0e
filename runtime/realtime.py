"""The scan against the real clock: absolute deadlines, Modbus links, one journal thread.

Decides when scans happen and what waits for what: facts are durable before their moves go out and
before their askers are answered. While the database is away running jobs go on and new ones are
refused. A scan that fails stops the heartbeat, so that the PLCs halt by themselves.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from controller.step import Controller
from domain.commands import Command, Reply
from domain.events import GarageAdvanced, Recorded
from domain.outputs import Outputs
from domain.signals import Inputs
from runtime.anchor_keeper import AnchorKeeper
from runtime.anchors import DailyAnchor
from runtime.clock import ScaledClock
from runtime.garage import RunningGarage
from runtime.journal import Head, JournalError
from runtime.journal_writer import JournalWriter
from runtime.wires import Wires

log = logging.getLogger("garage.scan")

DURABLE_WAIT_S = 0.3
"""So long a scan waits for its facts; then the running moves go on and the facts wait in the buffer."""

EVENTS_PER_SNAPSHOT = 2000


@dataclass(frozen=True, slots=True)
class Anchors:
    """Where the journal's head is kept outside the database."""

    plcs: AnchorKeeper
    daily: DailyAnchor


def keep_anchor(daily: DailyAnchor, head: Head, utc_ms: int) -> None:
    """Write an anchor; that it cannot be written is said, and stops nothing."""
    try:
        daily.write(head, utc_ms)
    except OSError as error:
        log.error("the journal's anchor cannot be written: %s", error)


class RealtimeRunner:
    """Steps one controller ten times a second until told to stop."""

    def __init__(
        self,
        controller: Controller,
        garage: RunningGarage,
        wires: Wires,
        writer: JournalWriter,
        clock: ScaledClock,
        anchors: Anchors,
    ) -> None:
        self._controller = controller
        self._garage = garage
        self._wires = wires
        self._writer = writer
        self._clock = clock
        self._anchors = anchors
        self._writing_anchor: asyncio.Task[None] | None = None
        self._snapshot_seq = controller.memory.seq
        self._last_inputs: Inputs | None = None
        self.scans = 0
        self.scan_ms_max = 0.0

    async def run(self, period_s: float, stop: asyncio.Event) -> None:
        """Scan until `stop` is set; the last scan's facts are durable when this returns."""
        loop = asyncio.get_running_loop()
        # What is loaded by now stays: no scan need wait while all of it is searched for garbage.
        gc.freeze()
        due_s = loop.time()
        while not stop.is_set():
            await self._scan()
            due_s = max(due_s + period_s, loop.time())
            await self._sleep_until(due_s, stop)

    async def _sleep_until(self, due_s: float, stop: asyncio.Event) -> None:
        try:
            async with asyncio.timeout_at(due_s):
                await stop.wait()
        except TimeoutError:
            return

    async def _scan(self) -> None:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        asked = self._garage.take_commands()
        moment = self._clock.moment()
        inputs = self._anchors.plcs.judged(self._wires.inputs(moment.mono_ms, self._writer.ok))
        step = self._controller.step(moment, inputs, [command for command, _ in asked])
        self.scans += 1
        if any(isinstance(one.event, GarageAdvanced) and one.event.state == "halted" for one in step.events):
            log.error("the controller has halted itself: %s", self._controller.memory.garage_reason)
        self.scan_ms_max = max(self.scan_ms_max, (loop.time() - begun_s) * 1000)
        durable = self._submit(step.events, asked)
        self._answer_when_durable(asked, step.replies, durable)
        if step.events:
            await asyncio.wait([asyncio.wrap_future(durable)], timeout=DURABLE_WAIT_S)
        self._anchors.plcs.scanned(
            moment.mono_ms, step.events, inputs.module_links, self._wires.keep, self._writer.head
        )
        self._wires.send(step.outputs)
        self._keep_daily(moment.utc_ms)
        changed = bool(step.events) or bool(asked) or self._differs(inputs)
        self._last_inputs = inputs
        self._garage.scanned(moment, inputs, changed, self._unready())
        self._keep_snapshot(moment.utc_ms)

    def _submit(
        self, events: Sequence[Recorded], asked: Sequence[tuple[Command, asyncio.Future[Reply]]]
    ) -> Future[None]:
        """Hand the facts to the journal. When even its buffer is full the machine is left to its PLCs."""
        try:
            return self._writer.submit(events)
        except JournalError as error:
            log.critical("the journal takes no more facts, the garage stops: %s", error)
            self._wires.send(SILENT)
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
            raise

    def _answer_when_durable(
        self,
        asked: Sequence[tuple[Command, asyncio.Future[Reply]]],
        replies: Sequence[Reply],
        durable: Future[None],
    ) -> None:
        if not asked:
            return
        loop = asyncio.get_running_loop()

        def answer() -> None:
            for (_, future), reply in zip(asked, replies, strict=True):
                if future.done():
                    continue
                error = durable.exception()
                if error is None:
                    future.set_result(reply)
                else:
                    future.set_exception(error)

        durable.add_done_callback(lambda _: loop.call_soon_threadsafe(answer))

    def _differs(self, inputs: Inputs) -> bool:
        last = self._last_inputs
        if last is None:
            return True
        return any(inputs.modules[name] is not last.modules.get(name) for name in inputs.modules) or any(
            inputs.spots[name] is not last.spots.get(name) for name in inputs.spots
        )

    def _unready(self) -> list[str]:
        memory = self._controller.memory
        reasons = []
        if memory.garage == "halted":
            reasons.append(f"halted: {memory.garage_reason}")
        if not self._writer.ok:
            reasons.append(f"journal: {self._writer.error}")
        if not any(module.state == "ready" for module in memory.modules.values()):
            reasons.append("no module is ready")
        return reasons

    def _keep_daily(self, utc_ms: int) -> None:
        """Outside the scan: the file may lie on a slow disk, or on none."""
        if self._anchors.daily.is_due(utc_ms):
            writing = asyncio.to_thread(keep_anchor, self._anchors.daily, self._writer.head, utc_ms)
            self._writing_anchor = asyncio.create_task(writing)

    def _keep_snapshot(self, utc_ms: int) -> None:
        memory = self._controller.memory
        if memory.seq - self._snapshot_seq >= EVENTS_PER_SNAPSHOT and self._writer.ok:
            self._writer.submit_snapshot(memory.seq, utc_ms, memory.to_state())
            self._snapshot_seq = memory.seq


SILENT = Outputs(feed_heartbeat=False)
"""What the PLCs are told while the program goes down: nothing, and no heartbeat."""
