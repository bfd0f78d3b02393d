"""pydantic's findings about a YAML file, said for people: where, which check, why, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

Key = str | int

_CODES = {
    "extra_forbidden": "unknown_key",
    "missing": "missing_key",
    "literal_error": "not_allowed",
    "enum": "not_allowed",
    "string_pattern_mismatch": "bad_form",
    "value_error": "bad_value",
    "assertion_error": "bad_value",
    "string_too_short": "bad_form",
    "string_too_long": "bad_form",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: ``keys`` lead to the value in the plain data."""

    keys: tuple[Key, ...]
    code: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Finding:
    keys: tuple[Key, ...]
    branches: tuple[tuple[tuple[Key, ...], str], ...]
    """For every union on the way: where it stands and which member this finding is about."""
    kind: str
    message: str
    context: dict[str, Any]
    value: Any


def explain(error: ValidationError, data: Any, model: type[BaseModel]) -> list[Fault]:
    """All faults, one for each place; of a union only the member that was probably meant speaks."""
    findings = [_finding(item, data) for item in error.errors(include_url=False)]
    schema = model.model_json_schema()
    faults: dict[tuple[Key, ...], Fault] = {}
    for finding in _meant(findings):
        if finding.kind == "missing" and _misspelt(finding.keys, data, schema):
            continue  # the stray key that was meant is a fault of its own, and says so
        fault = _fault(finding, schema)
        faults.setdefault(fault.keys, fault)
    return list(faults.values())


def closest(word: str, candidates: Iterable[str]) -> str:
    """``did you mean …?`` when one of the candidates looks like the word, else nothing."""
    found = difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else ""


def _finding(item: Any, data: Any) -> _Finding:
    keys: list[Key] = []
    branches: list[tuple[tuple[Key, ...], str]] = []
    here = data
    location = item["loc"]
    for at, part in enumerate(location):
        last = at == len(location) - 1
        if _holds(here, part):
            keys.append(part)
            here = here[part]
        elif last and item["type"] == "missing":
            keys.append(part)
        elif part != "[key]":
            branches.append((tuple(keys), str(part)))
    return _Finding(tuple(keys), tuple(branches), item["type"], item["msg"], item.get("ctx", {}), item.get("input"))


def _meant(findings: list[_Finding]) -> list[_Finding]:
    """Of every union the findings of the member that got furthest into the value."""
    unions: dict[tuple[Key, ...], dict[str, list[_Finding]]] = {}
    for finding in findings:
        for place, member in finding.branches:
            unions.setdefault(place, {}).setdefault(member, []).append(finding)
    unwanted: set[int] = set()
    for place, members in unions.items():
        if len(members) < 2:
            continue
        best = min(members.values(), key=lambda found: (-max(len(f.keys) - len(place) for f in found), len(found)))
        kept = {id(finding) for finding in best}
        unwanted.update(id(f) for found in members.values() for f in found if id(f) not in kept)
        if all(len(finding.keys) == len(place) for found in members.values() for finding in found):
            unwanted -= {id(finding) for found in members.values() for finding in found}
    return [finding for finding in findings if id(finding) not in unwanted]


def _fault(finding: _Finding, schema: dict[str, Any]) -> Fault:
    kind, name = finding.kind, str(finding.keys[-1]) if finding.keys else "the file"
    code = _CODES.get(kind) or ("wrong_type" if kind.endswith(("_type", "_parsing", "_from_float")) else "out_of_range")
    siblings = _properties(schema, finding.keys[:-1])
    match code:
        case "unknown_key":
            hint = closest(name, siblings) or (f"known here: {', '.join(sorted(siblings))}" if siblings else "")
            return Fault(finding.keys, code, f"`{name}` is not a key of the language", hint)
        case "missing_key":
            return Fault(finding.keys, code, f"`{name}` is missing", f"add `{name}:`")
        case "not_allowed":
            allowed = str(finding.context.get("expected", ""))
            words = [word.strip("' ") for word in allowed.replace(" or ", ", ").split(",")]
            hint = closest(str(finding.value), words)
            return Fault(finding.keys, code, f"{_show(finding.value)} is not one of {allowed}", hint)
        case "wrong_type":
            reason = f"`{name}`: {_lower(finding.message)}, got {_show(finding.value)}"
            return Fault(finding.keys, code, reason, _retype(finding))
        case "bad_form":
            pattern = finding.context.get("pattern")
            form = f"must match {pattern}" if pattern else _lower(finding.message)
            return Fault(finding.keys, code, f"{_show(finding.value)} {form}")
        case _:
            return Fault(finding.keys, code, f"`{name}`: {_lower(finding.message.removeprefix('Value error, '))}")


def _misspelt(keys: tuple[Key, ...], data: Any, schema: dict[str, Any]) -> bool:
    parent = _value(data, keys[:-1])
    if not isinstance(parent, dict):
        return False
    known = _properties(schema, keys[:-1])
    return any(difflib.get_close_matches(key, list(known), n=1, cutoff=0.6) == [keys[-1]] for key in parent if key not in known)


def _retype(finding: _Finding) -> str:
    if finding.kind == "string_type" and isinstance(finding.value, int | float):
        return f'put it in quotes: "{str(finding.value).lower()}"'
    if finding.kind == "bool_type":
        return "only true and false are booleans"
    if finding.kind == "list_type":
        return "write a list: [ … ]"
    return ""


def _holds(data: Any, key: Key) -> bool:
    if isinstance(data, dict):
        return key in data
    return isinstance(data, list) and isinstance(key, int) and key < len(data)


def _value(data: Any, keys: tuple[Key, ...]) -> Any:
    for key in keys:
        if not _holds(data, key):
            return None
        data = data[key]
    return data


def _properties(schema: dict[str, Any], keys: tuple[Key, ...]) -> set[str]:
    """Key names the JSON schema knows at this path, over all members of unions."""
    here = _members(schema, schema)
    for key in keys:
        deeper: list[dict[str, Any]] = []
        for member in here:
            if isinstance(key, int):
                found = member.get("items")
            else:
                found = member.get("properties", {}).get(key, member.get("additionalProperties"))
            if isinstance(found, dict):
                deeper.extend(_members(found, schema))
        here = deeper
    return {name for member in here for name in member.get("properties", {})}


def _members(part: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in part:
        return _members(schema["$defs"][part["$ref"].rsplit("/", 1)[-1]], schema)
    if "anyOf" in part:
        return [member for choice in part["anyOf"] for member in _members(choice, schema)]
    return [part]


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
