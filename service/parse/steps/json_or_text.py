"""Whatever an application writes: a JSON object or a line of text, and what both say about level, errors and traces.

What is recognised is put under ``_log``, so that it can be moved by name; of a JSON object everything else stays as it is.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from service.errors import EventError
from service.parse.json_event import read_json

FOUND = "_log"
"""Raw field that holds what was recognised."""
_NUMBERS = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}
"""Levels of Bunyan, Pino and (without trace and fatal) Python's logging."""
_KEYS: dict[str, tuple[str, ...]] = {
    "message": ("message", "msg", "Message", "@message", "log", "text", "event_message"),
    "level": (
        "log.level",
        "level",
        "severity",
        "loglevel",
        "logLevel",
        "log_level",
        "Level",
        "levelname",
        "lvl",
        "level_name",
        "@level",
    ),
    "stamp": ("@timestamp", "timestamp", "time", "ts", "datetime", "asctime", "date"),
    "logger": ("log.logger", "logger", "logger_name", "loggerName", "logger.name", "LoggerName"),
    "thread": ("process.thread.name", "thread", "thread_name", "threadName"),
    "trace": ("trace.id", "trace_id", "traceId", "traceid", "TraceId", "dd.trace_id", "xray_trace_id", "xRayTraceId"),
    "span": ("span.id", "span_id", "spanId", "spanid", "SpanId", "dd.span_id"),
    "transaction": ("transaction.id", "transaction_id", "transactionId"),
    "service": ("service.name", "service_name", "serviceName", "service", "application", "app", "app_name", "dd.service"),
    "version": ("service.version", "service_version", "dd.version"),
    "environment": ("service.environment", "dd.env"),
    "error_type": ("error.type", "errorType", "error_type", "exception_name", "exception_class", "exc_type"),
    "error_code": ("error.code", "errorCode", "error_code"),
    "error_message": ("error.message", "errorMessage", "error_message", "exception_message"),
    "stack": ("error.stack_trace", "stack_trace", "stackTrace", "stacktrace", "stack", "exc_info", "traceback"),
    "request": ("http.request.id", "request_id", "requestId", "RequestId", "x_request_id", "correlation_id", "correlationId"),
    "execution": ("faas.execution", "awsRequestId", "aws_request_id", "AWSRequestId", "AWSrequestId", "function_request_id"),
    "function": ("faas.name", "function_name", "functionName"),
    "address": (
        "source.ip",
        "client.ip",
        "client_ip",
        "clientIp",
        "clientIP",
        "remote_addr",
        "remoteAddr",
        "remote_ip",
        "remoteIp",
        "source_ip",
        "sourceIp",
        "sourceIP",
        "ip",
        "ip_address",
        "ipAddress",
    ),
    "user_name": ("user.name", "user_name", "userName", "username"),
    "user_id": ("user.id", "user_id", "userId", "uid"),
    "method": ("http.request.method", "http_method", "httpMethod", "request_method", "requestMethod", "method"),
    "status": ("http.response.status_code", "status_code", "statusCode", "http_status", "response_code", "responseCode"),
    "url": ("url.full", "url.original", "url", "uri", "request_uri", "requestUri"),
    "path": ("url.path", "path", "request_path", "requestPath"),
    "agent": ("user_agent.original", "user_agent", "userAgent", "http_user_agent"),
    "host": ("host.hostname", "host.name", "hostname", "host_name"),
    "pid": ("process.pid", "pid"),
}
_ERROR_KEYS = {
    "error_type": ("type", "name", "kind", "class"),
    "error_message": ("message", "msg"),
    "stack": ("stack_trace", "stack", "stacktrace", "stackTrace", "traceback"),
    "error_code": ("code",),
}
_PLACE = {key: fact for fact, keys in _KEYS.items() for key in keys}
_LEVEL = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRIT(?:ICAL)?|FATAL|SEVERE|ALERT|EMERG(?:ENCY)?|PANIC)(?![A-Za-z0-9_-])"
    r"|(?:level|lvl|severity|loglevel)[=:] ?\"?([A-Za-z]{3,9})(?![A-Za-z])"
    r"|\[(trace|debug|info|notice|warn(?:ing)?|error|crit(?:ical)?|fatal|alert|emerg)\]"
    r"|^(?:[A-Za-z]{3}-)?(trace|debug|info|notice|warn(?:ing)?|error|critical|fatal)(?=:))",
)
_STAMP = re.compile(
    r"^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d))\]?(?=\s|$)"
    r"|^\[[A-Z]+\]\s+(\d{4}-\d\d-\d\dT[\d:.]{8,18}Z)"
)
_REQUEST = re.compile(r"(?:RequestId:? |\t| )([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?=[\t ]|$)")
_XRAY = re.compile(r"XRAY TraceId: (1-[0-9a-f]{8}-[0-9a-f]{24})")
_PYTHON = re.compile(r"([A-Za-z_][\w.]{0,100}+): ?([^\n]{0,2000})")
_JAVA = re.compile(r"(?:^|\s)((?:[a-z_][\w$]*\.)*+[A-Z][\w$]*(?:Exception|Error|Throwable))(?:: (.*+))?$")
_CALL = re.compile(r"\n[ \t]++at ")
_MOST_CALLS = 100
"""Lines of a trace whose line before is asked for the error's name; it is the first of them, or there is another cause."""
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
_HEAD = 300
_DEEPEST = 3
_NESTED = tuple(dict.fromkeys(key.split(".")[0] for keys in _KEYS.values() for key in keys if "." in key and key[:3] != "dd."))


