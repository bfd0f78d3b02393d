"""Time as sources write it → one form, with the suffix of the index it belongs to. Memoised: a batch shares its seconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

_ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}+)\d*+)?)?)?\s*+(Z|z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)?"
)
_CLF = re.compile(r"\[?(\d{1,2})/([A-Za-z]{3})/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: ([+-]\d{4}))?\]?")
_SYSLOG = re.compile(
    r"(?:[A-Za-z]{3},? )?([A-Za-z]{3}) +(\d{1,2}) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: (\d{4}))?"
)
_WORDS = re.compile(r"([A-Za-z]{3}) (\d{1,2}), (\d{4}),? (\d{1,2}):(\d\d):(\d\d)[ \u202f]([AaPp])[Mm]")
_EXPONENT = re.compile(r"\d\.\d{1,17}[eE]\+?\d\d?")
_MAIL = re.compile(
    r"(?:[A-Za-z]{3,9},? +)?(\d{1,2})[ -]([A-Za-z]{3})[a-z]{0,6}[ -](\d{4}),? +(\d\d):(\d\d)(?::(\d\d)(?:[.,:](\d{1,9}))?)?"
    r"(?: *(Z|UT|UTC|GMT|[+-]\d\d:?\d\d))?"
)
_NUMBERS = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}),?[ T]+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?([AaPp])\.?[Mm]\.?)?"
    r"(?: *(Z|UTC|GMT|[+-]\d\d:?\d\d))?"
)
_EPOCH = re.compile(r"-?\d{1,20}(?:\.(\d{1,9}+)\d*+)?")
_MONTHS = {
    name: n for n, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_PLAIN = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?Z")
"""How most sources write time; nothing but the day is left to check."""
_ENTRIES = 8_192
"""Two hours of times to the second, which repeat; finer ones hardly do. A table of 50,000 takes 15 MB."""
_DAYS = 1_000
_DAY = 86_400
_LARGEST = 10**20
"""What has more than twenty digits counts nothing that happened."""
_START = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class Moment(NamedTuple):
    """A point in time: ``text`` as ECS wants it (at least milliseconds, ``Z``), ``second`` of the epoch, index ``suffix``."""

    text: str
    second: int
    suffix: str


class Times(dict[object, Moment | None]):
    """Text (or number) → Moment, None when it is no time; remembers up to 8,192 of them."""

    def __init__(self, read: Callable[[object], tuple[datetime, str] | None], suffix: Callable[[datetime], str]) -> None:
        super().__init__()
        self._read = read
        self._suffix = suffix
        self._days: dict[object, tuple[str, int, str]] = {}
        """Day, as text or in days since 1970 → its text, its first second, the suffix of its index."""
        self._takes_text = read in (iso8601, epoch_auto, rfc2822)
        self._takes_numbers = read in _SHIFTS

    def __missing__(self, key: object) -> Moment | None:
        """Read, remember, give."""
        if len(self) >= _ENTRIES:
            self.clear()
        try:
            moment = self._quickly(key)
            if moment is None:
                found = self._read(key)
                moment = None if found is None else moment_of(*found, self._suffix)
        except (ValueError, OverflowError):
            moment = None
        self[key] = moment
        return moment

    def _quickly(self, key: object) -> Moment | None:
        """A time in one of the two forms that nearly all have; None for any other form, and for what is no time."""
        if key.__class__ is str and self._takes_text and (found := _PLAIN.fullmatch(key)) is not None:
            day, hour, minute, second, fraction = found.groups()
            _, start, suffix = self._days.get(day) or self._learn(day, datetime.fromisoformat(f"{day}T00:00:00+00:00"))
            text = found[0] if fraction and len(fraction) > 2 else f"{found[0][:19]}.{(fraction or '').ljust(3, '0')}Z"
            return Moment(text, start + int(hour) * 3600 + int(minute) * 60 + int(second), suffix)
        if key.__class__ is int and self._takes_numbers and 0 <= key < _LARGEST:
            shift = _SHIFTS[self._read]
            if shift is None:
                shift = _shift_of(len(str(key)))
            seconds, rest = divmod(key, 10**shift)
            days, clock = divmod(seconds, _DAY)
            day, _, suffix = self._days.get(days) or self._learn(days, _START + timedelta(days=days))
            fraction = str(rest).rjust(shift, "0") if shift else ""
            fraction = (fraction.rstrip("0") if shift > 3 else fraction).ljust(3, "0")
            minutes, second = divmod(clock, 60)
            return Moment(f"{day}T{minutes // 60:02}:{minutes % 60:02}:{second:02}.{fraction}Z", seconds, suffix)
        return None

    def _learn(self, key: object, midnight: datetime) -> tuple[str, int, str]:
        if len(self._days) >= _DAYS:
            self._days.clear()
        made = self._days[key] = (midnight.isoformat()[:10], (midnight - _START) // _SECOND, self._suffix(midnight))
        return made


def moment_of(when: datetime, fraction: str, suffix: Callable[[datetime], str]) -> Moment:
    """The Moment of a UTC time whose fraction of a second has the digits ``fraction``."""
    return Moment(f"{when.isoformat()[:19]}.{fraction.ljust(3, '0')}Z", (when - _START) // _SECOND, suffix(when))


def suffix_of(period: str) -> Callable[[datetime], str]:
    """How an index of that period (day, week, month) ends."""
    if period == "day":
        return lambda when: f"{when.year:04}.{when.month:02}.{when.day:02}"
    if period == "week":
        return lambda when: "{}.w{:02}".format(*when.isocalendar()[:2])
    return lambda when: f"{when.year:04}.{when.month:02}"


def iso8601(value: object) -> tuple[datetime, str] | None:
    """``2026-01-02T03:04:05.678Z``, offsets, a blank for the T, slashes, no zone (UTC), a leap second (the next one)."""
    found = _ISO.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    seconds = int(second or 0)
    when = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), min(seconds, 59), tzinfo=UTC)
    if seconds == 60:
        when += timedelta(seconds=1)
    return when - _offset(zone), fraction or ""


def epoch_second(value: object) -> tuple[datetime, str] | None:
    """Seconds since 1970 as number or digits, with or without a fraction."""
    text = _digits(value)
    return None if text is None else _from_epoch(text, 0)


def epoch_milli(value: object) -> tuple[datetime, str] | None:
    """Milliseconds since 1970 as number or digits."""
    text = _digits(value)
    return None if text is None else _from_epoch(text, 3)


def epoch_auto(value: object) -> tuple[datetime, str] | None:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size; or ISO 8601.

    Also as AWS services write it that forget to choose a form: ``Jan 19, 2022, 10:46:15 PM`` (UTC), ``1.663703546405E9``.
    """
    text = _digits(value)
    if text is None:
        return iso8601(value) or _in_words(value) or _with_exponent(value)
    return _from_epoch(text, _shift_of(len(text.partition(".")[0].lstrip("-"))))


