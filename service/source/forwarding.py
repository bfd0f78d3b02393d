"""``forward.yml``: which queues announce objects, which objects are meant, and onto which stream they go, with whose rights."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from service import yaml_file
from service.errors import ContentError, ContentErrors
from service.pipeline.schema import Model
from service.source.streams import Environment, ExternalId, ProjectId, Region, RoleArn, StreamArn, StreamName, Url
from service.yaml_file import YamlFile

QueueUrl = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+/[A-Za-z0-9_./-]+$", max_length=512)]
BucketPattern = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.*?-]{1,63}$")]
KeyPattern = Annotated[str, StringConstraints(min_length=1, max_length=1024)]

IGNORED = [
    "*/ELBAccessLogTestFile", "*/ELBConnectionLogTestFile", "*/ELBHealthCheckLogTestFile", "*/ConfigWritabilityCheckFile",
    "*/aws-waf-logs-test-file", "*/aws-programmatic-access-test-object", "*/aws-security-data-lake-test-file",
]  # fmt: skip
"""What AWS writes to see whether it may."""
_QUEUE_REGION = re.compile(r"https?://(?:sqs\.([a-z0-9-]+)\.|([a-z0-9-]+)\.queue\.)")


class ForwardQueue(Model):
    """One SQS queue that gets the notifications of one or more buckets."""

    url: QueueUrl
    """URL of the queue."""
    region: Region | None = None
    """Region of queue and buckets, where the URL does not tell and it is not the project's."""
    buckets: list[BucketPattern] = Field(min_length=1)
    """Buckets that are meant (``*`` and ``?``). A notification that names another one becomes a dead letter: whoever can write
    to the queue must not choose what is read."""
    keys: list[KeyPattern] = Field(default=["*"], min_length=1)
    """Keys that are meant; objects under other keys are passed over and counted."""
    ignore: list[KeyPattern] = Field(default=IGNORED)
    """Keys that are passed over all the same: AWS's test files."""
    role_arn: RoleArn | None = None
    """Role to read queue and buckets with, instead of the project's: those of a log archive account, say."""
    external_id: ExternalId | None = None
    """ExternalId that its trust policy asks for."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("`external_id` is only used with `role_arn`")
        return self

    def place(self, default: str) -> str:
        """Region of the queue."""
        found = _QUEUE_REGION.match(self.url)
        return self.region or (next(filter(None, found.groups())) if found is not None else default)


class ForwardProject(Model):
    """One project in one environment: its queues, and the stream that the siem reads."""

    id: ProjectId
    """As in ``streams.yml``; here it only names numbers and log lines."""
    environment: Environment
    """prod, nonprod …"""
    stream: StreamName | StreamArn
    """Where forwarded records go: name or ARN of the project's stream."""
    region: Region
    """Where stream, queues and buckets are."""
    role_arn: RoleArn | None = None
    """Role for all of it; without one the service's own credentials are used."""
    external_id: ExternalId | None = None
    """ExternalId that the role's trust policy asks for."""
    queues: list[ForwardQueue] = Field(min_length=1)
    """What announces objects."""
    endpoint_url: Url | None = None
    """Another Kinesis endpoint than AWS's: VPC endpoint, local double."""
    s3_endpoint_url: Url | None = None
    """Another S3 endpoint."""
    sqs_endpoint_url: Url | None = None
    """Another SQS endpoint."""
    sts_endpoint_url: Url | None = None
    """Another endpoint for AssumeRole."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("`external_id` is only used with `role_arn`")
        return self


class ForwardRules(Model):
    """``forward.yml``."""

    projects: list[ForwardProject] = Field(min_length=1)
    """Projects and their queues."""


class Meant:
    """Which objects of a queue are to be read."""

    def __init__(self, buckets: list[str], keys: list[str], ignore: list[str]) -> None:
        """Compile the patterns."""
        self._buckets, self._keys, self._ignore = map(_any_of, (buckets, keys, ignore))

    def bucket(self, name: str) -> bool:
        """Whether objects of the bucket may be read at all."""
        return self._buckets.match(name) is not None

    def key(self, key: str) -> bool:
        """Whether the object is meant; folders never are."""
        return self._keys.match(key) is not None and self._ignore.match(key) is None and not key.endswith("/")


def load_forwarding(path: Path) -> YamlFile[ForwardRules]:
    """Read ``forward.yml``; raises ContentErrors with every fault and its place, duplicates among them."""
    file = yaml_file.read(path, ForwardRules)
    faults = list(_duplicates(file))
    if faults:
        raise ContentErrors(f"{file.path} is not valid", faults)
    return file


def _duplicates(file: YamlFile[ForwardRules]) -> Iterator[ContentError]:
    seen: dict[str, str] = {}
    for number, project in enumerate(file.value.projects):
        for index, queue in enumerate(project.queues):
            keys = ("projects", number, "queues", index, "url")
            first = seen.setdefault(queue.url, str(file.place(*keys)))
            if first != str(file.place(*keys)):
                reason = f"the queue is read twice, first at {first}: each of them would get half of the messages"
                yield file.error(keys, "duplicate_queue", reason, "one entry a queue")


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns) or r"(?!)")
