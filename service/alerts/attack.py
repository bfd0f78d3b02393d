"""MITRE ATT&CK tags of a rule → ``threat.*``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from service.normalise.steps.finding_threats import TACTICS, TECHNIQUES

_TECHNIQUE = re.compile(r"attack\.(t[0-9]{4})(\.[0-9]{3})?")
_BY_NAME = {name.lower().replace(" ", "-"): id_ for id_, name in TACTICS.items()}


def threat(tags: Iterable[str]) -> dict[str, Any]:
    """Tactics, techniques and sub-techniques with their names where we know them; {} for a rule without any."""
    tactics: list[str] = []
    techniques: list[str] = []
    parts: list[str] = []
    for tag in map(str.lower, tags):
        if found := _TECHNIQUE.fullmatch(tag):
            techniques.append(found[1].upper())
            if found[2]:
                parts.append(found[1].upper() + found[2])
        elif (tactic := _BY_NAME.get(tag.removeprefix("attack.").replace("_", "-"))) is not None:
            tactics.append(tactic)
    if not tactics and not techniques:
        return {}
    about: dict[str, Any] = {"framework": "MITRE ATT&CK"}
    if tactics:
        about["tactic"] = _named(tactics, TACTICS)
    if techniques:
        about["technique"] = _named(techniques, TECHNIQUES)
        if parts:
            about["technique"]["subtechnique"] = _named(parts, TECHNIQUES)
    return about


def _named(ids: list[str], names: dict[str, str]) -> dict[str, list[str]]:
    once = list(dict.fromkeys(ids))
    known = [names[each] for each in once if each in names]
    return {"id": once, "name": known} if known else {"id": once}
