"""The physical truth of a run as JSON lines, so that anyone can check it without our code.

Decides the wording of the lines (docs/trace.md describes them); what is worth a line, and when,
the plant decides. A change of the format counts `TRACE_VERSION` up.
"""

from __future__ import annotations

import json
from typing import TextIO

from domain.site import Site

TRACE_VERSION = 1


class TraceWriter:
    """Writes lines in the order in which it is called; the caller keeps them in time order."""

    def __init__(self, file: TextIO) -> None:
        self._write = file.write

    def header(self, site: Site, seed: int) -> None:
        """The first line: what the site is, and the seed of the run."""
        modules = [
            {
                "id": layout.id,
                "levels": len(layout.levels),
                "columns": layout.columns,
                "pitch_mm": layout.pitch_mm,
                "pallet_width_mm": layout.pallet_width_mm,
                "level_z_mm": list(layout.level_z_mm),
            }
            for layout in site.modules
        ]
        head = {
            "type": "header",
            "version": TRACE_VERSION,
            "seed": seed,
            "modules": modules,
            "site_limit_w": site.power_limit_w,
        }
        self._write(json.dumps(head, ensure_ascii=False, separators=(",", ":")) + "\n")

    def pallet(
        self,
        t_ms: int,
        module: str,
        name: str,
        level: int,
        at_mm: tuple[float, float],
        motion: str,
        loaded: bool,
        hook: str,
    ) -> None:
        """A segment of a pallet's motion begins or ends, or its hook or load changes."""
        self._write(
            f'{{"type":"pallet","t_ms":{t_ms},"module":"{module}","pallet":"{name}","level":{level},'
            f'"x_mm":{round(at_mm[0], 3)},"z_mm":{round(at_mm[1], 3)},"motion":"{motion}",'
            f'"loaded":{"true" if loaded else "false"},"hook":"{hook}"}}\n'
        )

    def gate(self, t_ms: int, module: str, state: str) -> None:
        """A gate begins or ends a move."""
        self._write(f'{{"type":"gate","t_ms":{t_ms},"module":"{module}","state":"{state}"}}\n')

    def zone(self, t_ms: int, module: str, people: int, cars: int) -> None:
        """Somebody or something enters or leaves an access zone."""
        self._write(f'{{"type":"zone","t_ms":{t_ms},"module":"{module}","people":{people},"cars":{cars}}}\n')

    def power(self, t_ms: int, motors_w: int, chargers_w: int) -> None:
        """The power of all motors or of all chargers changes."""
        self._write(f'{{"type":"power","t_ms":{t_ms},"motors_w":{motors_w},"chargers_w":{chargers_w}}}\n')
