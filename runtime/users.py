"""The people who may log in: added, listed, removed, and known by their passwords.

Decides how a password is kept (scrypt of RFC 7914 with a salt of its own, and its cost beside it) and when two
names are one. What a role may do is `api.access`'; how fast somebody may guess is `api.logins`'.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Delete, Engine, Row, Update, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from api.settings import Principal, Role
from runtime.database import writing
from runtime.user_tables import users

PERSON_ROLES: Final = (Role.OPERATOR, Role.ADMINISTRATOR, Role.COMMITTEE)
"""Roles that people have; programs have tokens."""

NAME_LENGTH_MAX: Final = 40
PASSWORD_LENGTH_MIN: Final = 10
PASSWORD_LENGTH_MAX: Final = 200

_COST_LOG2: Final = 15
_BLOCK: Final = 8
_LANES: Final = 3
"""32 MiB and some 0.2 s a guess: one of the settings that OWASP calls sufficient (2024)."""


class UserError(Exception):
    """What was asked of the list of people cannot be done; the text says why."""


@dataclass(frozen=True, slots=True)
class User:
    """One person; `secret` is what is kept of the password."""

    name: str
    role: Role
    secret: str
    changed_utc_ms: int


@dataclass(slots=True)
class UserBook:
    """The people of one database.

    Who is asked about is answered from what was read last (`refresh`), so that a database that is away
    neither slows a request down nor logs anybody out.
    """

    engine: Engine
    _known: dict[str, User] = field(default_factory=dict)

    def refresh(self) -> None:
        """Read the list anew; raises SQLAlchemyError when the database is away."""
        with self.engine.connect() as connection:
            self._known = {row.key: _user(row) for row in connection.execute(select(users))}

    def everybody(self) -> list[User]:
        """All people by name, as of the last `refresh`."""
        return sorted(self._known.values(), key=lambda user: user.name)

    def add(self, name: str, role: Role, password: str, utc_ms: int) -> User:
        """A new person; raises UserError for a name that is taken or no name, and for a short password."""
        user = User(_checked(name), role, hashed(password), utc_ms)
        row = {"key": _key(name), "name": user.name, "role": role, "secret": user.secret, "changed_utc_ms": utc_ms}
        try:
            with writing(self.engine) as connection:
                connection.execute(insert(users).values(row))
        except IntegrityError:
            raise UserError(f"there is somebody called {name} already") from None
        self.refresh()
        return user

    def set_password(self, name: str, password: str, utc_ms: int) -> None:
        """Another password; whoever is logged in by the old one is logged out."""
        self._write(update(users).values(secret=hashed(password), changed_utc_ms=utc_ms), name)

    def remove(self, name: str) -> None:
        """Take a person from the list. What they did stays in the journal."""
        self._write(delete(users), name)

    def _write(self, statement: Update | Delete, name: str) -> None:
        with writing(self.engine) as connection:
            if not connection.execute(statement.where(users.c.key == _key(name))).rowcount:
                raise UserError(f"there is nobody called {name}")
        self.refresh()

    # -- for the edge --------------------------------------------------------------------------

    def check(self, name: str, password: str) -> Principal | None:
        """Who this is, or None; takes as long for a name that nobody has."""
        user = self._known.get(_key(name))
        if not _matches(user.secret if user is not None else _NOBODY, password) or user is None:
            return None
        return Principal(user.name, user.role, is_person=True)

    def stamp(self, name: str) -> str | None:
        """Changes with a person's password or role; None for nobody."""
        user = self._known.get(_key(name))
        return None if user is None else f"{user.role} {user.secret}"


def hashed(password: str) -> str:
    """What is kept of a password: `scrypt$15$8$3$salt$digest`; raises UserError for a short one."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise UserError(f"a password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters")
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, _COST_LOG2, _BLOCK, _LANES)
    return "$".join(("scrypt", str(_COST_LOG2), str(_BLOCK), str(_LANES), _text(salt), _text(digest)))


def _matches(secret: str, password: str) -> bool:
    _, cost, block, lanes, salt, digest = secret.split("$")
    found = _scrypt(password[:PASSWORD_LENGTH_MAX], b64decode(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(found, b64decode(digest))


def _scrypt(password: str, salt: bytes, cost_log2: int, block: int, lanes: int) -> bytes:
    # One character may be typed in several ways (RFC 8265); the digest must not depend on the keyboard.
    text = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    memory_bytes = 128 * block * (2**cost_log2 + lanes + 2)
    return hashlib.scrypt(text, salt=salt, n=2**cost_log2, r=block, p=lanes, maxmem=2 * memory_bytes, dklen=32)


def _text(data: bytes) -> str:
    return b64encode(data).decode()


_NOBODY: Final = "$".join(("scrypt", str(_COST_LOG2), str(_BLOCK), str(_LANES), _text(bytes(16)), _text(bytes(32))))


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()[:80]


def _checked(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        raise UserError(f"a name has 1 to {NAME_LENGTH_MAX} printable characters")
    if _key(name) in tuple(Role):
        raise UserError(f"{name} is the name of a role; a person needs their own")
    return name


def _user(row: Row[tuple[str, str, str, str, int]]) -> User:
    return User(row.name, Role(row.role), row.secret, row.changed_utc_ms)
