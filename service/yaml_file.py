"""Every YAML file of ours is read here: YAML 1.2 core values, each with its place, validated by a pydantic model.

Safe by construction: no tags beyond the core schema, no merge keys, no duplicate keys, bounded size, depth and aliases.
The traps of YAML 1.1 are shut: ``yes``, ``on`` and dates are text, ``012`` (an account id without quotes) is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from service.errors import ContentError, ContentErrors, Place
from service.yaml_errors import explain

M = TypeVar("M", bound=BaseModel)
Key = str | int

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 40
MAX_VALUES = 200_000
"""Values a file may hold once its aliases are expanded."""

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_PADDED = re.compile(r"[-+]?0[0-9_]+")
_OTHER_BASE = re.compile(r"0[xob][0-9a-fA-F_]+")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_KINDS = ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value")
_CORE_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in _KINDS}
_QUOTE_FIRST = {"*": "an alias", "&": "an anchor", "!": "a tag", "%": "a directive", "@": "reserved", "`": "reserved"}


@dataclass(frozen=True, slots=True)
class YamlFile(Generic[M]):
    """A validated file: ``value`` the model, ``data`` the plain values, ``place()`` where each of them stands."""

    path: str
    value: M
    data: Any
    places: dict[tuple[Key, ...], Place] = field(repr=False)

    def place(self, *keys: Key) -> Place:
        """Where the value under these keys (in a mapping: its key) stands; else its nearest parent."""
        return _nearest(self.places, keys, self.path)

    def error(self, keys: tuple[Key, ...], code: str, reason: str, hint: str = "") -> ContentError:
        """A ContentError that points at the value under ``keys``."""
        return ContentError(self.place(*keys), code, reason, hint)


def read(path: Path, model: type[M]) -> YamlFile[M]:
    """The file as an instance of ``model``; raises ContentErrors with every fault that was found."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _single(ContentError(Place(str(path)), "no_file", f"cannot be read: {error.strerror}")) from error
    return read_text(data, model, str(path))


def read_text(text: bytes | str, model: type[M], path: str = "<text>") -> YamlFile[M]:
    """Like ``read`` for content that is already here; ``path`` is only what errors call it."""
    data, places = load(text, path)
    try:
        value = model.model_validate_json(json.dumps({} if data is None else data), strict=True)
    except ValidationError as error:
        faults = [
            ContentError(_nearest(places, fault.keys, path), fault.code, fault.reason, fault.hint)
            for fault in explain(error, data, model)
        ]
        faults.sort(key=lambda fault: (fault.place.line, fault.place.column))
        raise ContentErrors(f"{path} is not valid", faults) from error
    return YamlFile(path, value, data, places)


def load(text: bytes | str, path: str = "<text>") -> tuple[Any, dict[tuple[Key, ...], Place]]:
    """Plain values (keys are text) and the place of each; raises ContentErrors when it is not the YAML we take."""
    reader = _Reader(path, _content(text, path))
    return reader.values(), reader.places


def load_documents(text: bytes | str, path: str = "<text>") -> list[tuple[Any, dict[tuple[Key, ...], Place]]]:
    """Like ``load`` for each of several documents, as other people write them: padded numbers are text, not refused."""
    content = _content(text, path)
    return [(reader.value(node), reader.places) for reader, node in _Reader(path, content, padded=True).documents()]


def _content(text: bytes | str, path: str) -> str:
    if len(text) > MAX_BYTES:
        raise _single(ContentError(Place(path), "too_big", f"is larger than {MAX_BYTES} bytes"))
    try:
        return text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise _single(ContentError(Place(path), "not_yaml", f"is not UTF-8 (byte {error.start})")) from error


def _nearest(places: dict[tuple[Key, ...], Place], keys: tuple[Key, ...], path: str) -> Place:
    for length in range(len(keys), -1, -1):
        found = places.get(keys[:length])
        if found is not None:
            return found
    return Place(path)


def _is_empty(node: yaml.Node) -> bool:
    """Nothing between two ``---``, or before the first."""
    return isinstance(node, yaml.ScalarNode) and not node.value and not node.style


def _single(error: ContentError) -> ContentErrors:
    return ContentErrors(f"{error.place.file} is not valid", [error])


