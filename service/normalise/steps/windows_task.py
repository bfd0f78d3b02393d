"""The definition of a scheduled task: what it runs, as whom, when."""

from __future__ import annotations

from typing import Any

from service.enrich.fragments import dump
from service.errors import EventError
from service.normalise.steps.spec import StepSpec
from service.parse.bounded_xml import walk

LONGEST = 256_000
"""Characters of a definition that are read; Windows refuses longer ones itself."""
_ACTIONS = {"Exec": "exec", "ComHandler": "com_handler", "SendEmail": "send_email", "ShowMessage": "show_message"}
_ACTION = {"Command": "command", "Arguments": "arguments", "WorkingDirectory": "working_directory", "ClassId": "class_id"}
_TRIGGERS = {
    "BootTrigger": "boot", "CalendarTrigger": "calendar", "EventTrigger": "event", "IdleTrigger": "idle", "LogonTrigger": "logon",
    "RegistrationTrigger": "registration", "SessionStateChangeTrigger": "session_state_change", "TimeTrigger": "time",
}  # fmt: skip
_TRUE, _FALSE = ("true", "1"), ("false", "0")
Node = tuple[str, dict[str, str], list[Any], list[str]]
"""Name, attributes, elements below, text."""


def scheduled_task(name: object, definition: object) -> tuple[str | None]:
    """An object with ``name`` and what the definition says: uri, author, description, actions, principals, settings, triggers."""
    task: dict[str, Any] = {"name": name} if isinstance(name, str) and name and name != "-" else {}
    if isinstance(definition, str) and "<Task" in definition and len(definition) <= LONGEST:
        task |= _told(_read(definition))
    return (dump(task) if task else None,)


def _read(definition: str) -> Node:
    root: Node = ("", {}, [], [])
    path = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        node: Node = (name, attributes, [], [])
        path[-1][2].append(node)
        path.append(node)

    def end() -> None:
        path.pop()

    try:
        broken = walk(definition.strip(), start, end, lambda text: path[-1][3].append(text))
    except EventError:
        return root
    return root[2][0] if broken is None and root[2] else root


def _told(root: Node) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, attributes, below, _ in root[2]:
        match name:
            case "RegistrationInfo":
                told |= _texts(below, {"URI": "uri", "Author": "author", "Description": "description"})
            case "Actions":
                told["actions"] = [_action(each, attributes.get("Context")) for each in below if each[0] in _ACTIONS]
            case "Principals":
                told["principals"] = [_principal(each) for each in below if each[0] == "Principal"]
            case "Settings":
                told["settings"] = _switches(below, {"Enabled": "enabled", "Hidden": "hidden"})
            case "Triggers":
                told["triggers"] = [_trigger(each) for each in below if each[0] in _TRIGGERS]
    return {key: value for key, value in told.items() if value}


def _action(node: Node, context: str | None) -> dict[str, Any]:
    return {"type": _ACTIONS[node[0]], **({"context": context} if context else {}), **_texts(node[2], _ACTION)}


def _principal(node: Node) -> dict[str, Any]:
    said = _texts(node[2], {"UserId": "user", "GroupId": "group", "LogonType": "logon", "RunLevel": "run_level"})
    told: dict[str, Any] = {"id": node[1]["id"]} if node[1].get("id") else {}
    if "run_level" in said:
        told["run_level"] = said["run_level"]
    if "logon" in said:
        told["logon"] = {"type": said["logon"]}
    if "user" in said or "group" in said:
        told["user"] = {"identifier": said.get("user") or said["group"]}
    return told


def _trigger(node: Node) -> dict[str, Any]:
    told: dict[str, Any] = {"type": _TRIGGERS[node[0]], "enabled": True, **_switches(node[2], {"Enabled": "enabled"})}
    told |= _texts(node[2], {"StartBoundary": "start_boundary", "EndBoundary": "end_boundary", "Delay": "delay"})
    if user := _texts(node[2], {"UserId": "identifier"}):
        told["user"] = user
    for name, _, below, _ in node[2]:
        if name == "Repetition":
            told["repetition"] = {
                **_texts(below, {"Interval": "interval", "Duration": "duration"}),
                **_switches(below, {"StopAtDurationEnd": "stop_at_duration_end"}),
            }
    return {key: value for key, value in told.items() if value != {}}


def _texts(nodes: list[Any], names: dict[str, str]) -> dict[str, str]:
    return {names[name]: text for name, _, _, parts in nodes if name in names and (text := "".join(parts).strip())}


def _switches(nodes: list[Any], names: dict[str, str]) -> dict[str, bool]:
    words = _texts(nodes, names)
    return {key: word.lower() in _TRUE for key, word in words.items() if word.lower() in (*_TRUE, *_FALSE)}


STEPS: dict[str, StepSpec] = {
    "scheduled_task": StepSpec(scheduled_task, ("name", "definition"), {"task": "json"}),
}
