"""What PowerShell's events say in one text: the context of a command, and the details of its invocation."""

from __future__ import annotations

import re
from itertools import islice

from service.enrich.fragments import dump
from service.normalise.cast import to_long
from service.normalise.steps.spec import StepSpec
from service.normalise.steps.windows import windows_account

MOST = 200
LONGEST = 8191
"""Characters of what becomes an indexed keyword."""
_PAIR = re.compile(r"^[ \t]*+([A-Za-z][A-Za-z ]{1,30}?)[ \t]*+=[ \t]*+", re.MULTILINE)
"""``\tHostName=x`` of the classic log, ``        Host Name = x`` of the new one; values may have lines of their own."""
_DETAIL = re.compile(r"([A-Za-z]{1,60})\(([^)\n]{0,300})\):[ \t]*+(.*)")
_BINDING = re.compile(r"name=(.{1,300}?);[ \t]*+value=(.*)")
_TEXTS = (
    "NewEngineState", "PreviousEngineState", "NewProviderState", "ProviderName", "HostName", "HostVersion", "HostApplication",
    "EngineVersion", "CommandName", "CommandType", "ScriptName", "CommandPath", "CommandLine",
)  # fmt: skip
_IDS = {"HostId": "HostID", "RunspaceId": "RunspaceID", "PipelineId": "PipelineID", "ShellId": "ShellID"}
"""Names of the classic log → of the new one."""
_NUMBERS = ("SequenceNumber", "DetailSequence", "DetailTotal")
_OUTPUTS = (
    "new_state", "previous_state", "provider_state", "provider", "host_name", "host_version", "host_application",
    "engine_version", "command", "command_type", "script", "command_path", "command_line",
    "host_id", "runspace", "pipeline", "shell",
    "user", "user_domain", "source_user", "source_domain", "destination_user", "destination_domain",
    "sequence", "detail_sequence", "detail_total",
)  # fmt: skip
_NOTHING = (None,) * len(_OUTPUTS)


def powershell_context(*texts: object) -> tuple[str | int | None, ...]:
    """What the pairs of a context say of engine, host, command, pipeline and user; of the first text that holds pairs.

    Who connected is the user, from the source; whom the command ran as is then the destination's.
    """
    for text in texts:
        if isinstance(text, str) and (found := list(islice(_PAIR.finditer(text), MOST))):
            return _said(text, found)
    return _NOTHING


def _said(text: str, found: list[re.Match[str]]) -> tuple[str | int | None, ...]:
    ends = [*(pair.start() for pair in found[1:]), len(text)]
    said: dict[str, str] = {}
    for pair, end in zip(found, ends, strict=True):
        value = text[pair.end() : end].strip()
        if value:
            said.setdefault(pair[1].replace(" ", ""), value)
    return (
        *(said.get(name) for name in _TEXTS),
        *(said.get(old) or said.get(new) for old, new in _IDS.items()),
        *_users(said.get("UserId") or said.get("User"), said.get("ConnectedUser")),
        *(to_long(said.get(name)) for name in _NUMBERS),
    )


def _users(user: str | None, connected: str | None) -> tuple[str | None, ...]:
    (name, domain), source = windows_account(user), windows_account(connected)
    return (name, domain, None, None, None, None) if source[0] is None else (*source, *source, name, domain)


def powershell_details(text: object) -> tuple[str | None]:
    """Lines such as ``ParameterBinding(Out-Null): name="x"; value="y"`` as a list of objects."""
    if not isinstance(text, str):
        return (None,)
    lines = (line.strip() for line in text.split("\n", MOST)[:MOST])
    details = [_detail(line[:LONGEST]) for line in lines if line]
    return (dump(details) if details else None,)


def _detail(line: str) -> dict[str, str]:
    found = _DETAIL.fullmatch(line)
    if found is None:
        return {"value": line}
    detail = {"type": found[1], "related_command": found[2], "value": found[3]}
    binding = _BINDING.fullmatch(found[3]) if found[1] == "ParameterBinding" else None
    if binding is not None:
        detail |= {"name": binding[1], "value": binding[2]}
    return {key: value for key, value in detail.items() if value}


STEPS: dict[str, StepSpec] = {
    "powershell_context": StepSpec(
        powershell_context,
        ("text", "second", "third", "fourth"),
        {name: "int" if name in ("sequence", "detail_sequence", "detail_total") else "str" for name in _OUTPUTS},
        cuts=True,
    ),
    "powershell_details": StepSpec(powershell_details, ("text",), {"details": "json"}),
}
