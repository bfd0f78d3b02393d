"""An event as XML, fast where it looks as Windows itself renders it; anything else goes to the walk in ``tree``.

Windows writes one spelling (no comments, no CDATA, fixed order of elements), so that the parts that repeat from event to event
are looked up, and the data are cut out of the text. What is cut is checked by counting: a text that holds one more ``<`` than
the spelling explains is not taken. Both ways give the same fields; ``tests/parse/test_windows_xml.py`` compares them.
"""

from __future__ import annotations

import re
from typing import Any

from service.errors import EventError
from service.parse.windows.tree import read_tree
from service.parse.windows.words import completed, keyword_words, level_word, opcode_word, outcome_word, task_word

MOST_HEADS = 4096
"""Different heads and tails of System that are remembered; a hostile stream empties the memory, it does not fill it."""
LONGEST_HEAD = 1024
LONGEST_NAME = 256
MOST_DATA = 1000
"""Data of one event; Windows itself writes at most a hundred."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]+")
_HEAD = re.compile(
    r"<Event xmlns=(?:'[^'<&]*+'|\"[^\"<&]*+\")>\s*+<System>\s*+"
    r"<Provider(?: Name=(?:'([^'<&]*+)'|\"([^\"<&]*+)\"))?+(?: Guid=(?:'([^'<&]*+)'|\"([^\"<&]*+)\"))?+"
    r"(?: EventSourceName=(?:'([^'<&]*+)'|\"([^\"<&]*+)\"))?+ ?/>\s*+"
    r"<EventID(?: Qualifiers=(?:'([^'<&]*+)'|\"([^\"<&]*+)\"))?+>(\d{1,10})</EventID>\s*+"
    r"(?:<Version>(\d{1,10})</Version>\s*+)?+(?:<Level>(\d{1,10})</Level>\s*+)?+(?:<Task>(\d{1,10})</Task>\s*+)?+"
    r"(?:<Opcode>(\d{1,10})</Opcode>\s*+)?+(?:<Keywords>(0x[0-9A-Fa-f]{1,16})</Keywords>\s*+)?+"
)
_MIDDLE = re.compile(
    r"<TimeCreated SystemTime=['\"]([^'\"<&]*+)['\"] ?/>\s*+(?:<EventRecordID>(\d{1,20})</EventRecordID>\s*+)?+"
    r"(?:<Correlation(?: ActivityID=['\"]([^'\"<&]*+)['\"])?+(?: RelatedActivityID=['\"]([^'\"<&]*+)['\"])?+ ?/>\s*+)?+"
    r"(?:<Execution ProcessID=['\"](\d{1,10})['\"] ThreadID=['\"](\d{1,10})['\"] ?/>\s*+)?+"
)
_TAIL = re.compile(
    r"(?:<Channel>([^<&]*+)</Channel>\s*+)?+(?:<Computer>([^<&]*+)</Computer>\s*+)?+"
    r"(?:<Security(?: UserID=(?:'([^'<&]*+)'|\"([^\"<&]*+)\"))?+ ?/>\s*+)?+</System>\s*+"
)
_RENDERING = re.compile(
    r"<RenderingInfo(?: Culture=(?:'[^'<&]*+'|\"[^\"<&]*+\"))?+>\s*+(?:<Message>([^<]*+)</Message>\s*+|<Message ?/>\s*+)?+"
    r"(?:<Level>([^<&]*+)</Level>\s*+|<Level ?/>\s*+)?+(?:<Task>([^<&]*+)</Task>\s*+|<Task ?/>\s*+)?+"
    r"(?:<Opcode>([^<&]*+)</Opcode>\s*+|<Opcode ?/>\s*+)?+(?:<Channel>[^<&]*+</Channel>\s*+|<Channel ?/>\s*+)?+"
    r"(?:<Provider>[^<&]*+</Provider>\s*+|<Provider ?/>\s*+)?+"
    r"(?:<Keywords>\s*+((?:<Keyword>[^<&]*+</Keyword>\s*+)*+)</Keywords>\s*+|<Keywords ?/>\s*+)?+</RenderingInfo>\s*+"
)
_DATUM = re.compile(
    r"<Data(?: Name=(?:'([^'<&]*+)'|\"([^\"<&]*+)\"))?+ ?(?:/>|>([^<]*+)</Data>)|<Binary>([0-9A-Fa-f]*+)</Binary>|<"
)
_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7})));|&")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_heads: dict[str, dict[str, Any] | None] = {}
_tails: dict[str, dict[str, Any] | None] = {}
_names: set[str] = set()


class _Unusual(Exception):
    """Not as Windows spells it: for the walk."""


def read_xml(text: str) -> dict[str, Any]:
    """The raw event of one ``<Event>`` element. Raises EventError ``not_xml``, ``doctype``, ``too_deep`` or ``no_event``.

    Characters that XML does not know become U+FFFD, one for a run of them. Where the text ends early or breaks, what stands
    before is kept when it says which event it is, with ``broken`` telling what is wrong.
    """
    text = text.strip(" \t\r\n\0\ufeff")
    if not text.isprintable() and _UNPRINTABLE.search(text) is not None:
        text = _UNPRINTABLE.sub("\ufffd", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return _quick(text)
    except _Unusual:
        return finished(read_tree(text))


def finished(raw: dict[str, Any]) -> dict[str, Any]:
    """The raw event with the words for its numbers: those the event brings, else those we know."""
    words = raw.pop("rendered", None) or {}
    provider = raw.get("provider")
    raw["level"] = level_word(words.get("level")) or level_word(raw.get("level"))
    raw["task"] = words.get("task") or task_word(provider, raw.get("task"))
    raw["opcode"] = words.get("opcode") or opcode_word(raw.get("opcode"))
    standard = keyword_words(raw.get("keywords"))
    keywords = words.get("keywords") or list(standard)
    raw["outcome"] = outcome_word(standard) or outcome_word(keywords)
    raw["keywords"] = keywords
    completed(raw)
    return {key: value for key, value in raw.items() if value or value == 0}


def _quick(text: str) -> dict[str, Any]:
    time_at = text.find("<TimeCreated", 0, LONGEST_HEAD)
    found = _MIDDLE.match(text, time_at) if time_at > 0 else None
    if found is None:
        raise _Unusual
    body_at = text.find("</System>", found.end(), found.end() + LONGEST_HEAD) + 9
    while text[body_at : body_at + 1] in (" ", "\n", "\t"):
        body_at += 1
    head = _known(_heads, text[:time_at], _head)
    tail = _known(_tails, text[found.end() : body_at], _tail)
    raw = {**head, **tail}
    time, record, activity, related, process, thread = found.groups()
    raw["time"] = time
    if record:
        raw["record_id"] = record
    if activity:
        raw["activity_id"] = activity
    if related:
        raw["related_activity_id"] = related
    if process:
        raw["process_id"], raw["thread_id"] = int(process), int(thread)
    end = _data(text, body_at, raw)
    if text.startswith("<RenderingInfo", end):
        end = _rendering(text, end, raw)
    if text[end:] != "</Event>":
        raise _Unusual
    return raw


def _known(memory: dict[str, dict[str, Any] | None], part: str, read: Any) -> dict[str, Any]:
    """What the part says, read once; raises _Unusual for one that is not spelt as usual."""
    said: dict[str, Any] | None
    try:
        said = memory[part]
    except KeyError:
        if len(memory) >= MOST_HEADS:
            memory.clear()
        said = memory[part] = read(part)
    if said is None:
        raise _Unusual
    return said


def _head(part: str) -> dict[str, Any] | None:
    found = _HEAD.fullmatch(part)
    if found is None:
        return None
    name, name2, guid, guid2, source, source2, qualifiers, qualifiers2, event, version, level, task, opcode, keywords = (
        found.groups()
    )
    said = {
        "provider": name or name2,
        "provider_guid": guid or guid2,
        "event_source": source or source2,
        "qualifiers": qualifiers or qualifiers2,
        "event_id": event,
        "version": version,
        "level": level,
        "task": task,
        "opcode": opcode,
        "keywords": keywords,
    }
    return finished(said)


def _tail(part: str) -> dict[str, Any] | None:
    found = _TAIL.fullmatch(part)
    if found is None:
        return None
    channel, computer, user, user2 = found.groups()
    said = {"channel": channel, "computer": computer, "user_id": user or user2}
    return {key: value for key, value in said.items() if value}


def _data(text: str, at: int, raw: dict[str, Any]) -> int:
    """Read EventData, if it stands here, and give where it ends."""
    if text.startswith("<EventData>", at):
        start = at + 11
        end = text.find("</EventData>", start)
        if end < 0:
            raise _Unusual
        data = _named(text[start:end]) or _any(text[start:end])
        if data:
            raw["data"] = data
        return _after_blanks(text, end + 12)
    if text.startswith("<EventData/>", at):
        return _after_blanks(text, at + 12)
    if text.startswith("<EventData", at) or text.startswith("<UserData", at):
        raise _Unusual
    return at


def _named(body: str) -> dict[str, Any] | None:
    """``<Data Name='…'>…</Data>`` one after the other and nothing else: cut at what stands between; None for anything else."""
    if body[:12] != "<Data Name='" or body[-7:] != "</Data>":
        return None
    if "'/>" in body:
        body = body.replace("'/>", "'></Data>")
    items = body[12:-7].split("</Data><Data Name='", MOST_DATA)
    try:
        data = dict([item.split("'>", 1) for item in items])
    except ValueError:
        return None
    # Every datum explains two "<"; a value that holds one more is not taken apart like this.
    if len(data) != len(items) or body.count("<") != 2 * len(items):
        return None
    if not data.keys() <= _names and not all(map(_is_name, data)):
        return None
    if "&" in body:
        return {name: unescaped(value) if "&" in value else value for name, value in data.items()}
    return data


def _is_name(name: str) -> bool:
    """Whether the name is one that a document can carry as it is; remembered when it is."""
    if len(name) > LONGEST_NAME or not name.replace("_", "a").isalnum():
        return False
    if len(_names) >= MOST_HEADS:
        _names.clear()
    _names.add(name)
    return True


def _any(body: str) -> dict[str, Any]:
    """Data with and without names, with blanks between them, and Binary. Raises _Unusual for more than that."""
    data: dict[str, Any] = {}
    at = number = 0
    for found in _DATUM.finditer(body):
        name, name2, value, binary = found.groups()
        if body[at : found.start()].strip(" \t\n"):
            raise _Unusual
        at = found.end()
        if found[0] == "<" or len(data) >= MOST_DATA:
            raise _Unusual
        if binary is not None:
            key, value = "Binary", binary
        elif name is None and name2 is None:
            number += 1
            key = f"param{number}"
        else:
            key = name or name2 or ""
        if key in data or not _is_name(key):
            raise _Unusual
        data[key] = unescaped(value or "")
    if body[at:].strip(" \t\n"):
        raise _Unusual
    return data


def _rendering(text: str, at: int, raw: dict[str, Any]) -> int:
    found = _RENDERING.match(text, at)
    if found is None:
        raise _Unusual
    message, level, task, opcode, keywords = found.groups()
    if message:
        raw["message"] = unescaped(message)
    if level and (word := level_word(level)):
        raw["level"] = word
    if task:
        raw["task"] = raw["action"] = task
    if opcode:
        raw["opcode"] = opcode
    if keywords:
        words = [word.strip(" \t\n") for word in keywords.replace("<Keyword>", "").split("</Keyword>") if word.strip(" \t\n")]
        if words:
            raw["keywords"] = words
            if outcome := raw.get("outcome") or outcome_word(words):
                raw["outcome"] = outcome
    return found.end()


def _after_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\n", "\t"):
        at += 1
    return at


def unescaped(text: str) -> str:
    """The text with its entities replaced; raises _Unusual for one that XML does not define by itself."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    named, hexadecimal, decimal = found.groups()
    if named:
        return _NAMED[named]
    if not hexadecimal and not decimal:
        raise _Unusual
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if (code < 0x20 and code not in (9, 10, 13)) or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF) or code > 0x10FFFF:
        raise _Unusual
    return chr(code)


__all__ = ["EventError", "finished", "read_xml", "unescaped"]