def _shift_of(digits: int) -> int:
    """Whether a number of so many digits counts seconds (0), or by which power of ten it is too large."""
    return 0 if digits <= 11 else 3 if digits <= 14 else 6 if digits <= 17 else 9


def _in_words(value: object) -> tuple[datetime, str] | None:
    found = _WORDS.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    name, day, year, hour, minute, second, half = found.groups()
    month = _MONTHS.get(name.lower())
    if month is None or not 1 <= int(hour) <= 12:
        return None
    hours = int(hour) % 12 + (12 if half in "Pp" else 0)
    return datetime(int(year), month, int(day), hours, int(minute), min(int(second), 59), tzinfo=UTC), ""


def _with_exponent(value: object) -> tuple[datetime, str] | None:
    found = _EXPONENT.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else epoch_auto(float(found[0]))


def clf(value: object) -> tuple[datetime, str] | None:
    """``10/Oct/2000:13:55:36 -0700``, the common log format."""
    found = _CLF.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    day, name, year, hour, minute, second, fraction, zone = found.groups()
    month = _MONTHS.get(name.lower())
    if month is None:
        return None
    when = datetime(int(year), month, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC)
    return when - _offset(zone), fraction or ""


def syslog(value: object, arrival_ms: int = 0) -> tuple[datetime, str] | None:
    """``Mar  7 05:06:07`` with the year that puts it nearest before the arrival, for RFC 3164 has none.

    Also as ``ctime`` writes it (``Sat Mar  7 05:06:07 2026``), and ISO 8601.
    """
    found = _SYSLOG.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return iso8601(value)
    name, day, early, hour, minute, second, fraction, late = found.groups()
    year = early or late
    month = _MONTHS.get(name.lower())
    if month is None:
        return None
    arrival = datetime.fromtimestamp(arrival_ms / 1000, UTC) if arrival_ms else datetime.now(UTC)
    clock = (int(hour), int(minute), min(int(second), 59))
    for guess in [int(year)] if year else [arrival.year + 1, arrival.year, arrival.year - 1, arrival.year - 4]:
        try:
            when = datetime(guess, month, int(day), *clock, tzinfo=UTC)
        except ValueError:  # 29 February of a year that has none
            continue
        if year or when <= arrival + timedelta(days=1):
            return when, fraction or ""
    return None


