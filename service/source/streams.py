"""``streams.yml``: which streams of which projects are read, with whose rights, from where on, and how.

The project and environment that stand here are the only trusted statement of whose data a record is.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from service import yaml_file
from service.errors import ContentError, ContentErrors
from service.pipeline.schema import Model
from service.yaml_file import YamlFile

ProjectId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
Environment = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,16}$")]
AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
RoleArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", max_length=600)]
StreamArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:kinesis:[a-z0-9-]+:[0-9]{12}:stream/[a-zA-Z0-9_.-]{1,128}$")
]
StreamName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.-]{1,128}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._/-]*)?$")]
ExternalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@:/-]+$", min_length=2, max_length=1224)]


def _with_zone(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is no time like 2026-11-21T08:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("needs a time zone, for instance Z at its end")
    return text


Moment = Annotated[str, AfterValidator(_with_zone)]


class StreamEntry(Model):
    """One stream to read."""

    name: StreamName | None = None
    """Name of the stream, in the project's region."""
    arn: StreamArn | None = None
    """Or its ARN."""
    region: Region | None = None
    """Where the stream is, if not in the project's region."""
    start: Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"] = "TRIM_HORIZON"
    """Where to begin when the stream is read for the first time: oldest record, now, or ``at``."""
    at: Moment | None = None
    """For AT_TIMESTAMP: ISO 8601 with time zone."""
    mode: Literal["auto", "fan_out", "polling"] = "auto"
    """auto: a dedicated subscription where ``consumer`` is set and works, else polling. fan_out never falls back."""
    consumer: StreamName | None = None
    """Name of the registered consumer for enhanced fan-out; registered if absent. Costs extra; 2 MB/s a shard of its own."""
    columns: dict[str, str] = Field(default={})
    """Field lists of columnar text by log group pattern (``*`` and ``?``), for flow logs with a custom format."""
    most_mb_per_second: float | None = Field(default=None, gt=0)
    """Most MB a second (as Kinesis counts them) that are read of the whole stream, by all workers together; what is beyond
    waits in the stream. A quota: however much one project sends, the others' records do not queue behind it."""
    foreign_aggregates: Literal["discard", "keep"] = "discard"
    """KPL aggregates with keys of another shard: the KPL puts them again after a reshard, so they are discarded.
    keep: for producers that aggregate without regard to shards and never put again."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.name is None) == (self.arn is None):
            raise ValueError("needs either `name` or `arn`")
        if (self.start == "AT_TIMESTAMP") != (self.at is not None):
            raise ValueError("`at` belongs to `start: AT_TIMESTAMP`, and to nothing else")
        if self.mode == "fan_out" and self.consumer is None:
            raise ValueError("`mode: fan_out` needs the name of a `consumer`")
        if self.arn is not None and self.region is not None:
            raise ValueError("the ARN says the region already")
        return self

    @property
    def stream_name(self) -> str:
        """The name, wherever it stands."""
        return self.name or (self.arn or "").rpartition("/")[2]

    @property
    def at_ms(self) -> int | None:
        """``at`` in milliseconds since the epoch."""
        return None if self.at is None else round(datetime.fromisoformat(self.at).timestamp() * 1000)


class ProjectEntry(Model):
    """One project in one environment, and its streams."""

    id: ProjectId
    """Becomes ``project.id`` and part of index names."""
    environment: Environment
    """prod, nonprod …"""
    accounts: list[AccountId] = Field(default=[])
    """Accounts whose events may come through these streams; others are flagged ``account_mismatch``. Quote the ids."""
    role_arn: RoleArn | None = None
    """Role to read the streams with; without one the service's own credentials are used."""
    external_id: ExternalId | None = None
    """ExternalId that the role's trust policy asks for."""
    region: Region
    """Where the streams are."""
    endpoint_url: Url | None = None
    """Another endpoint than AWS's: VPC endpoint, local double."""
    sts_endpoint_url: Url | None = None
    """Another endpoint for AssumeRole."""
    streams: list[StreamEntry] = Field(min_length=1)
    """What to read."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("`external_id` is only used with `role_arn`")
        return self


class Subscription(NamedTuple):
    """One stream with all that its project says."""

    project: ProjectEntry
    stream: StreamEntry

    @property
    def region(self) -> str:
        """Where the stream is."""
        if self.stream.arn is not None:
            return self.stream.arn.split(":")[3]
        return self.stream.region or self.project.region

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two entries the same stream: ARN or account, endpoint, region, name."""
        project = self.project
        account = self.stream.arn.split(":")[4] if self.stream.arn else ""
        if not account and project.role_arn:
            account = project.role_arn.split(":")[4]
        return (account, project.endpoint_url or "", self.region, self.stream.stream_name)


class Streams(Model):
    """``streams.yml``."""

    projects: list[ProjectEntry] = Field(min_length=1)
    """Projects and their streams."""

    def subscriptions(self) -> Iterator[Subscription]:
        """Every stream to read."""
        for project in self.projects:
            for stream in project.streams:
                yield Subscription(project, stream)

    def accounts(self, project: str, environment: str) -> frozenset[str]:
        """Accounts that belong to a project and environment; empty when none are declared."""
        entries = (entry for entry in self.projects if (entry.id, entry.environment) == (project, environment))
        return frozenset(account for entry in entries for account in entry.accounts)


class ColumnsTable:
    """Field lists declared for log groups, looked up by where a slice came from."""

    def __init__(self, streams: Streams) -> None:
        """Compile the patterns."""
        self._patterns: dict[tuple[str, str, str], list[tuple[re.Pattern[str], str]]] = {}
        for project, stream in streams.subscriptions():
            compiled = [(re.compile(fnmatch.translate(pattern)), names) for pattern, names in stream.columns.items()]
            self._patterns[project.id, project.environment, stream.stream_name] = compiled

    def declared(self, project: str, environment: str, stream: str, log_group: str) -> str | None:
        """The field list of the first pattern that matches the log group, or None."""
        for pattern, names in self._patterns.get((project, environment, stream), ()):
            if pattern.match(log_group):
                return names
        return None


def load_streams(path: Path) -> YamlFile[Streams]:
    """Read ``streams.yml``; raises ContentErrors with every fault and its place, duplicates among them."""
    file = yaml_file.read(path, Streams)
    faults = list(_duplicates(file))
    if faults:
        raise ContentErrors(f"{file.path} is not valid", faults)
    return file


def _duplicates(file: YamlFile[Streams]) -> Iterator[ContentError]:
    seen: dict[tuple[str, ...], str] = {}
    names: dict[tuple[str, ...], str] = {}
    for number, project in enumerate(file.value.projects):
        for index, stream in enumerate(project.streams):
            keys = ("projects", number, "streams", index)
            place = str(file.place(*keys))
            first = seen.setdefault(Subscription(project, stream).identity, place)
            if first != place:
                reason = f"stream {stream.stream_name!r} is read twice, first at {first}"
                yield file.error(keys, "duplicate_stream", reason, "one entry a stream")
                continue
            # Positions in documents name project, environment, stream and shard: two streams must differ in them.
            first = names.setdefault((project.id, project.environment, stream.stream_name), place)
            if first != place:
                reason = f"{project.id}/{project.environment} has two streams named {stream.stream_name!r}, see {first}"
                yield file.error(keys, "duplicate_stream_name", reason, "use another environment or project for one")
