"""The words of a notice: templates over an alert's fields, with nothing in them that a chat would act upon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.alerts.principal import value_of

_FIELD = re.compile(r"\{(@?[A-Za-z_][A-Za-z0-9_.]{0,100})\}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
_ACTS = re.compile(r"(?<=[@<])|(?<=\])(?=\()")
"""Where mentions, tags and links begin: a zero-width joiner there leaves the words and takes the effect."""
LONGEST_VALUE = 500
LONGEST_TITLE = 200
LONGEST_BODY = 4000
_HARMLESS = "\u2060"


def fields_in(template: str) -> list[str]:
    """The fields that a template names."""
    return _FIELD.findall(template)


def title_of(template: str, alert: Mapping[str, Any]) -> str:
    """One line."""
    return " ".join(_filled(template, alert).split())[:LONGEST_TITLE]


def body_of(template: str, alert: Mapping[str, Any]) -> str:
    """The text; a line that names fields of which the alert has none is left out."""
    lines = []
    for line in template.split("\n"):
        names = fields_in(line)
        if names and not any(_value(alert, name) for name in names):
            continue
        lines.append(_filled(line, alert))
    return "\n".join(lines).strip()[:LONGEST_BODY]


def _filled(template: str, alert: Mapping[str, Any]) -> str:
    return _FIELD.sub(lambda found: _value(alert, found[1]), template)


def _value(alert: Mapping[str, Any], name: str) -> str:
    value = value_of(alert, name.split("."))
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if name == "event.url":  # ours, and long
        return text
    return _ACTS.sub(_HARMLESS, _CONTROL.sub(" ", text))[:LONGEST_VALUE]
