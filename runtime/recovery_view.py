"""Manual work and recovery of one module as the operators' pages show it.

Decides shapes and words only; what is missing and what is allowed is decided by `controller.recovery`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controller.recovery import Jog, RecoveryStep, recovery
from controller.step import Controller
from domain.ids import ModuleId
from domain.outputs import Bypass, Opcode
from domain.refusals import Refusal
from plc.register_map import REASONS

MOVES = {
    Opcode.JOG_SLIDE: "slide",
    Opcode.JOG_LOWER: "lower",
    Opcode.JOG_RAISE: "raise",
    Opcode.JOG_GATE_OPEN: "gate_open",
    Opcode.JOG_GATE_CLOSE: "gate_close",
}


def recovery_view(controller: Controller, module: ModuleId) -> dict[str, Any]:
    """Everything but who is stranded; see `api.ports.Garage.recovery` for the shape."""
    memory, control = controller.memory.module(module), controller.modules[module]
    jobs = (controller.memory.jobs[name] for name in controller.memory.open_jobs.get(module, ()))
    job = next((one for one in jobs if one.state not in ("queued", "standing_by")), None)
    layout = controller.site.layout[module]
    steps = recovery(layout, control.image, memory, controller.memory.car_at, job)
    holder, bypass, stop = memory.manual, memory.bypass, control.manual.last_stop
    return {
        "module": module,
        "state": memory.state,
        "switch": None if control.image is None else control.image.mode.name.lower(),
        "holder": holder
        and {"operator": holder.operator, "reason": holder.reason, "since_utc_ms": holder.since_utc_ms},
        "bypass": bypass
        and {
            "interlock": Bypass(bypass.interlock).name.lower(),
            "reason": bypass.reason,
            "second": bypass.second,
        },
        "locks": [
            {
                "operator": name,
                "reason": lock.reason,
                "since_utc_ms": lock.since_utc_ms,
                "removal": lock.removal and {"operator": lock.removal.operator, "reason": lock.removal.reason},
            }
            for name, lock in memory.locks.items()
        ],
        "last_stop": None if stop is None else {"reason": stop, "text": REASONS.get(stop, str(stop))},
        "moving": bool(memory.motions),
        "steps": [_step(step) for step in steps],
    }


def _step(step: RecoveryStep) -> dict[str, Any]:
    return {
        "do": step.act.code,
        "about": step.about,
        "text_en": step.act.text("en", step.about),
        "text_zh": step.act.text("zh", step.about),
        "allowed": not step.reasons,
        "reasons": _reasons(step.reasons),
        "jog": step.jog and _jog(step.jog),
    }


def _jog(jog: Jog) -> dict[str, Any]:
    return {"move": MOVES[jog.opcode], "level": jog.mailbox, "first": jog.first, "second": jog.second}


def _reasons(reasons: Iterable[Refusal]) -> list[dict[str, str]]:
    return [
        {"code": r.code.code, "text_en": r.code.text("en"), "text_zh": r.code.text("zh"), "about": r.about}
        for r in reasons
    ]


def waiting_jobs(controller: Controller, module: ModuleId) -> list[dict[str, Any]]:
    """The drivers who wait for this module now."""
    jobs = [controller.memory.jobs[name] for name in controller.memory.open_jobs.get(module, ())]
    return [{"job": job.id, "kind": job.kind, "bay": job.bay, "state": job.state} for job in jobs]


def owners_view(waiting: list[dict[str, Any]], stranded: list[dict[str, Any]]) -> dict[str, Any]:
    """Whose cars cannot be brought, and what those who wait are told."""
    cannot = {one["bay"]: one["because"] for one in stranded}
    told = [job | {"reachable": job["bay"] not in cannot, "because": cannot.get(job["bay"], [])} for job in waiting]
    return {"stranded": stranded, "waiting": told}
