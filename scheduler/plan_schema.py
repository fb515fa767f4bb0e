"""JSON Schemas of planning instances and plans, for people and programs that write or read them.

Decides nothing beyond the shape: what a schema cannot say (does this bay exist, is it empty) is
checked by `scheduler.instance_json`.
"""

from __future__ import annotations

from typing import Any

_MS: dict[str, Any] = {"type": "integer"}
_POSITIVE: dict[str, Any] = {"type": "integer", "minimum": 1}
_NATURAL: dict[str, Any] = {"type": "integer", "minimum": 0}
_BAY: dict[str, Any] = {"type": "string", "pattern": "^[A-Z]{1,2}-[1-9]-[0-9]{2}$"}
_COST: dict[str, Any] = {
    "emergency_wait_ms": {"type": "integer", "description": "waits of emergencies, compared first"},
    "beyond_age_ms": {"type": "integer", "description": "time waited beyond the age bound, compared second"},
    "weighted_wait_ms": {"type": "integer", "description": "all waits times their class's weight, compared last"},
}


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _list(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


_VEHICLE: dict[str, Any] = {
    "oneOf": [
        {"type": "null"},
        {"enum": ["X", "Z", "D", "T", "C", "K"]},
        _object(
            ("length_mm", "width_mm", "height_mm", "mass_kg"),
            class_code={"type": "string"},
            length_mm=_POSITIVE,
            width_mm=_POSITIVE,
            height_mm=_POSITIVE,
            mass_kg=_POSITIVE,
        ),
    ]
}

_MACHINE_NUMBERS = (
    "lift_speed_mm_s",
    "slide_speed_mm_s",
    "ramp_ms",
    "hook_ms",
    "hook_raise_mm",
    "gate_ms",
    "lift_motor_w",
    "slide_motor_w",
    "inrush_stagger_ms",
    "driver_out_ms",
    "driver_in_ms",
)

INSTANCE_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Planning instance of one module",
    **_object(
        ("module", "jobs"),
        format={"const": 1},
        module=_object(
            ("id", "columns", "levels"),
            id={"type": "string", "pattern": "^[A-Z]{1,2}$"},
            columns={"type": "integer", "minimum": 1, "maximum": 99},
            pitch_mm=_POSITIVE,
            pallet_width_mm=_POSITIVE,
            car_length_mm_max=_POSITIVE,
            car_width_mm_max=_POSITIVE,
            car_mass_kg_max=_POSITIVE,
            headroom_mm=_NATURAL,
            levels=_list(
                _object(("height_mm",), height_mm=_POSITIVE, gaps=_NATURAL, blocked=_list(_POSITIVE)),
                minItems=1,
                maxItems=9,
            ),
            dead=_list(_BAY),
            frozen=_list(_POSITIVE),
            closed=_list(_list(_POSITIVE, minItems=2, maxItems=2)),
            hoist_out={"type": "boolean"},
        ),
        machine=_object(
            (),
            **dict.fromkeys(_MACHINE_NUMBERS, _NATURAL),
            hook_kind={"enum": ["contactless", "load_resting"]},
            slide_mode={"enum": ["parallel", "row", "single"]},
        ),
        overlap={"enum": ["none", "slides"]},
        state=_object(
            (),
            columns={"oneOf": [{"type": "null"}, _list(_list(_POSITIVE))]},
            lowered={"oneOf": [{"type": "null"}, _BAY]},
            empty=_list(_BAY),
        ),
        jobs=_list(
            _object(
                ("id", "kind"),
                id={"type": "string", "minLength": 1},
                kind={"enum": ["storage", "retrieval"]},
                bay={"oneOf": [{"type": "null"}, _BAY]},
                release_ms=_NATURAL,
                requested_ms=_MS,
                priority={"enum": ["emergency", "disabled", "normal"]},
                vehicle=_VEHICLE,
            ),
            minItems=1,
            maxItems=200,
        ),
        age_bound_ms={"oneOf": [{"type": "null"}, _POSITIVE]},
        power_limit_w={"oneOf": [{"type": "null"}, _POSITIVE]},
        weights=_object((), emergency=_POSITIVE, disabled=_POSITIVE, normal=_POSITIVE),
    ),
}

_MOVE: dict[str, Any] = {
    "oneOf": [
        _object(
            ("do", "start_ms", "end_ms", "level", "first", "second", "job"),
            do={"const": "slide"},
            start_ms=_NATURAL,
            end_ms=_NATURAL,
            level=_POSITIVE,
            first=_POSITIVE,
            second=_POSITIVE,
            job={"type": "string"},
        ),
        _object(
            ("do", "start_ms", "end_ms", "bay", "job"),
            do={"enum": ["lower", "raise", "gate_open", "dwell", "gate_close"]},
            start_ms=_NATURAL,
            end_ms=_NATURAL,
            bay=_BAY,
            job={"type": ["string", "null"]},
        ),
    ]
}

_REASON = _object(
    ("code", "values", "text"),
    code={"type": "string"},
    values={"type": "object", "additionalProperties": {"type": ["number", "string"]}},
    text={"type": "string"},
)

PLAN_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Plan of one module",
    **_object(
        ("format", "module", "regime", "method", "optimal", "objective", "lower_bound", "jobs", "moves", "reasons"),
        format={"const": 1},
        module={"type": "string"},
        regime={"enum": ["M0", "M1", "M2"]},
        method={"enum": ["counts", "gap_states", "beam"]},
        optimal={"type": "boolean"},
        objective=_object(tuple(_COST), **_COST, sum_wait_ms=_MS, mean_wait_ms={"type": "number"}, max_wait_ms=_MS),
        lower_bound=_object(tuple(_COST), **_COST),
        gap_pct={"type": "number"},
        makespan_ms=_NATURAL,
        makespan_bound_ms=_NATURAL,
        jobs=_list(
            _object(
                ("job", "kind", "bay", "column", "begin_ms", "open_ms", "shut_ms", "wait_ms", "reasons"),
                job={"type": "string"},
                kind={"enum": ["storage", "retrieval"]},
                bay=_BAY,
                column=_POSITIVE,
                begin_ms=_NATURAL,
                open_ms=_NATURAL,
                shut_ms=_NATURAL,
                wait_ms=_MS,
                reasons=_list(_REASON),
            )
        ),
        moves=_list(_MOVE),
        reasons=_list(_REASON),
        checks=_list(
            _object(
                ("check", "result", "detail"),
                check={"enum": ["replay", "second_solver"]},
                result={"enum": ["passed", "failed", "not_possible"]},
                detail={"type": "string"},
            )
        ),
    ),
}
