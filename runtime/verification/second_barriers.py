"""Guards whose deletion alone breaks nothing in the model: which other guard makes up for each.

Keyed by barrier and the guard's name, as `runtime.verification.mutants` writes it.
"""

from __future__ import annotations

SECOND_BARRIERS: dict[tuple[str, str], str] = {
    ("plc", "train_of: without first == second"): (
        "a slide from a column to itself moves nothing: its pallet stands in `second`, or the train is empty"
    ),
    ("plc", "train_of: len({column for _, column in train}) != len(train)"): (
        "pallets of a train go the same way by the same distance (`ways`), so no two of them reach one cell"
    ),
    ("plc", "train_of: not (pallet.reads_home_height and now.hooked(pallet))"): (
        "_check_shafts has asked the same of every pallet of this level and above"
    ),
    ("plc", "train_of: without pallet.reads_home_height"): "_check_shafts has asked the same",
    ("plc", "train_of: without now.hooked(pallet)"): "_check_shafts has asked the same",
    ("plc", "train_of: cells.bit_count() > layout.pallets_per_level[level - 1]"): (
        "only a broken cell switch shows a pallet too many, which shuts a cell; where pallets stand is seen by their "
        "own positions"
    ),
    (
        "plc",
        "_check_hoistway: number != GATE and number <= pallet.level and isinstance(move, SlideMove)",
    ): (
        "a level that slides is not complete, which closes the hoistway; this guard also covers the fraction of a "
        "second before the motor starts, which the model counts as motion"
    ),
    ("plc", "_check_hoistway: cells.bit_count() != layout.pallets_per_level[below - 1]"): (
        "a pallet between two cells is seen by its own position (reads_column), and a broken switch that shows a "
        "pallet too many can only shut the shaft"
    ),
    ("supervisor", "_motion_allowed: without image.gate is not GateState.CLOSED"): (
        "the safety word's GATE_SHUT says the same; without both, pallets move at an open gate"
    ),
    ("supervisor", "_motion_allowed: without not image.safety & Safety.GATE_SHUT"): (
        "the gate's state says the same; without both, pallets move at an open gate"
    ),
    (
        "supervisor",
        "_shaft: any((write.mailbox <= level and write.opcode is Opcode.SLIDE for write in active))",
    ): (
        "a level that slides is not complete, which blocks the path; this guard also covers the fraction of a second "
        "before the motor starts, which the model counts as motion"
    ),
    ("supervisor", "_against_lower: own.lacks(Pallet.HOOK_CLOSED) and (not hand.jogs)"): (
        "HOME is set only while the hook is closed (is_away), unless that very switch is stuck, and then nothing opens"
    ),
    ("supervisor", "_against_gate: any((hand.jogs or write.mailbox == GATE for write in active))"): (
        "the PLC refuses a second command in a busy mailbox (check_mailbox); a gate that took it would only turn round"
    ),
    ("supervisor", "_against_gate: any((signal.has(Pallet.MOVING) for signal in image.pallets))"): (
        "a pallet that moves is in flight, in no cell, or neither home nor on the ground, and each of these refuses"
    ),
    ("supervisor", "_against_gate: not zone_clear(image)"): (
        "the PLC opens a closing gate again when either sensor sees somebody (somebody_seen)"
    ),
}
