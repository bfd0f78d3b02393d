"""What ECS calls the events: category, type and outcome, by the fields they have and by what their actions are called."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.fields import Catalogue
from service.lint.enrichment import NEEDS
from service.scaffold.guess import Guess
from service.scaffold.values import outcome_of, verbs_of, word_set, words_of

_LOGIN = word_set("login logon logout logoff signin signout sso mfa password authenticate authentication auth session")
_DECIDING = ("event.action", "event.outcome", "event.reason")
_WORDS = word_set("result outcome status verdict disposition decision success ok action allowed")


def class_lines(found: Sequence[Guess], catalogue: Catalogue) -> list[str]:
    """Lines of a block: ``set``, ``translate`` and ``classify``, as far as the fields and their values allow a guess."""
    action = next((guess for guess in found if guess.target == "event.action"), None)
    category = _category(found, action)
    lines = [f"set: {{ event.kind: event{_set(category, catalogue)} }}"]
    if (outcome := _outcome(found)) is not None:
        entries = ", ".join(f"{_key(value)}: {named}" for value, named in _ends(outcome.values).items())
        lines += ["translate:", f"  event.outcome: {{ from: {outcome.target}, values: {{ {entries} }} }}"]
    if action is not None and category not in (None, "process"):
        allowed = catalogue.fields["event.category"].expected_types[category]
        classes = {value: kind for value in action.values if (kind := _type(value, allowed)) is not None}
        if classes:
            lines += ["classify:", "  event.action:"]
            before = "connection, " if category == "network" else ""
            lines += [
                f"    {_key(value)}: {{ category: [{category}], type: [{before}{kind}] }}" for value, kind in classes.items()
            ]
    return lines


def _set(category: str | None, catalogue: Catalogue) -> str:
    if category is None:
        return ""
    allowed = catalogue.fields["event.category"].expected_types[category]
    usual = {"web": "access", "network": "connection"}.get(category, "info")
    kind = usual if usual in allowed else allowed[0]
    return f", event.category: [{category}], event.type: [{kind}]"


def _category(found: Sequence[Guess], action: Guess | None) -> str | None:
    targets = {guess.target for guess in found}
    words = {word for value in (action.values if action else ()) for word in words_of(value)}
    if words & _LOGIN:
        return "authentication"
    if targets & {"http.request.method", "http.response.status_code"}:
        return "web"
    if {"source.ip", "destination.ip"} <= targets:
        return "network"
    if targets & {"file.path", "file.name"} and action is not None:
        return "file"
    if targets & {"log.level", "process.name"}:
        return "process"
    return None


def enrichers(found: Sequence[Guess]) -> list[str]:
    """What can be added from memory to events with these fields."""
    targets = {guess.target for guess in found}
    addresses = targets & {"source.ip", "destination.ip", "source.address"}
    known = {
        "geoip": bool(addresses),
        "asn": bool(addresses),
        "user_agent": "user_agent.original" in targets,
        "threat_intel": bool(addresses),
        "community_id": set(NEEDS["community_id"]) <= targets,
    }
    return [name for name, wanted in known.items() if wanted]


def _outcome(found: Sequence[Guess]) -> Guess | None:
    """The field that says how it ended: by its name, and half of its values do."""
    if any(guess.target == "event.outcome" for guess in found):
        return None
    told = [
        guess for guess in found
        if (guess.target in _DECIDING or _WORDS.intersection(words_of(guess.path)[-1:]))
        and any(outcome_of(value) for value in guess.values) and len(guess.values) < 30
    ]  # fmt: skip
    return max(
        told, key=lambda guess: sum(outcome_of(value) is not None for value in guess.values) / len(guess.values), default=None
    )


def _ends(values: Sequence[str]) -> dict[str, str]:
    """Value → outcome; what can also fail by another name (``login``, ``login_failed``) succeeded."""
    bad = [value for value in values if outcome_of(value) == "failure"]
    found = {value: outcome_of(value) or ("success" if any(each.startswith(value) for each in bad) else None) for value in values}
    return {value: outcome for value, outcome in found.items() if outcome is not None}


def _type(value: str, allowed: Sequence[str]) -> str | None:
    return next((kind for kind in verbs_of(value) if kind in allowed), None)


def _key(value: str) -> str:
    plain = re.fullmatch(r"[A-Za-z][A-Za-z_]*", value) is not None
    return value if plain and value.lower() not in ("true", "false", "yes", "no", "on", "off", "null", "y", "n") else f'"{value}"'
