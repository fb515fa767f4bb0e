"""mypy runs strict over every package."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def move(bay):\n    return bay\n", "no-untyped-def"),
        ("def bays() -> list:\n    return []\n", "type-arg"),
        ("def bay() -> int:\n    return None\n", "return-value"),
    ],
)
def test_mypy_stops(tmp_path: Path, source: str, error: str) -> None:
    module = tmp_path / "leaning.py"
    module.write_text(source, encoding="utf-8")

    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), str(module)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"[{error}]" in done.stdout


def test_every_package_is_under_mypy() -> None:
    assert set(CONFIG["mypy"]["files"]) == {*CONFIG["importlinter"]["root_packages"], "tests"}


def test_no_package_is_let_off() -> None:
    lenient = [override["module"] for override in CONFIG["mypy"].get("overrides", ()) if "ignore_errors" in override]

    assert lenient == []
