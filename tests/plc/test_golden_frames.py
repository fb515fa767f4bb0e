"""Exact bytes on the wire: whoever writes the PLC's program can hold these against a sniffer."""

from __future__ import annotations

import asyncio

from domain.ids import ModuleId
from domain.outputs import MailboxWrite, Opcode
from plc.codec import encode_mailbox
from plc.links.modbus import PymodbusPort, TcpEndpoint
from plc.register_map import status_words
from sim.modbus_server import serve
from tests.contracts.devices import FakeDevice, raw_server, read_answer, read_request
from tests.sites import small_site

LAYOUT = small_site().modules[0]

#                 tid  pid  len  unit fc addr count
STATUS_REQUEST = "0001 0000 0006 01   04 0000 002a"

STATUS_ANSWER = (
    "0001 0000 0057 01 04 54 "  # 84 bytes follow
    "0001 abcd1234 0003 002a 0029 "  # map version, layout hash, boot count, PLC heartbeat, echo of ours
    "0001 0000 007f 0001 "  # automatic, key off, all safe, gate closed
    "0000157c 00000007 00010000 00000e10 "  # 5500 W, 7 lifts, 65536 slides, 3600 s
    "012d 0000 0000 0000 0000 0000 0000 0000 "  # fault 301
    "00000000 0000 0000 "  # gate mailbox
    "0000000b 0002 0000 0003 0000 "  # level 1: command 11 done, columns 1 and 2
    "0000000c 0001 0000 0007 ff38"  # level 2: command 12 running, three columns, slide at -200 mm
)
#                tid  pid  len  unit fc addr count bytes opcode first second deadline  id
MAILBOX_WRITE = "0001 0000 0015 01   10 001a 0007  0e    0002   0001  0000   00007530  0001000c"
MAILBOX_ACCEPTED = "0001 0000 0006 01 10 001a 0007"

LOWER_FIRST_OF_LEVEL_2 = MailboxWrite(ModuleId("A"), 2, 0x1_000C, Opcode.LOWER, 1, 0, 30_000)


def status_of_answer() -> list[int]:
    """The words of the golden answer."""
    payload = bytes.fromhex(STATUS_ANSWER)[9:]
    return [int.from_bytes(payload[at : at + 2], "big") for at in range(0, len(payload), 2)]


def test_what_the_supervisor_sends() -> None:
    heard: list[str] = []
    words = status_of_answer()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        heard.append(request.hex())
        writer.write(bytes.fromhex(MAILBOX_ACCEPTED) if request[7] == 16 else read_answer(request, words))

    async def run() -> list[int]:
        async with asyncio.timeout(20), raw_server(talk) as number:
            endpoint = TcpEndpoint("127.0.0.1", number, timeout_ms=5000)
            async with PymodbusPort(endpoint) as reading:
                await reading.wait_connected()
                status = await reading.read_input(0, status_words(len(LAYOUT.levels)))
            async with PymodbusPort(endpoint) as writing:
                await writing.wait_connected()
                await writing.write_registers(*encode_mailbox(LOWER_FIRST_OF_LEVEL_2))
        return status

    assert asyncio.run(run()) == words
    assert heard == [bytes.fromhex(STATUS_REQUEST).hex(), bytes.fromhex(MAILBOX_WRITE).hex()]


def test_what_a_device_answers() -> None:
    device = FakeDevice(inputs=status_of_answer())

    async def run() -> list[bytes]:
        server = await serve({1: device}, "127.0.0.1", 0, lambda: None)
        reader, writer = await asyncio.open_connection(server.host, server.port)
        answers = []
        try:
            async with asyncio.timeout(20):
                for request in (STATUS_REQUEST, MAILBOX_WRITE):
                    writer.write(bytes.fromhex(request))
                    answers.append(await read_request(reader))
        finally:
            writer.close()
            await writer.wait_closed()
            await server.shutdown()
        return answers

    assert asyncio.run(run()) == [bytes.fromhex(STATUS_ANSWER), bytes.fromhex(MAILBOX_ACCEPTED)]
    assert device.writes == [(26, [2, 1, 0, 0, 30_000, 1, 12])]
