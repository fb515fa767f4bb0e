"""JSON read key by key: every error names the path of the field at fault.

Decides shapes and bounds only; what the fields mean is the reader's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

_Word = TypeVar("_Word", bound=StrEnum)


class InstanceError(ValueError):
    """An instance that cannot be planned: where, and why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class Node:
    """A JSON object with the path that leads to it; says exactly which key is wrong."""

    def __init__(self, value: Any, path: str, known: tuple[str, ...]) -> None:
        if not isinstance(value, Mapping):
            raise InstanceError(path, f"expected an object, found {kind(value)}")
        for key in value:
            if key not in known:
                raise InstanceError(join(path, str(key)), f"unknown key; known are {', '.join(known)}")
        self._value = value
        self._path = path

    def path(self, key: str) -> str:
        """Where a key of this object stands."""
        return join(self._path, key)

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self._value.get(key) is not None

    def raw(self, key: str) -> Any:
        """The value as it stands; the key must be there."""
        if key not in self._value:
            raise InstanceError(self.path(key), "is missing")
        return self._value[key]

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within bounds."""
        if default is not None and key not in self._value:
            return default
        return integer(self.raw(key), self.path(key), low, high)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.raw(key)
        if not isinstance(value, bool):
            raise InstanceError(self.path(key), f"expected true or false, found {kind(value)}")
        return value

    def text(self, key: str) -> str:
        """A string that is not empty."""
        value = self.raw(key)
        if not isinstance(value, str) or not value:
            raise InstanceError(self.path(key), f"expected a text, found {kind(value)}")
        if value.encode(errors="ignore").decode() != value:
            raise InstanceError(self.path(key), f"{value!r} has half characters, which cannot be shown")
        return value

    def word(self, key: str, words: type[_Word], default: _Word | None = None) -> _Word:
        """One of a few words."""
        if default is not None and key not in self._value:
            return default
        value = self.raw(key)
        for word in words:
            if word.value == value:
                return word
        raise InstanceError(self.path(key), f"{value!r} is none of {', '.join(words)}")

    def items(self, key: str) -> list[Any]:
        """A list; empty if the key is missing."""
        value = self._value.get(key, [])
        if not isinstance(value, list):
            raise InstanceError(self.path(key), f"expected a list, found {kind(value)}")
        return value


def kind(value: Any) -> str:
    """What a value is, for a person who wrote it."""
    names = {dict: "an object", list: "a list", str: f"the text {value!r}", type(None): "nothing"}
    return names.get(type(value), repr(value))


def join(path: str, key: str) -> str:
    """The path of a key within the object at `path`."""
    return f"{path}.{key}" if path else key


def integer(value: Any, path: str, low: int, high: int) -> int:
    """A whole number within bounds; True and False are none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InstanceError(path, f"expected a whole number, found {kind(value)}")
    if not low <= value <= high:
        raise InstanceError(path, f"{value} is not between {low} and {high}")
    return value
