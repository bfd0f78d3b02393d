"""``alerts.yml``: what this deployment wants of alerts: what to leave out, how severe things are, who is told and how."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from service import yaml_file
from service.alerts.channels import Channel, Severity
from service.errors import ContentError, ContentErrors
from service.match import Node, Place, parse_selection
from service.pipeline.schema import Duration, Model
from service.spans import Moment, moment_ms
from service.yaml_errors import closest
from service.yaml_file import YamlFile

Pattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.*? -]{1,128}$")]


class Fit(Model):
    """Which alerts are meant; what is left out fits every one. ``*`` and ``?`` stand for any characters, any one."""

    rule: Pattern | None = None
    """Rule id, or its title."""
    dataset: Pattern | None = None
    """Dataset of the event."""
    project: Pattern | None = None
    """Project id."""
    environment: Pattern | None = None
    """Environment."""
    when: dict[str, object] | None = None
    """Sigma selection over the event's ECS fields."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any((self.rule, self.dataset, self.project, self.environment, self.when)):
            raise ValueError("needs a rule, dataset, project, environment or when to fit")
        return self


class Suppression(Fit):
    """Alerts that nobody wants, for a time and for a reason; they are counted."""

    until: Moment
    """Last moment of it: a date (its beginning, UTC) or a time. Nothing is suppressed for ever without somebody looking."""
    reason: Annotated[str, StringConstraints(min_length=3, max_length=500)]
    """Why."""

    @property
    def until_ms(self) -> int:
        """``until`` in milliseconds since the epoch."""
        return moment_ms(self.until)


class Override(Fit):
    """Another severity for some alerts; the first one that fits counts."""

    severity: Severity
    """What it is instead."""
    until: Moment | None = None
    """Last moment of it; without it, for good."""
    reason: Annotated[str, StringConstraints(min_length=3, max_length=500)]
    """Why."""

    @property
    def until_ms(self) -> int | None:
        """``until`` in milliseconds since the epoch; None: for good."""
        return None if self.until is None else moment_ms(self.until)


class Storm(Model):
    """When a rule raises too much at once."""

    alerts: int = Field(default=50, ge=1, le=10_000)
    """So many alerts of one rule in one project within a window; what comes beyond is counted in one more alert."""
    notices: int = Field(default=30, ge=1, le=10_000)
    """So many messages an hour to one channel about one project; what comes beyond is one summary an hour."""


class AlertRules(Model):
    """``alerts.yml``."""

    window: Duration = "1h"
    """Matches of one rule for one principal within this time are one alert."""
    nonprod_lower: bool = True
    """In environments other than ``prod``, a rule that does not say otherwise counts one level less."""
    findings: dict[str, Severity | Literal["off"]] = Field(
        default={
            "aws.guardduty": "medium",
            "aws.securityhub_findings": "high",
            "aws.inspector": "critical",
            "aws.macie": "medium",
            "aws.access_analyzer": "medium",
        }
    )
    """Dataset of findings → least severity that becomes an alert."""
    storm: Storm = Storm()
    """Limits for when it rains."""
    suppress: list[Suppression] = Field(default=[])
    """What nobody wants to see."""
    severity: list[Override] = Field(default=[])
    """Other severities."""
    channels: dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")], Channel] = Field(default={})
    """Who is told, by name."""


def load_alert_rules(path: Path, rules: Collection[str] = ()) -> YamlFile[AlertRules]:
    """Read ``alerts.yml``; raises ContentErrors, also for rules (ids and titles in ``rules``, where given) that do not exist."""
    file = yaml_file.read(path, AlertRules)
    if faults := list(_faults(file, rules)):
        raise ContentErrors(f"{file.path} is not valid", faults)
    return file


def _faults(file: YamlFile[AlertRules], rules: Collection[str]) -> Iterator[ContentError]:
    sections: dict[str, list[Suppression] | list[Override]] = {"suppress": file.value.suppress, "severity": file.value.severity}
    for section, entries in sections.items():
        for number, entry in enumerate(entries):
            if entry.rule and rules and not fnmatch.filter(rules, entry.rule):
                reason = f"there is no rule `{entry.rule}`"
                yield file.error((section, number, "rule"), "unknown_rule", reason, closest(entry.rule, rules))
            if entry.when is not None:
                try:
                    selection_of(entry, file.place(section, number, "when"))
                except ContentError as error:
                    yield error


def selection_of(entry: Fit, place: Place) -> Node | None:
    """What ``when`` asks, parsed; raises ContentError."""
    return None if entry.when is None else parse_selection(entry.when, place)
