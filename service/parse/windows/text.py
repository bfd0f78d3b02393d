"""The CloudWatch agent's text format: six facts in square brackets, the last of them the message, of several lines."""

from __future__ import annotations

import re
from typing import Any

from service.errors import EventError
from service.parse.windows.message import data_of
from service.parse.windows.words import LEVEL_NAMES

_LINE = re.compile(
    r"\[([^\[\]\n]{1,255})\] \[([A-Za-z]{0,20})\] \[(\d{1,10})\] \[([^\n\]]{0,255})\] \[([^\n\[\]]{0,255})\] \[(.*)", re.DOTALL
)
_FAILED = re.compile(r"\A[^\n]{0,120}?\b(?:failed|could not be|was denied|pre-authentication failed)\b")


def read_text(text: str) -> dict[str, Any]:
    """The raw event of ``[channel] [LEVEL] [id] [provider] [computer] [message]``; EventError ``not_windows`` for other text.

    The time is not in it. What the audit decided is told by the message alone.
    """
    found = _LINE.match(text.strip())
    if found is None:
        raise EventError("parse", "not_windows", "neither XML nor JSON nor the agent's text form")
    channel, level, event_id, provider, computer, message = found.groups()
    raw: dict[str, Any] = {"channel": channel, "event_id": event_id}
    if provider:
        raw["provider"] = provider
    if computer:
        raw["computer"] = computer
    word = LEVEL_NAMES.get(level.lower(), "information" if channel == "Security" else None)
    if word:
        raw["level"] = word
    message = message.removesuffix("]").replace("\r\n", "\n").strip()
    if message:
        raw["message"] = message
        if data := data_of(event_id, message):
            raw["data"] = data
    if channel == "Security":
        raw["outcome"] = _outcome(event_id, message, raw.get("data", {}))
    return raw


def _outcome(event_id: str, message: str, data: dict[str, Any]) -> str:
    """Failed where the event is one of failures, or its status says so; audit events succeed otherwise."""
    status = str(data.get("Status", "0x0")).lower() if event_id in ("4768", "4769", "4770", "4776") else "0x0"
    failed = event_id in ("4625", "4771", "4777", "4772", "4773", "5152", "5157") or status.strip("0x") != ""
    return "failure" if failed or _FAILED.match(message) is not None else "success"
