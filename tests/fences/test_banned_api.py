"""Ruff stops the clock, chance and sleep where decisions are made, and lets them pass at the edge."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BANNED = [
    "import random\n\nx = random.random()\n",
    "import random\n\nx = random.choice([1, 2])\n",
    "import random\n\nx = random.SystemRandom()\n",
    "from random import randint\n\nx = randint(1, 2)\n",
    "import time\n\nx = time.time()\n",
    "import time\n\nx = time.monotonic()\n",
    "import time\n\nx = time.perf_counter_ns()\n",
    "from time import sleep\n\nsleep(1)\n",
    "from datetime import datetime\n\nx = datetime.now()\n",
    "from datetime import UTC, datetime\n\nx = datetime.now(tz=UTC)\n",
    "import datetime as dt\n\nx = dt.datetime.utcnow()\n",
    "from datetime import date\n\nx = date.today()\n",
    "import asyncio\n\n\nasync def wait() -> None:\n    await asyncio.sleep(1)\n",
    "import uuid\n\nx = uuid.uuid4()\n",
]


def findings(file_name: str, source: str) -> set[str]:
    """The rules that this source breaks under that name."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--no-cache",
            "--output-format=json",
            "--stdin-filename",
            file_name,
        ],
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return {finding["code"] for finding in json.loads(done.stdout)}


@pytest.mark.parametrize("source", BANNED)
def test_the_core_reads_no_clock_and_rolls_no_dice(source: str) -> None:
    assert "TID251" in findings("controller/x.py", source)


@pytest.mark.parametrize("folder", ["domain", "scheduler", "plc", "billing", "sim"])
def test_the_ban_covers(folder: str) -> None:
    assert "TID251" in findings(f"{folder}/x.py", "import time\n\nx = time.monotonic()\n")


@pytest.mark.parametrize(
    "file_name", ["runtime/realtime.py", "api/auth.py", "sim/modbus_server.py", "tests/sim/test_x.py"]
)
def test_the_edge_may(file_name: str) -> None:
    assert "TID251" not in findings(file_name, "\n".join(BANNED))


def test_a_seeded_generator_is_no_chance() -> None:
    assert "TID251" not in findings("sim/faults.py", "import random\n\nx = random.Random(7).random()\n")
