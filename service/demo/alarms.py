"""Did the attack raise the alerts it should, and only those? Findings of GuardDuty are alerts of its own making."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opensearchpy import AsyncOpenSearch

from service.alerts.rule import FINDING
from service.demo.attack import MOVES, VICTIM

_INDEX = "siem-alerts-*"
_LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}
PATIENCE = 45.0
"""Seconds that alerts get to follow their events."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """Every alert, oldest first, and how they compare with the script."""

    alerts: list[Mapping[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Rules that should have found something."""
    surplus: list[str] = field(default_factory=list)
    """Rules that found something where nothing was."""

    @property
    def exact(self) -> bool:
        """The attack raised what it should, and nothing else did."""
        return not self.missing and not self.surplus


async def sound(client: AsyncOpenSearch) -> Alarms:
    """The alerts, once those of the attack are there; returns what there is when they are not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while True:
        found = await _alarms(client)
        if not found.missing or loop.time() > deadline:
            return found
        await asyncio.sleep(0.5)


async def _alarms(client: AsyncOpenSearch) -> Alarms:
    await client.indices.refresh(index=_INDEX, params=_LENIENT)
    reply = await client.search(
        index=_INDEX, body={"size": 1000, "query": {"match_all": {}}, "sort": [{"@timestamp": "asc"}]}, params=_LENIENT
    )
    alerts: list[Mapping[str, Any]] = [hit["_source"] for hit in reply["hits"]["hits"]]
    raised = {(_project(alert), alert["rule"]["name"]) for alert in alerts if alert["rule"]["id"] != FINDING}
    wanted = {(VICTIM.name, name) for move in MOVES for name in move.raises}
    return Alarms(
        alerts,
        sorted(name for _, name in wanted - raised),
        sorted(f"{name} ({project})" for project, name in raised - wanted),
    )


def _project(alert: Mapping[str, Any]) -> str:
    return f"{alert['project']['id']}-{alert['project']['environment']}"
