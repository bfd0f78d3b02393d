"""Our log: one JSON object a line on stdout, secrets taken out, noisy libraries held down."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.clock import Clock
from service.telemetry import events, metrics
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems
from service.telemetry.redaction import Redactor

QUIET = {"opensearch": logging.ERROR} | dict.fromkeys(
    ("service", "aiokafka", "faust", "mode", "botocore", "aiobotocore", "asyncio", "aiohttp", "urllib3"), logging.WARNING
)
"""Least severity of the standard library's loggers; "service" are Faust's classes that we inherit from."""
KAFKA_LOGGERS = ("aiokafka", "faust", "mode", "service")
REPEAT_SECONDS = 10.0
_OBVIOUS = frozenset({"event", "level", "timestamp", "exception"})


class RateLimit(logging.Filter):
    """Lets the same line of a library through once in a while: an outage makes aiokafka write a hundred a second."""

    def __init__(self, clock: Clock, seconds: float = REPEAT_SECONDS) -> None:
        """Pass one line of each kind every ``seconds``; it says how many were held back."""
        super().__init__()
        self._clock = clock
        self._seconds = seconds
        self._seen: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide by place in the library's source, not by text: that holds broker names and numbers."""
        kind = (record.pathname, record.lineno)
        now = self._clock.monotonic()
        last, held = self._seen.get(kind, (-self._seconds, 0))
        if now - last < self._seconds:
            self._seen[kind] = (last, held + 1)
            return False
        self._seen[kind] = (now, 0)
        record.held_back = held
        return True


class _Count:
    """Counts lines and remembers warnings for the status page."""

    def __init__(self, meters: Meters, problems: Problems) -> None:
        self._meters = meters
        self._problems = problems

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        level = str(event.get("level", "info"))
        self._meters.add(metrics.LOG_LINES, 1, (level,))
        if level in ("warning", "error", "critical"):
            detail = {key: value for key, value in event.items() if key not in _OBVIOUS and not key.startswith("_")}
            self._problems.note(str(event.get("event")), level, detail)
        return event


def configure_aside(secrets: Iterable[str]) -> None:
    """For a verb whose answer is on stdout: warnings and worse go to stderr, what else there is to say is left out."""

    def warnings(_: WrappedLogger, level: str, event: EventDict) -> EventDict:
        if logging.getLevelNamesMapping().get(level.upper(), logging.ERROR) < logging.WARNING:
            raise structlog.DropEvent
        return event

    structlog.configure(
        processors=[
            warnings,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            Redactor(secrets),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def configure(
    *, level: str, form: str, secrets: Iterable[str], clock: Clock, meters: Meters, problems: Problems, **constant: str
) -> None:
    """Set up structlog and the standard library's logging of this process; ``constant`` stands on every line."""

    def add_constants(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {**event, **constant}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_constants,
        structlog.processors.format_exc_info,
        Redactor(secrets),
        _Count(meters, problems),
    ]
    render: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_foreign, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    handler.addFilter(RateLimit(clock))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, number))


def _foreign(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Give a library's line a name of ours; its text becomes a field."""
    record: Any = event["_record"]
    library = record.name.split(".")[0]
    event["message"] = event["event"]
    event["logger"] = record.name
    event["event"] = events.KAFKA_CLIENT if library in KAFKA_LOGGERS else events.LIBRARY
    if held := getattr(record, "held_back", 0):
        event["held_back"] = held
    return event
