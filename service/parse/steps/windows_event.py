"""An event of a Windows event log in whichever form it was sent."""

from __future__ import annotations

from typing import Any

from service.errors import EventError
from service.parse.json_event import read_json
from service.parse.windows.objects import read_object
from service.parse.windows.text import read_text
from service.parse.windows.xml import read_xml

_WRAPPED = ("message", "log", "xml", "System", "Event", "event_original")
"""Keys under which log routers wrap an event's XML."""


_NOTHING = frozenset({"-", "", " "})


def windows_event(text: str) -> dict[str, Any]:
    """One Windows event as XML, the CloudWatch agent's text or JSON of a known agent, under the same names whatever the form.

    ``data`` is what the event says of itself, as written; ``said`` what of it says anything, from its user data where it has
    no other. Raises EventError: ``not_xml``, ``doctype``, ``too_deep``, ``no_event``, ``not_windows``, or what JSON is refused
    for.
    """
    raw = _read(text)
    data = raw.get("data") or raw.get("user_data")
    if data:
        raw["said"] = {name: value for name, value in data.items() if value.__class__ is str and value not in _NOTHING}
    return raw


def _read(text: str) -> dict[str, Any]:
    start = text.lstrip(" \t\r\n\ufeff\0")
    if start[:1] == "<":
        return read_xml(start)
    if start[:1] != "{":
        return read_text(start)
    event, _ = read_json(start.rstrip("\0"))
    for key in _WRAPPED:
        inner = event.get(key)
        if isinstance(inner, str) and inner.lstrip()[:6] == "<Event":
            return read_xml(inner)
    try:
        return read_object(event)
    except EventError:
        message = event.get("log") or event.get("message")
        if isinstance(message, str) and message[:1] == "[":
            return read_text(message)
        raise
