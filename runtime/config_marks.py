"""YAML with its places: every value of `config.yaml` knows the line and column it was written at.

Decides how a file is read, how environment variables override it, and where a problem is. Does not
judge what the values mean; that is `runtime.config_models` and `runtime.config_checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ENV_PREFIX = "GARAGE__"
FILE_SUFFIX = "_FILE"
_TEXTS = ("api", "tokens")
"""Values below this path are texts, even where they look like numbers."""

ValuePath = tuple[str | int, ...]
"""Keys and list positions that lead to a value: ("modules", 0, "columns")."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written. Line and column count from 1; line 0 means the whole source."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong: where, with which value, and why in plain words."""

    place: Place
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.path}: {self.reason}" if self.path else f"{self.place}: {self.reason}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` has every reason found."""

    def __init__(self, problems: list[ConfigProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass
class MarkedDocument:
    """The values of a YAML file, the place of each, and the problems met while reading."""

    source: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[ValuePath, Place] = field(default_factory=dict)
    key_places: dict[ValuePath, Place] = field(default_factory=dict)
    problems: list[ConfigProblem] = field(default_factory=list)

    def place_of(self, path: ValuePath, *, key: bool = False) -> Place:
        """The place of a value (or of its key), or of the closest thing around it that was written."""
        if key and path in self.key_places:
            return self.key_places[path]
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place(self.source)

    def problem(self, path: ValuePath, reason: str, *, key: bool = False) -> None:
        """Note a problem with the value at a path."""
        self.problems.append(ConfigProblem(self.place_of(path, key=key), path_text(path), reason))

    def from_environment(self, path: ValuePath) -> bool:
        """Whether this value came from an environment variable instead of the file."""
        return self.place_of(path).source != self.source


def path_text(path: ValuePath) -> str:
    """A path as people write it: `modules[0].columns`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_document(file: Path, environ: Mapping[str, str]) -> MarkedDocument:
    """Read a YAML file and lay the `GARAGE__...` variables over it; problems stay in the document."""
    document = MarkedDocument(str(file))
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        document.problem((), f"cannot be read: {error.strerror or error}")
        return document
    except UnicodeDecodeError as error:
        document.problem((), f"is not UTF-8 text (byte {error.start})")
        return document
    _compose(document, text)
    if not document.problems:
        _override(document, environ)
    return document


def _compose(document: MarkedDocument, text: str) -> None:
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(document.source, before.count("\n") + 1, len(before) - before.rfind("\n"))
        reason = f"no valid YAML: the character {error.character:#06x} is not allowed"
        document.problems.append(ConfigProblem(place, "", reason))
        return
    try:
        node = loader.get_single_node()
        if node is None:
            document.problem((), "is empty")
        elif not isinstance(node, yaml.MappingNode):
            document.places[()] = Place(document.source, 1, 1)
            document.problem((), "must be a list of `key: value` sections")
        else:
            document.data = _value(document, loader, node, (), frozenset())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(document.source, mark.line + 1, mark.column + 1) if mark else Place(document.source)
        reason = " ".join(part for part in (error.context, error.problem) if part)
        document.problems.append(ConfigProblem(place, "", f"no valid YAML: {reason}"))
    finally:
        loader.dispose()


def _value(
    document: MarkedDocument,
    loader: yaml.SafeLoader,
    node: yaml.Node,
    path: ValuePath,
    above: frozenset[int],
) -> Any:
    """The Python value of a node; notes the place of everything in it on the way."""
    mark = node.start_mark
    document.places[path] = Place(document.source, mark.line + 1, mark.column + 1)
    if id(node) in above:
        document.problem(path, "contains itself")
        return None
    above |= {id(node)}
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, loader, node, path, above)
    if isinstance(node, yaml.SequenceNode):
        return [_value(document, loader, item, (*path, i), above) for i, item in enumerate(node.value)]
    try:
        return loader.construct_object(node)
    except ValueError as error:
        document.problem(path, f"no valid value: {error}")
        return None


def _mapping(
    document: MarkedDocument,
    loader: yaml.SafeLoader,
    node: yaml.MappingNode,
    path: ValuePath,
    above: frozenset[int],
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        place = Place(document.source, mark.line + 1, mark.column + 1)
        if not isinstance(key_node, yaml.ScalarNode):
            document.problems.append(ConfigProblem(place, path_text(path), "a key must be a single word"))
            continue
        key = str(key_node.value)
        inner = (*path, key)
        if key_node.tag == "tag:yaml.org,2002:merge":
            reason = "merge keys (<<) are not used here; write the values out"
            document.problems.append(ConfigProblem(place, path_text(path), reason))
        elif key in values:
            first = document.key_places[inner]
            reason = f"is written twice; the first is in line {first.line}"
            document.problems.append(ConfigProblem(place, path_text(inner), reason))
        else:
            document.key_places[inner] = place
            values[key] = _value(document, loader, value_node, inner, above)
    return values


def _override(document: MarkedDocument, environ: Mapping[str, str]) -> None:
    """Lay `GARAGE__SECTION__KEY` and `GARAGE__SECTION__KEY_FILE` over the file's values."""
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX):
            continue
        place = Place(f"environment variable {name}")
        words = name.removeprefix(ENV_PREFIX).lower()
        text = environ[name]
        from_file = words.endswith(FILE_SUFFIX.lower())
        if from_file:
            words = words.removesuffix(FILE_SUFFIX.lower())
            try:
                text = Path(text).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                document.problems.append(ConfigProblem(place, "", f"file {text} cannot be read: {error}"))
                continue
        path: ValuePath = tuple(int(word) if word.isdigit() else word for word in words.split("__"))
        reason = _put(document, path, text, raw=from_file)
        if reason:
            document.problems.append(ConfigProblem(place, path_text(path), reason))
            continue
        for known in [known for known in document.places if known[: len(path)] == path]:
            del document.places[known]
        document.places[path] = document.key_places[path] = place


def _put(document: MarkedDocument, path: ValuePath, text: str, *, raw: bool) -> str:
    """Set one value; an answer says why it cannot be set."""
    if len(path) < 2 or "" in path:
        return "name a section and a key, for example GARAGE__API__PORT"
    holder: Any = document.data
    for place, part in enumerate(path[:-1]):
        if isinstance(holder, list) and isinstance(part, int) and part < len(holder):
            holder = holder[part]
        elif isinstance(holder, dict) and isinstance(part, str):
            holder = holder.setdefault(part, {})
        else:
            return f"there is no {path_text(path[: place + 1])}"
    last = path[-1]
    raw = raw or path[: len(_TEXTS)] == _TEXTS
    if isinstance(holder, dict):
        raw = raw or isinstance(holder.get(str(last)), str)
        holder[str(last)] = text if raw else _scalar(text)
        return ""
    if isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        holder[last] = text if raw or isinstance(holder[last], str) else _scalar(text)
        return ""
    return f"there is no {path_text(path)}"


def _scalar(text: str) -> Any:
    """A variable's text as YAML would read it when it is a plain number, truth value or word."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, (int, float)) else text
