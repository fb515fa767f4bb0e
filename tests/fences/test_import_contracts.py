"""Each import contract fails when one line breaks it: a fence nobody has leaned on may be a painted one."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
NAMES = {contract["id"]: contract["name"] for contract in LINTER["contracts"]}
PURE = ("domain", "scheduler", "controller", "plc.codec", "plc.register_map")

BREACHES = [
    ("layers", "domain", "import scheduler"),
    ("layers", "scheduler", "import controller"),
    ("layers", "controller", "import runtime"),
    ("layers", "controller", "import plc"),
    ("layers", "plc", "import billing"),
    ("layers", "billing", "import api"),
    ("layers", "api", "import sim"),
    ("layers", "sim", "import runtime"),
    ("sim-is-the-plant", "sim", "import controller"),
    ("sim-is-the-plant", "sim", "import scheduler"),
    ("sim-is-the-plant", "sim", "import billing"),
    ("sim-is-the-plant", "sim", "import plc.links"),
    ("api-is-the-edge", "api", "import plc.register_map"),
    ("api-is-the-edge", "api", "import scheduler"),
    ("plc-and-billing-do-not-plan", "plc", "import scheduler"),
    ("plc-and-billing-do-not-plan", "billing", "import scheduler"),
    *(("pure-core", module, "import time") for module in PURE),
    ("pure-core", "controller", "from os.path import exists"),
    ("pure-core", "controller", "def late() -> None:\n    import asyncio"),
    ("pure-core", "domain", "import pydantic.fields"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The Python packages and their contracts, free to be broken."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in LINTER["root_packages"]:
        for source in (ROOT / package).rglob("*.py"):
            if "node_modules" not in source.parts:
                target = tmp_path / source.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    return tmp_path


def lint(copy: Path, *contracts: str) -> tuple[int, str]:
    """Exit code and report of import-linter over the copy."""
    only = [option for contract in contracts for option in ("--contract", contract)]
    # -P keeps no folder of this process in the way; the linter puts its own working folder first.
    command = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", command, "--no-cache", *only],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def append(copy: Path, module: str, line: str) -> None:
    """Add a line to a module or to the package of that name."""
    path = copy.joinpath(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    with source.open("a", encoding="utf-8") as file:
        file.write(f"\n\n{line}\n")


def test_the_tree_keeps_its_contracts(copy: Path) -> None:
    code, report = lint(copy)

    assert code == 0, report
    for name in NAMES.values():
        assert f"{name} KEPT" in report


@pytest.mark.parametrize(("contract", "module", "line"), BREACHES)
def test_one_line_breaks_its_contract(copy: Path, contract: str, module: str, line: str) -> None:
    append(copy, module, line)

    code, report = lint(copy, contract)

    assert code == 1, report
    assert f"{NAMES[contract]} BROKEN" in report


def test_every_contract_has_a_breach() -> None:
    assert {contract for contract, _, _ in BREACHES} == set(NAMES)
