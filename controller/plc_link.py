"""The wire to one module's PLC as the controller sees it: up, down, or somebody we must not talk to.

Decides the state of the link and notices a PLC that has started anew. What that means for the module
is decided there.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.machines import LINK
from controller.scan import Scan
from domain.events import FaultRaised, LinkAdvanced
from domain.faults import FaultNumber
from domain.ids import ModuleId
from domain.signals import Identity


@dataclass(frozen=True, slots=True)
class Expected:
    """What a module's PLC must call itself: the map version and layout hash we were built for."""

    map_version: int
    layout_hash: int

    def matches(self, identity: Identity) -> bool:
        """Whether this PLC is the one we know how to talk to."""
        return identity.map_version == self.map_version and identity.layout_hash == self.layout_hash


class PlcLink:
    """One PLC's link; remembers only the boot count it has seen."""

    def __init__(self, module: ModuleId, expected: Expected) -> None:
        self._module = module
        self._expected = expected
        self._boot_count: int | None = None

    def follow(self, scan: Scan, identity: Identity | None) -> tuple[str, bool]:
        """The link's state now, and whether the PLC has restarted; no identity: the image is too old."""
        known = scan.memory.links.get(self._module)
        before = known or LINK.initial
        state = before
        if identity is None:
            state = LINK.next(before, "fall_silent") if before != "down" else before
        else:
            right = self._expected.matches(identity)
            if before == "down" or right != (before == "up"):
                state = LINK.next(before, "answer", is_compatible=right, is_incompatible=not right)
        if state != known:
            scan.emit(LinkAdvanced(self._module, state))
            if state == "incompatible":
                scan.emit(FaultRaised(self._module, int(FaultNumber.LAYOUT_MISMATCH)))
        rebooted = identity is not None and self._boot_count not in (None, identity.boot_count)
        if identity is not None:
            self._boot_count = identity.boot_count
        if rebooted:
            scan.emit(FaultRaised(self._module, int(FaultNumber.PLC_REBOOTED)))
        return state, rebooted
