"""``silence.yml``: what a deployment wants to hear of quiet sources."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from service import yaml_file
from service.errors import ContentError, ContentErrors
from service.pipeline.schema import Duration, Model
from service.silence.source import Source
from service.spans import Moment, duration_ms, moment_ms
from service.yaml_errors import closest
from service.yaml_file import YamlFile

Severity = Literal["low", "medium", "high", "critical"]
Pattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.*?-]{1,128}$")]


class Fit(Model):
    """Which sources are meant; what is left out fits every one. ``*`` and ``?`` stand for any characters, any one."""

    project: Pattern | None = None
    """Project id."""
    environment: Pattern | None = None
    """Environment."""
    stream: Pattern | None = None
    """Kinesis stream."""
    dataset: Pattern | None = None
    """Dataset; a stream as a whole is meant where none is named."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any((self.project, self.environment, self.stream, self.dataset)):
            raise ValueError("needs a project, environment, stream or dataset to fit")
        return self

    def fits(self, source: Source) -> bool:
        """Whether the source is meant."""
        wanted = ((self.project, source.project), (self.environment, source.environment), (self.stream, source.stream))
        if self.dataset is not None and (source.is_stream or not fnmatch.fnmatchcase(source.dataset, self.dataset)):
            return False
        return all(pattern is None or fnmatch.fnmatchcase(name, pattern) for pattern, name in wanted)


class Override(Fit):
    """Other limits for some sources."""

    after: Duration | None = None
    """Never call them silent sooner."""
    within: Duration | None = None
    """Call them silent after this at the latest, whatever was learnt of them; also while still learning."""
    severity: Severity | None = None
    """Severity of the alert."""


class Mute(Fit):
    """Sources that may be silent without an alert, for a time and for a reason."""

    until: Moment
    """Last moment of it: a date (its beginning, UTC) or a time."""
    reason: Annotated[str, StringConstraints(min_length=3, max_length=500)]
    """Why; shown wherever the source is."""

    @property
    def until_ms(self) -> int:
        """``until`` in milliseconds since the epoch."""
        return moment_ms(self.until)


class Limits(Model):
    """What holds for one source."""

    after_ms: int
    within_ms: int | None
    severity: Severity | None


class SilenceRules(Model):
    """``silence.yml``."""

    after: Duration = "1h"
    """No source is called silent sooner, however dense its rhythm."""
    within: Duration | None = None
    """Every source is called silent after this at the latest; without it, what was learnt decides."""
    overrides: list[Override] = Field(default=[])
    """Other limits for some sources; the first one that fits and says something, says it."""
    mutes: list[Mute] = Field(default=[])
    """Sources nobody wants to hear of."""

    def of(self, source: Source) -> Limits:
        """The limits of a source."""
        fitting = [one for one in self.overrides if one.fits(source)]
        after = next((one.after for one in fitting if one.after), self.after)
        within = next((one.within for one in fitting if one.within), self.within)
        after_ms, within_ms = duration_ms(after), None if within is None else duration_ms(within)
        return Limits(
            after_ms=after_ms if within_ms is None else min(after_ms, within_ms),
            within_ms=within_ms,
            severity=next((one.severity for one in fitting if one.severity), None),
        )

    def mute(self, source: Source, now_ms: int) -> Mute | None:
        """Why nobody wants to hear of the source now, if so."""
        return next((mute for mute in self.mutes if now_ms < mute.until_ms and mute.fits(source)), None)


def load_rules(path: Path, datasets: Collection[str] = (), projects: Collection[str] = ()) -> SilenceRules:
    """Read ``silence.yml``; raises ContentErrors, also for names that are none of the known ones, where those are given."""
    file = yaml_file.read(path, SilenceRules)
    faults = list(_faults(file, {"dataset": datasets, "project": projects}))
    if faults:
        raise ContentErrors(f"{file.path} is not valid", faults)
    return file.value


def _faults(file: YamlFile[SilenceRules], known: dict[str, Collection[str]]) -> Iterator[ContentError]:
    sections: dict[str, list[Override] | list[Mute]] = {"overrides": file.value.overrides, "mutes": file.value.mutes}
    for section, entries in sections.items():
        for number, entry in enumerate(entries):
            for key, names in known.items():
                pattern: str | None = getattr(entry, key)
                if pattern and names and not fnmatch.filter(names, pattern):
                    reason = f"there is no {key} `{pattern}`"
                    yield file.error((section, number, key), f"unknown_{key}", reason, closest(pattern, names))
    for number, one in enumerate(file.value.overrides):
        if one.after and one.within and duration_ms(one.after) > duration_ms(one.within):
            yield file.error(("overrides", number, "after"), "bad_value", "`after` is longer than `within`", "swap them")
