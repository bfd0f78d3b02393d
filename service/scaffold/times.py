"""Which raw field says when it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.scaffold.guess import values_by_path
from service.scaffold.values import form_of, is_clock, is_day
from service.scaffold.words import snake

_WORDS = (
    "timestamp", "time", "eventtime", "syslogtime", "ts", "datetime", "rt", "devtime", "asctime", "date", "created", "when",
    "start", "starttime", "loggedat", "createdat", "occurredat", "logtime", "localtime", "utctime", "timecreated",
    "timegenerated", "requesttime", "headtime", "t",
)  # fmt: skip
_ZONED = ("Z", "z", "UTC", "GMT")


@dataclass(frozen=True, slots=True)
class When:
    """Where the time stands, as a pipeline says it."""

    paths: tuple[str, ...]
    """One raw path, or the day's and the clock's."""
    form: str
    doubt: str = ""
    """What a person should know about the guess."""


def time_of(events: list[dict[str, Any]]) -> When | None:
    """The likeliest field: by its name, else by values that can be nothing else; a day and a clock apart are one time."""
    by_path = values_by_path(events)
    ranked = sorted(by_path, key=lambda path: (_rank(path), path.count(".")))
    often = [path for path in ranked if len(by_path[path]) * 2 > len(events)]
    forms = {path: form for path in often if (form := form_of(by_path[path])) is not None}
    days = [path for path in often if is_day(by_path[path])]
    clocks = [path for path in often if is_clock(by_path[path])]
    if days and clocks and set(forms.values()) <= {"syslog"}:  # which has no year
        return When((days[0], clocks[0]), "iso8601", "no zone in it: taken as UTC")
    return next((When((path,), form, _doubt(form, by_path[path])) for path, form in forms.items()), None)


def _doubt(form: str, values: list[Any]) -> str:
    texts = [str(value) for value in values]
    if form in ("day_first", "month_first"):
        pieces = [text.replace(".", "/").replace("-", "/").split("/") for text in texts]
        if all(int(piece[0]) <= 12 and int(piece[1]) <= 12 for piece in pieces):
            return "day and month might be the other way round: then say month_first"
    zoned = form == "epoch_auto" or any(
        text.endswith(_ZONED) or text[-6:-5] in ("+", "-") or text[-5:-4] in ("+", "-") for text in texts
    )
    return "" if zoned else "no zone in it: taken as UTC"


def _rank(path: str) -> int:
    word = snake(path.rpartition(".")[2].strip('"')).replace("_", "")
    return _WORDS.index(word) if word in _WORDS else len(_WORDS)
