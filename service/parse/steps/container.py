"""Lines of containers and hosts as collectors deliver them: what is around the line, and what the line itself says.

Fluent Bit and Fluentd (with Kubernetes' or Amazon ECS's metadata), Docker's and the container runtime interface's files, the
host and data plane logs of Container Insights, and lines without anything around them.
"""

from __future__ import annotations

from typing import Any

from service.errors import EventError
from service.parse.joins.wrapped import CRI
from service.parse.json_event import read_json
from service.parse.steps.json_or_text import FOUND, json_or_text, recognised
from service.parse.steps.klog import klog

AROUND = "around"
"""Raw field for what is around the line."""
_METADATA = frozenset(
    {
        *("kubernetes", "docker", "stream", "logtag", "_p", "attrs", "tag", "source", "log_processed", "file", "log_file"),
        *("container_id", "container_name", "ecs_cluster", "ecs_task_arn", "ecs_task_definition", "ec2_instance_id", "az"),
        *("partial_message", "partial_id", "partial_ordinal", "partial_last", "hostname", "host", "ident", "systemd_unit"),
        *("_SYSTEMD_UNIT", "_HOSTNAME", "SYSLOG_IDENTIFIER", "_PID", "PRIORITY", "priority", "pid", "filename", "cluster"),
    }
)
"""Keys that collectors add; everything else in a record without a line is the application's own."""
_TELLING = frozenset(
    {
        "kubernetes",
        "docker",
        "container_id",
        "ecs_cluster",
        "ecs_task_arn",
        "ec2_instance_id",
        "systemd_unit",
        "_SYSTEMD_UNIT",
        "az",
    }
)
"""Without one of these, or the stream, an object is what an application wrote."""
_STAMPS = ("time", "@timestamp", "timestamp", "date")
_LINES = ("log", "message", "MESSAGE")
_HOST = frozenset({"systemd_unit", "_SYSTEMD_UNIT", "ident", "SYSLOG_IDENTIFIER"})
"""Keys of records of a host's own log."""
_PLATFORM = frozenset({"clusterArn", "deploymentId", "instance-id", "spot-instance-request-id", "snapshot_id", "ImageId"})
"""Keys of what the service itself says of tasks, instances and volumes through EventBridge."""
_VOLUME = frozenset({"event", "result", "cause"})


def container(text: str) -> dict[str, Any]:
    """The raw fields of the line, ``_log`` as ``json_or_text`` recognises it, and ``around``: metadata by the collector's names.

    Events of ECS and EC2 themselves are under ``detail``. A line of blanks has no ``_log``. Raises EventError ``empty``
    for an event of blanks.
    """
    if not text.strip():
        raise EventError("parse", "empty", "there is nothing but blanks")
    if text[0] != "{":
        return _of_line(text, {})
    try:
        entry, _ = read_json(text)
    except EventError:
        return json_or_text(text)
    if (not _PLATFORM.isdisjoint(entry) or entry.keys() >= _VOLUME) and not any(
        isinstance(entry.get(key), str) for key in _LINES
    ):
        return {"detail": entry}
    return _of_entry(entry, text)


def _of_entry(entry: dict[str, Any], text: str) -> dict[str, Any]:
    if _TELLING.isdisjoint(entry) and entry.get("stream") not in ("stdout", "stderr"):
        return recognised(entry, text)
    around = {key: value for key, value in entry.items() if key in _METADATA}
    rest = {key: value for key, value in entry.items() if key not in _METADATA}
    processed = around.pop("log_processed", None)
    line = _line_of(rest, around)
    if line is None:
        # The collector has taken the line's JSON apart: its fields stand beside the metadata.
        return _joined(recognised(rest, text), around)
    stamp = next((rest.pop(key) for key in _STAMPS if key in rest), None)
    if stamp is not None:
        around["stamp"] = stamp
    apart = isinstance(processed, dict) and processed
    found = recognised(processed, line.rstrip("\r\n")) if apart else _of_line(line, {})
    for key, value in rest.items():
        found.setdefault(key, value)
    return _joined(found, around)


def _line_of(rest: dict[str, Any], around: dict[str, Any]) -> str | None:
    """The line, taken out of what is not metadata: ``log``, or the message of a host's log."""
    keys = _LINES[:1] if _HOST.isdisjoint(around) else _LINES
    for key in keys:
        if isinstance(rest.get(key), str):
            line: str = rest.pop(key)
            return line
    return None


def _joined(found: dict[str, Any], around: dict[str, Any]) -> dict[str, Any]:
    inner = found.get(AROUND)
    if around or inner:
        found[AROUND] = {**around, **inner} if isinstance(inner, dict) else around
    return found


def _of_line(line: str, around: dict[str, Any]) -> dict[str, Any]:
    header = CRI.fullmatch(line)
    if header is not None:
        stamp, stream, flag, inside = header.groups()
        line = inside or ""
        around = {"stamp": stamp, "stream": stream, "logtag": flag}
    if not line.strip():
        return _joined({}, around)
    if line[0] in "IWEF" and "] " in line[:120]:
        said = klog(line)
        if "level" in said:
            facts = {FOUND: {"level": said.pop("level"), "message": said.pop("message")}}
            said.pop("stamp", None)
            return _joined({**facts, "klog": said}, around)
    return _joined(json_or_text(line), around)
