"""One field of a refused document moved to ``<module>.unmapped``, where any value is welcome: the event is indexed."""

from __future__ import annotations

import json
from typing import Any

_LONGEST = 8000
_NEVER = frozenset({"@timestamp", "event.dataset", "event.module", "event.ingested", "tags", "error.message"})


def demote(piece: str, field: str, code: str, module: str) -> str | None:
    """The same piece with ``field`` under ``<module>.unmapped``, tagged, and the reason in ``error.message``.

    None when the document has no such field, or when it is one that a document cannot do without.
    """
    if field in _NEVER or field.startswith(("siem.", "project.")):
        return None
    action, _, text = piece.partition("\n")
    document: dict[str, Any] = json.loads(text)
    path = field.split(".")
    values = _take(document, path)
    if not values:
        return None
    value = values[0] if len(values) == 1 else values
    home = document.setdefault(module, {})
    if not isinstance(home, dict):
        return None
    unmapped = home.setdefault("unmapped", {})
    if not isinstance(unmapped, dict):
        return None
    if path == [module, "unmapped"]:
        # A leaf too long, or something that is no object: flat_object takes neither.
        shortened = _shortened(value)
        unmapped.update(shortened if shortened != value and isinstance(shortened, dict) else {"text": _as_text(value)})
    else:
        _put(unmapped, path[2:] if path[:2] == [module, "unmapped"] else path, _plain(value))
    _append(document, "tags", "mapping_error")
    error = document.setdefault("error", {})
    if isinstance(error, dict):
        _append(error, "message", f"{field}: {code}")
    return f"{action}\n{json.dumps(document, ensure_ascii=False, separators=(',', ':'))}\n"


def _take(node: Any, path: list[str]) -> list[Any]:
    """Remove the value(s) at a path, looking into arrays of objects, and drop objects that become empty."""
    if isinstance(node, list):
        return [value for part in node for value in _take(part, path)]
    if not isinstance(node, dict):
        return []
    for length in range(len(path), 0, -1):
        key = ".".join(path[:length])
        if key not in node:
            continue
        if length == len(path):
            return [node.pop(key)]
        values = _take(node[key], path[length:])
        if node[key] == {}:
            del node[key]
        return values
    return []


def _put(node: dict[str, Any], path: list[str], value: Any) -> None:
    for depth, key in enumerate(path[:-1]):
        inner = node.setdefault(key, {})
        if not isinstance(inner, dict):
            node["_".join(path[depth:])] = value
            return
        node = inner
    if path[-1] in node:
        node[path[-1] + "_refused"] = value
    else:
        node[path[-1]] = value


def _plain(value: Any) -> Any:
    """Scalars as they are (short), anything else as JSON text."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _as_text(value)


def _shortened(value: Any) -> Any:
    """The same with every long text in it cut; what is cut stays in event.original."""
    if isinstance(value, dict):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shortened(inner) for inner in value]
    return _as_text(value) if isinstance(value, str) else value


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…[cut]"


def _append(node: dict[str, Any], key: str, value: str) -> None:
    there = node.get(key)
    if there is None:
        node[key] = [value]
    elif isinstance(there, list):
        there.append(value)
    else:
        node[key] = [there, value]
