"""Ways to tell people and machines of an alert, as ``alerts.yml`` describes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from service.pipeline.schema import Model

Severity = Literal["informational", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("informational", "low", "medium", "high", "critical")
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,100}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]


class Address(Model):
    """An address that is a secret, because whoever knows it can write there."""

    url: SecretStr = SecretStr("")
    """The address; better in the environment (``url_env``)."""
    url_env: Variable | None = None
    """Name of the environment variable that holds it."""
    key_env: Variable | None = None
    """Of a webhook: environment variable with a key; the header ``X-Siem-Signature`` then holds ``sha256=`` and the HMAC of the
    body, in hex."""

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if bool(self.url.get_secret_value()) == bool(self.url_env):
            raise ValueError("needs either `url` or `url_env`")
        return self

    def read(self, environment: Mapping[str, str] | None = None) -> str:
        """The address; "" when the variable is not set."""
        if self.url_env is None:
            return self.url.get_secret_value()
        return (os.environ if environment is None else environment).get(self.url_env, "")

    def key(self, environment: Mapping[str, str] | None = None) -> str:
        """The key to sign with; "" when there is none."""
        return (os.environ if environment is None else environment).get(self.key_env or "", "")


class Sns(Model):
    """An SNS topic: the text as message; severity, rule, project and environment as attributes to filter by."""

    topic: Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}$")]
    """ARN of the topic."""
    endpoint: str | None = None
    """Another endpoint (tests, VPC)."""

    @property
    def region(self) -> str:
        """The topic's Region."""
        return self.topic.split(":")[3]


class Sqs(Model):
    """An SQS queue, for a ticket system: the alert as JSON."""

    queue: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]{1,500}$")]
    """URL of the queue."""
    region: Region
    """Its Region."""
    endpoint: str | None = None
    """Another endpoint (tests, VPC)."""


class Channel(Model):
    """One way to tell somebody: exactly one of ``apprise``, ``webhook``, ``sns``, ``sqs``, and which alerts go there."""

    apprise: Address | None = None
    """Chat, mail, pager: whatever Apprise has an address form for."""
    webhook: Address | None = None
    """The alert as JSON by POST; redirects are not followed."""
    sns: Sns | None = None
    """An SNS topic."""
    sqs: Sqs | None = None
    """An SQS queue."""
    least: Severity = "high"
    """Least severity that is told."""
    projects: list[str] = Field(default=[])
    """Only alerts of these projects; empty: of all."""
    environments: list[str] = Field(default=[])
    """Only alerts of these environments; empty: of all."""
    samples: bool = False
    """Also what a product made up for a test (GuardDuty's sample findings)."""
    title: str = "[{alert.severity}] {rule.name} · {project.id}/{project.environment}"
    """First line; ``{field}`` is a field of the alert."""
    body: str = (
        "{message}\n\nwho: {alert.principal.name}\nfrom: {source.ip}\naccount: {cloud.account.id} {cloud.region}\n"
        "events: {alert.count}, {alert.first_seen} to {alert.last_seen}\n\n{event.url}"
    )
    """The rest; lines whose fields are all absent are left out."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(way is not None for way in (self.apprise, self.webhook, self.sns, self.sqs)) != 1:
            raise ValueError("needs exactly one of apprise, webhook, sns, sqs")
        return self

    def wants(self, alert: Mapping[str, object]) -> bool:
        """Whether an alert (``severity``, ``project``, ``environment``, ``sample``) is told here."""
        if SEVERITIES.index(str(alert["severity"])) < SEVERITIES.index(self.least):
            return False
        if alert["sample"] and not self.samples:
            return False
        fits = (
            not self.projects or alert["project"] in self.projects,
            not self.environments or alert["environment"] in self.environments,
        )
        return all(fits)
