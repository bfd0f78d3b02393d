"""An event as XML of any spelling, element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.errors import EventError
from service.parse.bounded_xml import walk

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
    event = _Event()
    broken = walk(text, event.start, event.end, event.characters)
    raw = event.raw
    if "event_id" not in raw or "provider" not in raw:
        if broken is not None:
            raise EventError("parse", "not_xml", broken)
        raise EventError("parse", "no_event", "the XML names no provider and event id under Event/System")
    if broken is not None:
        event.close()
        raw["broken"] = broken
    return raw


class _Event:
    """One pass: a stack of open elements, and the raw event that grows as they close."""

    def __init__(self) -> None:
        self.raw: dict[str, Any] = {}
        self._open: list[_Element] = []
        self._unnamed = 0
        self._closers: dict[str, Callable[[_Element, _Element], None]] = {
            "System": self._system,
            "EventData": self._datum,
            "UserData": self._user_data,
            "RenderingInfo": self._rendered,
            "Keywords": self._keyword,
        }

    def close(self) -> None:
        """Take what stands in the elements that the text did not close: it was cut there."""
        while self._open:
            element = self._open[-1]
            if element.text or element.below:
                self.end()
            else:
                self._open.pop()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; raises EventError ``no_event`` when the first is no Event."""
        if not self._open and name != "Event":
            raise EventError("parse", "no_event", f"the XML is no Event but {name[:100]!r}")
        self._open.append(_Element(name, attributes))

    def characters(self, text: str) -> None:
        """Text of the element that is open."""
        if self._open:
            self._open[-1].text.append(text)

    def end(self) -> None:
        """The element that is open ends: what it says goes where it belongs."""
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
