"""What runtimes and collectors wrap around a line of a container: CRI's header, Docker's and Fluent Bit's JSON, or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from service.parse.joins.pieces import MOST_CHARACTERS

CRI = re.compile(r"(\d{4}-\d\d-\d\dT\S{8,40}) (stdout|stderr) ([FP])(?::\S{1,40})?(?: (.*))?", re.DOTALL)
"""Time, stream, full or partial, text."""
DOCKER_LINE = 16_000
"""Docker cuts lines at 16 KiB; a shorter one without its end is just a line without its end."""
_PARTIAL = ('"logtag":"P"', '"logtag": "P"', '"_p":"P"', '"_p": "P"', '"partial_message":"true"', '"partial_message": "true"')


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A line of a container and what is around it."""

    log: str
    origin: tuple[object, ...]
    """Lines of different origins never belong together."""
    partial: bool
    entry: dict[str, Any] | None = None
    header: str = ""

    def rewrapped(self, log: str) -> str:
        """Another text with the same around it, as a whole line."""
        if self.entry is None:
            return self.header + log
        entry = {key: value for key, value in self.entry.items() if not key.startswith("partial_")}
        for key in ("logtag", "_p"):
            if key in entry:
                entry[key] = "F"
        return orjson.dumps({**entry, "log": log}).decode()


def log_of(text: str) -> str:
    """The beginning of the line in an event, JSON's escapes and all: enough to see whether it may belong to another."""
    if text[:1] == "{":
        at = text.find('"log":')
        return "" if at < 0 else text[at + 6 : at + 200].lstrip(" ")[1:].replace("\\t", "\t", 4)
    if text[:2] == "20":
        header = CRI.match(text[:80])
        if header is not None:
            start = header.start(4)
            return "" if start < 0 else text[start : start + 200]
    return text[:200]


def says_partial(text: str) -> bool:
    """Whether the runtime says that the line goes on in the next event."""
    if text[:1] == "{":
        return any(mark in text for mark in _PARTIAL) or (len(text) > DOCKER_LINE and '"log":' in text)
    return " P" in text[20:60] and (header := CRI.match(text[:80])) is not None and header[3] == "P"


def unwrap(text: str) -> Wrapped | None:
    """The line in an event; None where there is none, or too much."""
    if len(text) > MOST_CHARACTERS:
        return None
    if text[:1] == "{":
        try:
            return _of_json(orjson.loads(text))
        except orjson.JSONDecodeError:  # the first line of an object that is printed over many
            pass
    header = CRI.fullmatch(text)
    if header is None:
        return Wrapped(text.rstrip("\r\n"), ("text",), partial=False)
    stamp, stream, flag, log = header.groups()
    return Wrapped((log or "").rstrip("\r\n"), ("cri", stream), partial=flag == "P", header=f"{stamp} {stream} F ")


def _of_json(entry: Any) -> Wrapped | None:
    log = entry.get("log") if isinstance(entry, dict) else None
    if not isinstance(log, str):
        return None
    pod = entry.get("kubernetes")
    names = (pod.get("pod_id"), pod.get("pod_name"), pod.get("container_name")) if isinstance(pod, dict) else ()
    origin = ("json", entry.get("stream"), entry.get("source"), entry.get("container_id"), entry.get("partial_id"), *names)
    if not all(isinstance(each, str | None) for each in origin):
        return None
    flag = entry.get("logtag", entry.get("_p"))
    said = flag == "P" or (entry.get("partial_message") == "true" and entry.get("partial_last") != "true")
    cut = flag is None and "partial_message" not in entry and len(log.encode()) >= DOCKER_LINE and log[-1] != "\n"
    return Wrapped(log.rstrip("\r\n"), origin, partial=said or cut, entry=entry)
