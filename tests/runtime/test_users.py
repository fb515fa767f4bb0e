"""People who log in by name: how they are kept, and the commands that add and remove them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner, Result

from api.settings import Principal, Role
from runtime.cli import app
from runtime.database import open_database, open_engine
from runtime.user_tables import users
from runtime.users import UserBook, UserError

PASSWORD = "correct horse battery"
CONFIG = Path(__file__).parents[2] / "config.yaml"


@pytest.fixture
def book(database_url: str) -> Iterator[UserBook]:
    engine = open_database(database_url)
    yield UserBook(engine)
    engine.dispose()


def test_a_person_is_known_by_the_password_and_not_by_another(book: UserBook) -> None:
    book.add("王芳", Role.OPERATOR, PASSWORD, 1)
    assert book.check("王芳", PASSWORD) == Principal("王芳", Role.OPERATOR, is_person=True)
    assert book.check("王芳", PASSWORD + "!") is None
    assert book.check("李", PASSWORD) is None
    # and another program that reads the database anew knows them too
    other = UserBook(book.engine)
    other.refresh()
    assert other.check("王芳", PASSWORD) is not None


def test_a_password_is_kept_as_a_salted_digest_only(book: UserBook) -> None:
    book.add("Wang", Role.OPERATOR, PASSWORD, 1)
    book.add("Li", Role.OPERATOR, PASSWORD, 1)
    with book.engine.connect() as connection:
        secrets = [row.secret for row in connection.execute(select(users))]
    assert len(set(secrets)) == 2
    assert all(secret.startswith("scrypt$15$8$3$") and PASSWORD not in secret for secret in secrets)


@pytest.mark.parametrize("twin", ["wang", "WANG", " Wang ", "Ｗａｎｇ"])
def test_no_two_people_have_the_same_name(book: UserBook, twin: str) -> None:
    book.add("Wang", Role.OPERATOR, PASSWORD, 1)
    with pytest.raises(UserError, match="already"):
        book.add(twin, Role.ADMINISTRATOR, PASSWORD, 2)
    # and however the name is typed, it is journalled as it was entered first
    assert book.check(twin, PASSWORD) == Principal("Wang", Role.OPERATOR, is_person=True)


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 41, "Operator", "service"])
def test_what_is_no_name_of_a_person_is_refused(book: UserBook, name: str) -> None:
    with pytest.raises(UserError):
        book.add(name, Role.OPERATOR, PASSWORD, 1)


def test_a_short_password_is_refused(book: UserBook) -> None:
    with pytest.raises(UserError, match="10 to 200"):
        book.add("Wang", Role.OPERATOR, "short", 1)
    assert book.everybody() == []


def test_another_password_ends_older_logins_and_so_does_being_removed(book: UserBook) -> None:
    book.add("Wang", Role.OPERATOR, PASSWORD, 1)
    first = book.stamp("Wang")
    book.set_password("wang", "another password", 2)
    assert book.stamp("Wang") not in (first, None)
    assert (book.check("Wang", PASSWORD), book.check("Wang", "another password") is None) == (None, False)
    book.remove("Wang")
    assert book.stamp("Wang") is None
    with pytest.raises(UserError, match="nobody"):
        book.remove("Wang")
    with pytest.raises(UserError, match="nobody"):
        book.set_password("Wang", PASSWORD, 3)


def test_while_the_database_is_away_people_are_still_known(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/garage.db")
    book = UserBook(engine)
    book.add("Wang", Role.OPERATOR, PASSWORD, 1)
    book.engine = open_engine(f"sqlite:///{tmp_path}/another.db")
    with pytest.raises(OperationalError):
        book.refresh()
    assert book.check("Wang", PASSWORD) is not None
    engine.dispose()
    book.engine.dispose()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    text = CONFIG.read_text(encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def garagectl(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(app, ["user", *arguments], input=stdin)


def test_people_are_added_listed_and_removed_by_command(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    at = ("--config", str(config))
    added = garagectl("add", "王芳", "--role", "administrator", *at, stdin=f"{PASSWORD}\n")
    assert (added.exit_code, added.stdout) == (0, "王芳 may log in as administrator\n")
    listed = garagectl("list", "--json", *at)
    assert [(one["name"], one["role"]) for one in json.loads(listed.stdout)["users"]] == [("王芳", "administrator")]
    assert PASSWORD not in listed.stdout
    again = garagectl("add", "王芳", *at, stdin=f"{PASSWORD}\n")
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    assert garagectl("password", "王芳", *at, stdin="short\n").exit_code == 1
    assert garagectl("password", "王芳", *at, stdin="another password\n").exit_code == 0
    assert garagectl("remove", "王芳", *at).exit_code == 0
    assert garagectl("list", *at).stdout == "nobody\n"
    assert garagectl("remove", "王芳", *at).exit_code == 1


def test_a_role_that_no_person_has_is_wrong_use(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = garagectl("add", "Wang", "--role", "service", "--config", str(config), stdin=f"{PASSWORD}\n")
    assert (wrong.exit_code, "administrator" in wrong.stderr) == (2, True)
