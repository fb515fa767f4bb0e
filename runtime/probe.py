"""One look at one module's PLC, for whoever commissions it."""

from __future__ import annotations

import asyncio
from typing import Any

from domain.ids import ModuleId
from plc.links.modbus import PymodbusPort, TcpEndpoint
from plc.links.module_link import ModuleLink
from plc.links.wire import WireError
from plc.register_map import MAP_VERSION, layout_hash
from runtime.config import Config
from sim.panel import PANEL_ADDRESS, SWITCHES

CONNECT_S = 3.0


async def turn_switch(config: Config, module: str, switch: str, value: int) -> str:
    """Turn a switch on the panel of a simulated machine; what went wrong, or nothing. Real PLCs refuse it."""
    endpoint = config.links.modules[ModuleId(module)]
    tcp = TcpEndpoint(endpoint.host, endpoint.port, endpoint.device_id, endpoint.timeout_ms)
    address = PANEL_ADDRESS + [name for name, _ in SWITCHES].index(switch)
    async with PymodbusPort(tcp) as port:
        try:
            await asyncio.wait_for(port.wait_connected(), CONNECT_S)
            await port.write_register(address, value)
        except (TimeoutError, WireError) as error:
            return f"{endpoint.host}:{endpoint.port}: {error or 'no connection'}"
    return ""


async def read_module(config: Config, module: str) -> dict[str, Any]:
    """Connect, read both blocks once, and say what stands there and whether it is what we expect."""
    name = ModuleId(module)
    endpoint = config.links.modules[name]
    layout = config.site.layout[name]
    tcp = TcpEndpoint(endpoint.host, endpoint.port, endpoint.device_id, endpoint.timeout_ms)
    async with PymodbusPort(tcp) as port:
        link = ModuleLink(layout, port)
        try:
            await asyncio.wait_for(port.wait_connected(), CONNECT_S)
        except TimeoutError:
            return {"answered": False, "reason": f"no connection to {endpoint.host}:{endpoint.port}"}
        answered = await link.exchange(0)
        identity, kept, image = link.signal(0).identity, link.signal(0).kept, link.image
    report: dict[str, Any] = {"answered": answered}
    if link.last_error is not None:
        report["reason"] = str(link.last_error)
    if identity is not None:
        expected = layout_hash(layout, config.site.machine)
        report |= {
            "map_version": identity.map_version,
            "map_version_expected": MAP_VERSION,
            "layout_hash": identity.layout_hash,
            "layout_hash_expected": expected,
            "boot_count": identity.boot_count,
        }
    if kept is not None:
        report |= {"anchor_seq": kept.seq, "anchor_hash": kept.hash}
    if image is not None:
        report |= {"mode": image.mode.name, "gate": image.gate.name, "faults": list(image.faults)}
        report |= {"motors_w": image.motors_w, "lifts": image.lifts, "slides": image.slides}
    return report
