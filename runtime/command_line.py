"""What the commands of `garagectl` share: options spelt once, the configuration read, answers printed.

Decides how a wrong configuration is told (every problem on stderr, exit 2), that `--json` answers are indented
JSON, and how far long work has come.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from runtime.config import Config

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="Configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
CONFIG = Path("config.yaml")


def load_config(path: Path) -> Config:
    """The configuration of a file; exits with 2, every problem told, if it cannot be used."""
    from runtime.config import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(2) from error


def print_answer(data: Any, as_json: bool, lines: Sequence[str]) -> None:
    """The answer as JSON, or as lines for people."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2) if as_json else "\n".join(lines))


class PhaseBars:
    """A progress bar for each phase of long work, on a terminal; elsewhere a line as each begins."""

    def __init__(self) -> None:
        self._phase = ""
        self._done = 0
        self._bar: Any = None

    def __enter__(self) -> PhaseBars:
        return self

    def __exit__(self, *raised: object) -> None:
        self._end()

    def tell(self, phase: str, done: int, total: int) -> None:
        """So much of a phase is done."""
        if phase != self._phase:
            self._end()
            self._phase, self._done = phase, 0
            if sys.stderr.isatty():
                self._bar = typer.progressbar(length=total, label=phase, file=sys.stderr)
                self._bar.__enter__()
            else:
                typer.echo(f"{phase}: {total}", err=True)
        if self._bar is not None:
            self._bar.update(done - self._done)
        self._done = done

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