def json_or_text(text: str) -> dict[str, Any]:
    """The raw fields of a JSON object, or none for text; ``_log`` holds what was recognised. Raises EventError for nothing."""
    text = text.strip()
    if not text:
        raise EventError("parse", "empty", "there is nothing but blanks")
    if text[0] == "{" and text[-1] == "}":
        try:
            fields, _ = read_json(text)
        except EventError:
            return {FOUND: _of_text(text)}
        return recognised(fields, text)
    return {FOUND: _of_text(text)}


def recognised(fields: dict[str, Any], text: str) -> dict[str, Any]:
    """The raw fields of an object that is parsed already; ``text`` is the message where it has none."""
    found: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, value in fields.items():
        fact = _PLACE.get(key)
        if fact is not None and fact not in found and (taken := _taken(fact, value)) is not None:
            found[fact] = taken
        else:
            rest[f"{key}_" if key == FOUND else key] = value
    for key in ("error", "err", "exception"):
        _of_error(key, rest, found)
    _of_ecs(rest, found)
    if "message" not in found:
        found["message"] = found.get("error_message") or text
    rest[FOUND] = found
    return rest


def _taken(fact: str, value: Any) -> str | int | None:
    if isinstance(value, bool) or value is None or value == "":
        return None
    match fact:
        case "level":
            return level_of(value)
        case "stack":
            return "\n".join(map(str, value)) if isinstance(value, list) and value else value if isinstance(value, str) else None
        case "stamp":
            return value if isinstance(value, int | float) and 1e8 < value < 1e19 else _zoned(value)  # type: ignore[return-value]  # bool is no time and too small
        case "pid" | "status":
            return int(value) if str(value).isdecimal() and len(str(value)) < 10 else None
        case _:
            return str(value) if isinstance(value, str | int | float) else None


def level_of(value: Any) -> str | None:
    """The level in lower case; numbers as Bunyan and Pino count them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _NUMBERS.get(value // 10 * 10)
    if not isinstance(value, str) or not 2 < len(value.strip()) < 15:
        return None
    word = value.strip().lower()
    return word if word.isalpha() else None


def _zoned(value: Any) -> str | None:
    # Without a zone it is local time of who knows where; the transport's own time is better then.
    if not isinstance(value, str) or len(value) > 40 or value[:4].isdecimal() is False:
        return None
    return value if value[-1:] in "Zz" or re.search(r"[+-]\d\d:?\d\d$", value) else None


def _of_error(key: str, rest: dict[str, Any], found: dict[str, Any]) -> None:
    value = rest.get(key)
    if isinstance(value, str) and value and "error_message" not in found:
        found["error_message"] = rest.pop(key)
        if "stack" not in found and "\n" in value:
            found["stack"] = value
            _of_trace(value, found)
    elif isinstance(value, dict):
        left = dict(value)
        for fact, names in _ERROR_KEYS.items():
            for name in names:
                if fact not in found and isinstance(left.get(name), str | int) and not isinstance(left.get(name), bool):
                    found[fact] = str(left.pop(name))
        if left:
            rest[key] = left
        else:
            del rest[key]


def _of_ecs(rest: dict[str, Any], found: dict[str, Any]) -> None:
    """Nested ECS fields: ``{"log": {"level": …}, "process": {"thread": {"name": …}}}``."""
    for key in _NESTED:
        value = rest.get(key)
        if isinstance(value, dict):
            left = _below(key, value, found)
            if left:
                rest[key] = left
            else:
                del rest[key]


def _below(path: str, value: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for name, inner in value.items():
        here = f"{path}.{name}"
        fact = _PLACE.get(here)
        taken = _taken(fact, inner) if fact is not None and fact not in found else None
        if fact is not None and taken is not None:
            found[fact] = taken
        elif isinstance(inner, dict) and here.count(".") < _DEEPEST:
            if deeper := _below(here, inner, found):
                left[name] = deeper
        else:
            left[name] = inner
    return left


def _of_text(text: str) -> dict[str, Any]:
    plain = _COLOUR.sub("", text) if "\x1b" in text else text
    found: dict[str, Any] = {"message": plain}
    head = plain[:_HEAD]
    level = _LEVEL.search(head)
    if level is not None:
        found["level"] = next(group for group in level.groups() if group).lower()
    stamp = _STAMP.match(head)
    if stamp is not None:
        found["stamp"] = (stamp[1] or stamp[2]).replace(",", ".").replace(" +", "+").replace(" -", "-")
    request = _REQUEST.search(head)
    if request is not None:
        found["execution"] = request[1]
    trace = _XRAY.search(plain) if "XRAY" in plain else None
    if trace is not None:
        found["trace"] = trace[1]
    if "\n" in plain:
        _of_trace(plain, found)
    return found


def _of_trace(text: str, found: dict[str, Any]) -> None:
    error = _python_error(text) if "Traceback (most recent call last)" in text else _java_error(text)
    if error is None:
        return
    found.setdefault("error_type", error[1])
    if error[2]:
        found["error_message"] = error[2]
    found["stack"] = text


def _python_error(text: str) -> re.Match[str] | None:
    """What the last line names."""
    return _PYTHON.fullmatch(text.rstrip().rpartition("\n")[2])


def _java_error(text: str) -> re.Match[str] | None:
    """What stands at the end of the first line that a call follows."""
    for call in islice(_CALL.finditer(text), _MOST_CALLS):
        line = text[text.rfind("\n", 0, call.start()) + 1 : call.start()]
        if (error := _JAVA.search(line.removesuffix("\r"))) is not None:
            return error
    return None
