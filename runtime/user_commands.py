"""The commands `garagectl user`: who may log in by name.

Decides how passwords are asked for: twice on a terminal, else one line of standard input; never as an argument,
where everybody on the machine could read it.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.command_line import CONFIG, ConfigOption, JsonOption, load_config, print_answer

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.users import UserBook

user = typer.Typer(no_args_is_help=True, help="People who log in by name.")

_NameArgument = Annotated[str, typer.Argument(help="The person's name, as it stands in the journal.")]
_RoleOption = Annotated[str, typer.Option(help="operator, administrator or committee.")]


@contextmanager
def _book(config: Path) -> Iterator[UserBook]:
    """The people of the configured database; exit 1 with the reason for what cannot be done."""
    from sqlalchemy.exc import SQLAlchemyError

    from runtime.database import open_database
    from runtime.users import UserBook, UserError

    try:
        engine = open_database(load_config(config).database_url)
    except SQLAlchemyError as error:
        typer.echo(f"the database cannot be opened: {error}", err=True)
        raise typer.Exit(1) from error
    try:
        book = UserBook(engine)
        book.refresh()
        yield book
    except (UserError, SQLAlchemyError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    finally:
        engine.dispose()


@user.command()
def add(name: _NameArgument, role: _RoleOption = "operator", config: ConfigOption = CONFIG) -> None:
    """Let a person log in. The password is asked for, or read as one line from standard input."""
    from runtime.users import PERSON_ROLES

    found = next((one for one in PERSON_ROLES if one == role), None)
    if found is None:
        typer.echo(f"{role}: a person is one of {', '.join(PERSON_ROLES)}", err=True)
        raise typer.Exit(2)
    with _book(config) as book:
        person = book.add(name, found, _password(), _now_utc_ms())
    typer.echo(f"{person.name} may log in as {person.role}")


@user.command("list")
def list_people(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Everybody who may log in by name."""
    with _book(config) as book:
        people = book.everybody()
    rows = [{"name": one.name, "role": str(one.role), "changed_at": _utc(one.changed_utc_ms)} for one in people]
    lines = [f"{row['name']}: {row['role']}, password of {row['changed_at']}" for row in rows]
    print_answer({"users": rows}, as_json, lines or ["nobody"])


@user.command()
def remove(name: _NameArgument, config: ConfigOption = CONFIG) -> None:
    """Let a person log in no more; a login that is open ends within seconds."""
    with _book(config) as book:
        book.remove(name)
    typer.echo(f"{name} may not log in any more")


@user.command()
def password(name: _NameArgument, config: ConfigOption = CONFIG) -> None:
    """Give a person another password; their open logins end within seconds."""
    with _book(config) as book:
        book.set_password(name, _password(), _now_utc_ms())
    typer.echo(f"{name} has another password")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _now_utc_ms() -> int:
    return time.time_ns() // 1_000_000


def _utc(utc_ms: int) -> str:
    return dt.datetime.fromtimestamp(utc_ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