class _Reader:
    """One pass over one document: nodes → plain values."""

    def __init__(self, path: str, text: str, *, padded: bool = False) -> None:
        self.path = path
        self.text = text
        self.padded = padded
        self.places: dict[tuple[Key, ...], Place] = {}
        self.faults: list[ContentError] = []
        self.left = MAX_VALUES

    def values(self) -> Any:
        return self.value(self._composed(yaml.compose))

    def documents(self) -> Iterator[tuple[_Reader, yaml.Node]]:
        """Every document that is not empty, with a reader of its own."""
        for node in self._composed(lambda text, loader: list(yaml.compose_all(text, loader))):
            if not _is_empty(node):
                yield _Reader(self.path, self.text, padded=self.padded), node

    def value(self, node: yaml.Node | None) -> Any:
        if node is None:
            return None
        value = self._value(node, (), 0)
        if self.faults:
            raise ContentErrors(f"{self.path} is not valid", self.faults)
        return value

    def _composed(self, compose: Callable[[str, Any], Any]) -> Any:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            self._bound_depth(yaml.parse(self.text, loader))
            return compose(self.text, loader)
        except yaml.MarkedYAMLError as error:
            raise _single(self._syntax(error)) from error
        except yaml.YAMLError as error:
            raise _single(ContentError(Place(self.path), "not_yaml", str(error).splitlines()[0])) from error
        except RecursionError as error:
            raise _single(ContentError(Place(self.path), "too_deep", "an alias contains itself")) from error

    def _bound_depth(self, events: Iterator[Any]) -> None:
        # The composer recurses; a file of brackets must not reach it.
        depth = 0
        for event in events:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    self._stop(event, "too_deep", f"is nested deeper than {MAX_DEPTH} levels")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _value(self, node: yaml.Node, keys: tuple[Key, ...], depth: int) -> Any:
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            self._stop(node, "too_many_aliases", "its aliases expand without bound")
        self.places.setdefault(keys, self._place(node))
        if node.tag not in _CORE_TAGS:
            self._fault(node, "tag", f"the tag {node.tag} is not allowed", "write the plain value")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, keys, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*keys, at), depth + 1) for at, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, keys: tuple[Key, ...], depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, "bad_key", "a key must be text", 'put it in quotes: "…"')
                continue
            key = key_node.value
            if key == "<<" and not key_node.style:
                self._fault(key_node, "merge_key", "merge keys (<<) are not allowed", "write the keys out")
                continue
            if key in result:
                first = self.places[(*keys, key)]
                hint = f"the first is in line {first.line}"
                self._fault(key_node, "duplicate_key", f"`{key}` stands here twice", hint)
                continue
            self.places[(*keys, key)] = self._place(key_node)
            result[key] = self._value(value_node, (*keys, key), depth + 1)
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        text: str = node.value
        if getattr(node, "style", None):  # quoted or a block: text, whatever it looks like
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text) if len(text) < 20 else text
        if _PADDED.fullmatch(text) or _OTHER_BASE.fullmatch(text):
            if self.padded:
                return text
            self._fault(node, "ambiguous_number", f"{text} may be a number or text", f'put it in quotes: "{text}"')
            return None
        if _NOT_FINITE.fullmatch(text):
            self._fault(node, "ambiguous_number", f"{text} is not a number we can use", "give a finite number")
            return None
        if _FLOAT.fullmatch(text):
            return float(text)
        return text

    def _place(self, node: yaml.Node | yaml.Event) -> Place:
        mark = node.start_mark
        assert mark is not None, "every node comes out of a text"  # noqa: S101 - composed from a text, always marked
        return Place(self.path, mark.line + 1, mark.column + 1)

    def _fault(self, node: yaml.Node, code: str, reason: str, hint: str = "") -> None:
        self.faults.append(ContentError(self._place(node), code, reason, hint))

    def _stop(self, node: yaml.Node | yaml.Event, code: str, reason: str) -> NoReturn:
        raise _single(ContentError(self._place(node), code, reason))

    def _syntax(self, error: yaml.MarkedYAMLError) -> ContentError:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        if mark is None:
            return ContentError(Place(self.path), "not_yaml", reason)
        lines = self.text.splitlines()
        line = lines[mark.line] if mark.line < len(lines) else ""
        at = line[mark.column : mark.column + 1]
        hint = ""
        if "\t" in line[: mark.column + 1]:
            hint = "indent with blanks, never with tabs"
        elif at in _QUOTE_FIRST or "alias" in reason or "anchor" in reason:
            hint = 'put values that begin with a special character in quotes: "*"'
        elif "mapping values are not allowed" in reason:
            hint = 'a value that holds ": " needs quotes'
        return ContentError(Place(self.path, mark.line + 1, mark.column + 1), "not_yaml", reason, hint)
