"""An event as XML of any spelling: expat, held to a depth, a number of elements, and no document type at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat  # no entity is ever declared: a document type is refused before it is read

from service.errors import EventError

DEEPEST = 16
MOST_ELEMENTS = 2000
MOST_REFERENCES = 10_000
"""Numbered characters that are looked at; a forbidden one behind them breaks the event there."""
_DECLARATION = re.compile(r"<\?xml[^>]*+\?>")
_BAD_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,12})|([0-9]{1,12}));")
_SYSTEM = {
    "Version": "version",
    "Level": "level",
    "Task": "task",
    "Opcode": "opcode",
    "Keywords": "keywords",
    "EventRecordID": "record_id",
    "Channel": "channel",
    "Computer": "computer",
}
"""Elements of System whose text is the value."""
_ATTRIBUTES = {
    ("Provider", "Name"): "provider",
    ("Provider", "Guid"): "provider_guid",
    ("Provider", "EventSourceName"): "event_source",
    ("EventID", "Qualifiers"): "qualifiers",
    ("TimeCreated", "SystemTime"): "time",
    ("Correlation", "ActivityID"): "activity_id",
    ("Correlation", "RelatedActivityID"): "related_activity_id",
    ("Execution", "ProcessID"): "process_id",
    ("Execution", "ThreadID"): "thread_id",
    ("Security", "UserID"): "user_id",
}
_RENDERED = {"Message": "message", "Level": "level", "Task": "task", "Opcode": "opcode"}


class _Stop(Exception):
    """Raised inside a handler to end the parser; ``str()`` says why."""


class _Element:
    """What is read of one element: its own text, and what the elements in it said."""

    __slots__ = ("attributes", "below", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.text: list[str] = []
        self.below: dict[str, Any] = {}

    def value(self) -> Any:
        """The text, or an object of the elements below with what text there is beside them."""
        text = "".join(self.text)
        if not self.below:
            return text
        rest = text.strip()
        return {**self.below, "text": rest} if rest else self.below

    def add(self, name: str, value: Any) -> None:
        """Note what an element below said; of those with one name all are kept, in a list."""
        name = "".join(each if each.isalnum() or each in "_-" else "_" for each in name[:256]) or "_"
        if name not in self.below:
            self.below[name] = value
        elif isinstance(self.below[name], list):
            self.below[name].append(value)
        else:
            self.below[name] = [self.below[name], value]


def read_tree(text: str) -> dict[str, Any]:
    """The raw event, its words under ``rendered``. Raises EventError ``not_xml``, ``doctype``, ``too_deep`` or ``no_event``."""
    walk = _Walk()
    broken = walk.read(text)
    raw = walk.raw
    if "event_id" not in raw or "provider" not in raw:
        if broken is not None:
            raise EventError("parse", "not_xml", broken)
        raise EventError("parse", "no_event", "the XML names no provider and event id under Event/System")
    if broken is not None:
        walk.close()
        raw["broken"] = broken
    return raw


class _Walk:
    """One pass: a stack of open elements, and the raw event that grows as they close."""

    def __init__(self) -> None:
        self.raw: dict[str, Any] = {}
        self._open: list[_Element] = []
        self._elements = 0
        self._unnamed = 0
        self._closers: dict[str, Callable[[_Element, _Element], None]] = {
            "System": self._system,
            "EventData": self._datum,
            "UserData": self._user_data,
            "RenderingInfo": self._rendered,
            "Keywords": self._keyword,
        }

    def read(self, text: str) -> str | None:
        """Walk the text; what is wrong with it, or None. Raises EventError for what is refused whatever it says."""
        text = _BAD_REFERENCE.sub(_harmless, _DECLARATION.sub("", text, count=1), count=MOST_REFERENCES)
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(text.encode("utf-8", "replace"), True)  # noqa: FBT003 - expat takes it by position alone
        except _Stop as stop:
            return str(stop)
        except expat.ExpatError as error:
            parser.buffer_text = False  # hands over the text that it still holds
            return f"not well-formed: {expat.ErrorString(error.code)}, line {error.lineno}, column {error.offset}"
        return None

    def close(self) -> None:
        """Take what stands in the elements that the text did not close: it was cut there."""
        while self._open:
            element = self._open[-1]
            if element.text or element.below:
                self._end(element.name)
            else:
                self._open.pop()

    def _doctype(self, *_: object) -> None:
        raise EventError("parse", "doctype", "an event has no document type")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) >= DEEPEST:
            raise EventError("parse", "too_deep", f"nested deeper than {DEEPEST} levels")
        if self._elements > MOST_ELEMENTS:
            raise _Stop(f"more than {MOST_ELEMENTS} elements")
        local = name.rpartition(":")[2]
        if not self._open and local != "Event":
            raise EventError("parse", "no_event", f"the XML is no Event but {name[:100]!r}")
        self._open.append(_Element(local, attributes))

    def _characters(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        if not self._open:
            return
        above = self._open[-1]
        if len(self._open) == 2 or above.name == "Keywords":
            closer = self._closers.get(above.name)
            if closer is not None:
                closer(element, above)
                return
        if len(self._open) == 1:
            value = "".join(element.text).strip() if element.name in self._closers else element.value()
            if value:
                self.raw.setdefault("other", {})[element.name] = value
        else:
            above.add(element.name, element.value())

    def _system(self, element: _Element, _: _Element) -> None:
        text = "".join(element.text).strip()
        if element.name == "EventID" and text.isdecimal():
            self.raw["event_id"] = text[:10]
        elif element.name in _SYSTEM and text:
            self.raw[_SYSTEM[element.name]] = text
        for name, value in element.attributes.items():
            place = _ATTRIBUTES.get((element.name, name))
            if place is not None and value:
                self.raw[place] = value

    def _datum(self, element: _Element, _: _Element) -> None:
        data = self.raw.setdefault("data", {})
        name = element.attributes.get("Name") or (element.name if element.name not in ("Data", "ComplexData") else "")
        if not name:
            self._unnamed += 1
            name = f"param{self._unnamed}"
        holder = _Element("EventData", {})
        holder.below = data
        holder.add(name, element.value())

    def _user_data(self, element: _Element, _: _Element) -> None:
        value = element.value()
        said = value if isinstance(value, dict) else {"text": value} if value else {}
        self.raw["user_data"] = {**said, "xml_name": element.name}

    def _rendered(self, element: _Element, _: _Element) -> None:
        text = "".join(element.text).strip(" \t\n")
        if element.name == "Message":
            if message := "".join(element.text):
                self.raw["message"] = message
        elif element.name in _RENDERED and text:
            self.raw.setdefault("rendered", {})[_RENDERED[element.name]] = text

    def _keyword(self, element: _Element, _: _Element) -> None:
        text = "".join(element.text).strip(" \t\n")
        if element.name == "Keyword" and text:
            self.raw.setdefault("rendered", {}).setdefault("keywords", []).append(text)


def _harmless(found: re.Match[str]) -> str:
    """The reference, or U+FFFD in place of one to a character that XML does not know."""
    code = int(found[1], 16) if found[1] else int(found[2])
    known = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code <= 0x10FFFF
    return found[0] if known else "\ufffd"
