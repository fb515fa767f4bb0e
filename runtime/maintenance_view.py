"""Wear and services as people see them: what is due, what each part has done, what has drifted, who did what.

Decides shapes, order (what is due first) and words, for the running garage and for `garagectl export maintenance`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from controller.maintenance import Due, Standing, dues
from controller.maintenance_book import MaintenanceBook, Tally
from domain.alarms import Bilingual
from domain.grid import ModuleLayout
from domain.ids import ModuleId
from domain.maintenance import REPAIR, MaintenancePlan, Service, Trend, Wearing, gate_of, metres, parts_of
from domain.signals import ModuleImage
from domain.site import Site

_REPAIR_TITLE = Bilingual("Repair", "维修")
_RANK = {Standing.DUE: 0, Standing.SOON: 1, Standing.OK: 2}
TABLES = ("due", "parts", "drifts", "modules", "works")


def maintenance_view(
    site: Site, book: MaintenanceBook, images: Mapping[ModuleId, ModuleImage], now_utc_ms: int
) -> dict[str, Any]:
    """Everything, JSON-ready; see `api.ports.Garage.maintenance` for the shape."""
    found = list(dues(site.maintenance, site.modules, book, now_utc_ms))
    titles = {service.id: service.title for service in site.maintenance.services} | {REPAIR: _REPAIR_TITLE}
    return {
        "since_utc_ms": book.since_utc_ms,
        "slower_pct": site.maintenance.slower_pct,
        "power_pct": site.maintenance.power_pct,
        "services": [_service(service) for service in site.maintenance.services],
        "groups": _groups(site, found),
        "due": [_due(one) for one in sorted(found, key=_urgency)],
        "parts": [_part(layout, kind, part, book) for layout, kind, part in _all_parts(site)],
        "drifts": _drifts(site.maintenance, book),
        "modules": [_module(layout.id, book, images.get(layout.id)) for layout in site.modules],
        "works": [
            {
                "utc_ms": work.utc_ms,
                "service": work.service,
                **_bilingual("title", titles.get(work.service, Bilingual(work.service, work.service))),
                "parts": list(work.parts),
                "operator": work.operator,
                "person": work.person,
                "note": work.note,
                "renewed": work.renewed,
            }
            for work in reversed(book.works)
        ],
    }


def table_csv(view: Mapping[str, Any], table: str) -> str:
    """One table of the view as comma-separated lines with a heading; lists become words with spaces between."""
    rows = [_flat(row) for row in view[table]]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name == "trends":
            for trend in value:
                flat[f"{trend['what']}_usual"], flat[f"{trend['what']}_recent"] = trend["usual"], trend["recent"]
        else:
            flat[name] = " ".join(value) if isinstance(value, list) else value
    return flat


def _bilingual(name: str, text: Bilingual) -> dict[str, str]:
    return {f"{name}_en": text.english, f"{name}_zh": text.chinese}


def _service(service: Service) -> dict[str, Any]:
    return {
        "service": service.id,
        "part_kind": service.part.value,
        **_bilingual("title", service.title),
        "counted": service.counted.value if service.every else None,
        "every": service.every or None,
        "every_days": service.every_days or None,
    }


def _urgency(due: Due) -> tuple[int, int]:
    return _RANK[due.standing], -due.share_pct


def _due(due: Due) -> dict[str, Any]:
    last = due.last
    return {
        **_service(due.service),
        "part": due.part,
        "standing": due.standing.value,
        "share_pct": due.share_pct,
        "count_since": due.counted,
        "since_utc_ms": due.since_utc_ms,
        "due_utc_ms": due.due_utc_ms,
        "last_utc_ms": last.utc_ms if last else due.service.last_utc_ms,
        "last_person": last.person if last else "",
        "last_note": last.note if last else "",
    }


def _groups(site: Site, found: Iterable[Due]) -> list[dict[str, Any]]:
    """One row for each service of each module, led by the part that needs it most."""
    module_of = {part: layout.id for layout, _, part in _all_parts(site)}
    rows = []
    for (service, module), members in groupby(found, key=lambda one: (one.service.id, module_of[one.part])):
        ordered = sorted(members, key=_urgency)
        counts = {standing: sum(one.standing is standing for one in ordered) for standing in Standing}
        rows.append(
            {**_due(ordered[0]), "service": service, "module": module, "parts": len(ordered)}
            | {standing.value: count for standing, count in counts.items()}
        )
    return sorted(rows, key=lambda row: (_RANK[Standing(row["standing"])], -row["share_pct"]))


def _all_parts(site: Site) -> Iterable[tuple[ModuleLayout, Wearing, str]]:
    for layout in site.modules:
        for kind in (Wearing.MODULE, Wearing.GATE, Wearing.ROW):
            yield from ((layout, kind, part) for part in parts_of(layout, kind))
        # Pallets of the ground level are never lifted, but they slide.
        yield from ((layout, Wearing.PALLET, ref.name) for ref in layout.bays)


def _part(layout: ModuleLayout, kind: Wearing, part: str, book: MaintenanceBook) -> dict[str, Any]:
    tally = book.tallies.get(part, Tally())
    row: dict[str, Any] = {"part": part, "kind": kind.value, "module": layout.id}
    if kind is Wearing.PALLET:
        gone_m = metres(layout, part, tally.lifts, tally.slides)
        # The hook turns once in every lift.
        row |= {"lifts": tally.lifts, "hooks": tally.lifts, "slides": tally.slides, "metres": gone_m}
    elif kind is Wearing.MODULE:
        row |= {"lifts": tally.lifts, "slides": tally.slides}
        row |= {"run_s": tally.run_ms // 1000, "energy_wh": tally.energy_j // 3600}
    else:
        row |= {"slides": tally.slides} if kind is Wearing.ROW else {"cycles": tally.cycles}
    return row | {"trends": [_trend(what, trend) for what, trend in tally.trends.items()]}


def _trend(what: str, trend: Trend) -> dict[str, Any]:
    return {"what": what, "usual": trend.usual, "recent": trend.recent, "drift_pct": trend.drift_pct}


def _drifts(plan: MaintenancePlan, book: MaintenanceBook) -> list[dict[str, Any]]:
    """Everything that is measured often enough, what has drifted most first."""
    rows = [
        {"part": part, **_trend(what, trend), "beyond": trend.has_drifted(what, plan)}
        for part, tally in book.tallies.items()
        for what, trend in tally.trends.items()
        if trend.drift_pct is not None
    ]
    return sorted(rows, key=lambda row: (not row["beyond"], -row["drift_pct"], row["part"]))


def _module(module: ModuleId, book: MaintenanceBook, image: ModuleImage | None) -> dict[str, Any]:
    """Our counts since comparing began beside the PLC's; it counts what was done without this program, too."""
    tally, start = book.tallies.get(module, Tally()), book.plcs.get(module)
    row = {"module": module, "lifts": tally.lifts, "slides": tally.slides, "run_s": tally.run_ms // 1000}
    row |= {"energy_wh": tally.energy_j // 3600, "gate_cycles": book.tallies.get(gate_of(module), Tally()).cycles}
    if start is None or image is None:
        return row | dict.fromkeys(_COMPARED)
    return row | {
        "compared_since_utc_ms": start.utc_ms,
        "plc_lifts": image.lifts,
        "plc_slides": image.slides,
        "plc_run_s": image.run_s,
        "lifts_differ": (image.lifts - start.lifts) - (tally.lifts - start.our_lifts),
        "slides_differ": (image.slides - start.slides) - (tally.slides - start.our_slides),
    }


_COMPARED = ("compared_since_utc_ms", "plc_lifts", "plc_slides", "plc_run_s", "lifts_differ", "slides_differ")