def rfc2822(value: object) -> tuple[datetime, str] | None:
    """``Fri, 27 Jan 2023 06:02:51 GMT``, with or without weekday, fraction (``:131`` too), zone (UTC); ISO 8601, epochs."""
    found = _MAIL.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= 64 else None
    if found is None:
        return epoch_auto(value)
    day, name, year, hour, minute, second, fraction, zone = found.groups()
    month = _MONTHS.get(name.lower())
    if month is None:
        return None
    when = datetime(int(year), month, int(day), int(hour), int(minute), min(int(second or 0), 59), tzinfo=UTC)
    return when - _offset(zone), fraction or ""


def day_first(value: object) -> tuple[datetime, str] | None:
    """``14/01/2026 10:00:00``, dots or hyphens too, with or without seconds, fraction, AM or PM, zone (UTC); or ISO 8601."""
    return _in_numbers(value, day=1, month=3)


def month_first(value: object) -> tuple[datetime, str] | None:
    """``01/14/2026 10:00:00 AM``, and what ``day_first`` reads, day and month the other way round."""
    return _in_numbers(value, day=3, month=1)


def _in_numbers(value: object, *, day: int, month: int) -> tuple[datetime, str] | None:
    found = _NUMBERS.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= 64 else None
    if found is None:
        return iso8601(value)
    year, hour, minute, second, fraction, half, zone = found.groups()[3:]
    if half and not 1 <= int(hour) <= 12:
        return None
    hours = int(hour) % 12 + (12 if half in "Pp" else 0) if half else int(hour)
    when = datetime(int(year), int(found[month]), int(found[day]), hours, int(minute), min(int(second or 0), 59), tzinfo=UTC)
    return when - _offset(zone), fraction or ""


READERS: dict[str, Callable[[object], tuple[datetime, str] | None]] = {
    "iso8601": iso8601,
    "epoch_second": epoch_second,
    "epoch_milli": epoch_milli,
    "epoch_auto": epoch_auto,
    "clf": clf,
    "syslog": syslog,
    "rfc2822": rfc2822,
    "day_first": day_first,
    "month_first": month_first,
}


_SHIFTS: dict[Callable[[object], tuple[datetime, str] | None], int | None] = {
    epoch_second: 0,
    epoch_milli: 3,
    epoch_auto: None,
    rfc2822: None,
}
"""Readers of whole numbers → by which power of ten these are too large to be seconds; None: their size tells."""


def _digits(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    text = repr(value) if isinstance(value, int | float) else value.strip() if isinstance(value, str) else ""
    return text if _EPOCH.fullmatch(text) else None


def _from_epoch(text: str, shift: int) -> tuple[datetime, str]:
    whole, _, fraction = text.partition(".")
    negative = whole.startswith("-")
    if shift:
        digits = whole.lstrip("-").rjust(shift + 1, "0")
        whole, fraction = ("-" if negative else "") + digits[:-shift], digits[-shift:] + fraction
    if negative:
        return _START + timedelta(seconds=int(whole)), ""
    fraction = fraction[:9].rstrip("0") if len(fraction) > 3 else fraction
    return _START + timedelta(seconds=int(whole)), fraction


def _offset(zone: str | None) -> timedelta:
    if not zone or zone[0] not in "+-":
        return timedelta(0)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(shift if zone[0] == "+" else -shift).utcoffset(None)
