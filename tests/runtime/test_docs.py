"""The pages tell of nothing that is not there: links, paths and commands, with their options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from domain.alarm_catalogue import CATALOGUE
from runtime.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]

LINK = re.compile(r"\]\(([^)\s]+)\)")
DOCS_PATH = re.compile(r"(?<![\w/.])docs/[\w./-]*")
CODE_PATH = re.compile(
    r"(?<![\w/.])(?:api|billing|controller|deploy|domain|plc|runtime|scheduler|sim|tests)/[\w./-]*\w"
)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
COMMAND = re.compile(r"\bgaragectl +([a-z][^`\n]*)")

MADE_BY_SETUP = ("api/static/vendor",)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def is_there(path: Path) -> bool:
    """A file, or a folder with something in it: git keeps no empty folders."""
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def links(name: str) -> Iterator[tuple[str, Path]]:
    for target in LINK.findall(text_of(name)):
        if "://" not in target and not target.startswith(("#", "mailto:")):
            yield target, (ROOT / name).parent / target.partition("#")[0]


def mentioned(name: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, Path]]:
    for found in pattern.findall(text_of(name)):
        path = found.rstrip(".")
        if not path.startswith(MADE_BY_SETUP):
            yield path, ROOT / path


def commands(name: str) -> Iterator[list[str]]:
    """Every `garagectl ...` in code, as words; comments are cut off."""
    text = text_of(name)
    blocks = FENCE.findall(text)
    # A span may run over the end of a line.
    spans = [span.replace("\n", " ") for span in SPAN.findall(FENCE.sub("", text))]
    for code in (*blocks, *spans):
        for line in COMMAND.findall(code):
            yield shlex.split(line, comments=True)


def problem(words: list[str]) -> str | None:
    """What `garagectl` would not understand in these words."""
    node: Any = get_command(app)
    rest = list(words)
    while hasattr(node, "commands"):
        if not rest or rest[0] not in node.commands:
            return f"no command {' '.join(words)!r}"
        node = node.commands[rest.pop(0)]
    known = {option for parameter in node.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in rest if word.startswith("-") and word.partition("=")[0] not in known]
    return f"{' '.join(words)!r} has no option {unknown[0]}" if unknown else None


@pytest.mark.parametrize("name", NAMES)
def test_every_link_and_path_of_a_page_leads_somewhere(name: str) -> None:
    found = [*links(name), *mentioned(name, DOCS_PATH), *mentioned(name, CODE_PATH)]

    assert [target for target, path in found if not is_there(path)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_a_page_can_be_typed(name: str) -> None:
    assert [wrong for wrong in map(problem, commands(name)) if wrong is not None] == []


def test_every_alarm_says_in_the_documents_what_an_operator_does() -> None:
    rows = [line for line in text_of("docs/alarms.md").splitlines() if line.startswith("| ")]
    for kind in CATALOGUE.values():
        (row,) = [line for line in rows if f"`{kind.code}`" in line]
        assert kind.action.english in row, kind.code
        assert kind.action.chinese in row, kind.code
    assert "docs/alarms.md" in text_of("docs/operating.md")


def test_every_command_of_the_program_is_told_of() -> None:
    told = {words[0] for name in NAMES for words in commands(name)}

    program: Any = get_command(app)
    assert set(program.commands) - told == set()


def test_the_checks_see_what_is_wrong() -> None:
    assert problem(["simulate", "--days", "7"]) is None
    assert problem(["db", "upgrade"]) is None
    assert problem(["teleport"]) == "no command 'teleport'"
    assert problem(["db", "drop"]) == "no command 'db drop'"
    assert problem(["simulate", "--fast"]) == "'simulate --fast' has no option --fast"
    assert not is_there(ROOT / "docs/teleporting.md")
    assert "docs/faults.md" in [target for target, _ in mentioned("README.md", DOCS_PATH)]
    assert ["check-config"] in list(commands("README.md"))
    assert "0001-process-image-and-pure-step.md" in [target for target, _ in links("docs/decisions/README.md")]
