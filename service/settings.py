"""What an operator decides: ``siem.yml``, and ``SIEM_<SECTION>_<FIELD>`` in the environment over it.

Every field has a default that works on one machine with local servers; the docstring of a field is what editors show
and the documentation prints. Unknown keys are refused with their place.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError

from service import yaml_file
from service.anchoring import anchored, with_fields
from service.environment import environment_faults, overlay
from service.errors import ContentError, ContentErrors, Place
from service.pipeline.schema import Model


class Kafka(Model):
    """The buffer between collecting and processing."""

    servers: list[str] = Field(default=["127.0.0.1:9092"], min_length=1)
    """``host:port`` of brokers to ask first."""
    group: str = Field(default="siem", pattern=r"^[A-Za-z0-9._\-]{1,100}$")
    """Consumer group of the processors."""
    instance: str = Field(default_factory=socket.gethostname, pattern=r"^[A-Za-z0-9._\-]{1,200}$")
    """Name of this machine in the group (static membership: a restart within the session timeout moves no partition).
    Two running services with one name fence each other off."""
    topic_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._\-]{0,60}$")
    """Stands before every topic name, for several deployments on one cluster."""
    partitions: int = Field(default=6, ge=1, le=1000)
    """Partitions of every topic we create; the most processes that can share one dataset."""
    replication: int = Field(default=1, ge=1, le=10)
    """Copies of every partition; 3 in production."""
    retention_hours: int = Field(default=168, ge=1)
    """How long the brokers keep messages: the longest outage of OpenSearch that loses nothing."""
    session_timeout_seconds: float = Field(default=15.0, ge=6.0, le=60.0)
    """After this silence the group gives a worker's partitions to others."""
    security: Literal["plaintext", "tls", "sasl_plaintext", "sasl_tls"] = "plaintext"
    """How to connect."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "AWS_MSK_IAM"] = "SCRAM-SHA-512"
    """How to log in, when ``security`` says sasl."""
    username: str = ""
    """SASL user."""
    password: SecretStr = SecretStr("")
    """SASL password; better as ``SIEM_KAFKA_PASSWORD``."""
    region: str | None = None
    """AWS region of the cluster, for ``AWS_MSK_IAM``."""
    ca_file: Path | None = None
    """Certificate authority of the brokers, PEM; default: the machine's own list."""
    cert_file: Path | None = None
    """Client certificate, PEM, for mutual TLS."""
    key_file: Path | None = None
    """Its key, PEM."""


class OpenSearch(Model):
    """Where documents go."""

    urls: list[str] = Field(default=["http://127.0.0.1:9200"], min_length=1)
    """Nodes or the endpoint, with scheme and port."""
    dashboards_url: str | None = None
    """OpenSearch Dashboards, for ``siem apply`` and links."""
    auth: Literal["none", "basic", "sigv4", "mtls"] = "none"
    """How to log in; sigv4 takes the machine's AWS credentials."""
    username: str = ""
    """For basic."""
    password: SecretStr = SecretStr("")
    """For basic; better as ``SIEM_OPENSEARCH_PASSWORD``."""
    region: str | None = None
    """AWS region of the domain, for sigv4."""
    service: Literal["es", "aoss"] = "es"
    """AWS service name to sign for."""
    ca_file: Path | None = None
    """Certificate authority, PEM; default: the machine's own list."""
    cert_file: Path | None = None
    """Client certificate, PEM, for mtls."""
    key_file: Path | None = None
    """Its key, PEM."""
    bulk_bytes: int = Field(default=5 * 1024 * 1024, ge=1024, le=90 * 1024 * 1024)
    """A bulk request is sent when it is this large, …"""
    bulk_wait_seconds: float = Field(default=1.0, gt=0, le=60)
    """… or its oldest document has waited this long."""
    requests_in_flight: int = Field(default=4, ge=1, le=64)
    """Bulk requests under way at once, each worker."""
    request_timeout_seconds: float = Field(default=60.0, gt=0, le=600)
    """A bulk request without an answer is sent again after this (documents have ids: nothing doubles)."""
    compress: bool = False
    """gzip requests: saves network, costs CPU."""
    codec: Literal["default", "best_compression", "zstd", "zstd_no_dict"] = "default"
    """How new indices compress documents (``siem apply``). ``best_compression`` stores four tenths less, costs a fifth more CPU;
    zstd needs the plugin custom-codecs."""


class Leases(Model):
    """Who reads which shard, and how far it got."""

    kind: Literal["sqlite", "dynamodb"] = "sqlite"
    """sqlite: one machine; dynamodb: any number."""
    file: Path = Path("leases.sqlite")
    """For sqlite; relative to ``paths.state``."""
    table: str = Field(default="siem-leases", pattern=r"^[A-Za-z0-9_.\-]{3,255}$")
    """For dynamodb."""
    region: str | None = None
    """For dynamodb."""
    endpoint: str | None = None
    """For dynamodb: another endpoint (tests, VPC)."""
    duration_seconds: float = Field(default=15.0, ge=1, le=300)
    """A lease that nobody renewed for this long is free."""


class Collect(Model):
    """Kinesis into Kafka."""

    streams: Path = Path("streams.yml")
    """Projects and their streams; relative to this file."""
    batch_bytes: int = Field(default=512 * 1024, ge=16 * 1024, le=8 * 1024 * 1024)
    """Records of one shard travel together up to this size."""
    buffer_bytes: int = Field(default=48 * 1024 * 1024, ge=1024 * 1024)
    """Most bytes sent to Kafka and not acknowledged, each worker; reading waits beyond."""


class Process(Model):
    """Kafka into OpenSearch."""

    workers: int = Field(default=1, ge=1, le=256)
    """Processes of ``siem run``; ``--workers`` wins."""
    message_bytes: int = Field(default=512 * 1024, ge=16 * 1024, le=8 * 1024 * 1024)
    """Raw events of one dataset travel together up to this size."""
    stream_buffer: int = Field(default=8, ge=2, le=64)
    """Messages in front of each dataset's agent from which on no more of it are fetched."""
    in_flight_bytes: int = Field(default=48 * 1024 * 1024, ge=1024 * 1024)
    """Most bytes of raw events on their way through pipeline and bulk, each worker; consuming pauses beyond."""
    drain_seconds: float = Field(default=25.0, ge=0, le=3600)
    """How long SIGTERM waits for what is under way; what is not done by then is read again after the restart."""


class Enrich(Model):
    """What events are enriched with; files are swapped while running."""

    geoip: list[Path] = Field(default=[])
    """MMDB files with places or autonomous systems (GeoLite2, DB-IP, ip-location-db), best first; each says what it is."""
    projects: Path | None = None
    """projects.yml: accounts, names, owners."""
    lists: Path | None = None
    """lists.yml: threat lists of addresses, networks, domains and file hashes."""
    refresh_seconds: float = Field(default=60.0, ge=1)
    """How often files are looked at for changes."""


class Forward(Model):
    """Objects in S3 onto Kinesis streams: ``siem forward``."""

    rules: Path = Path("forward.yml")
    """Queues, buckets and streams; relative to this file."""
    objects_at_once: int = Field(default=4, ge=1, le=64)
    """Objects of each queue that are read at once."""
    record_bytes: int = Field(default=1024 * 1024, ge=64 * 1024, le=10 * 1024 * 1024)
    """Largest Kinesis record that is written; more than 1 MiB only where the stream allows it."""
    unit_bytes: int = Field(default=8 * 1024 * 1024, ge=64 * 1024, le=32 * 1024 * 1024)
    """Largest line or JSON value that is read; a larger one becomes a dead letter."""
    object_bytes: int = Field(default=64 * 1024**3, ge=1024 * 1024)
    """Most that one object may inflate to; what lies beyond becomes a dead letter."""
    buffer_bytes: int = Field(default=32 * 1024 * 1024, ge=1024 * 1024)
    """Most bytes sent to a project's stream and not acknowledged; reading waits beyond."""
    requests_in_flight: int = Field(default=4, ge=1, le=64)
    """Requests to a project's stream under way at once."""
    visibility_seconds: float = Field(default=120.0, ge=15, le=3600)
    """A message that is worked on stays hidden from others for that long, and is hidden anew after a third of it."""
    drain_seconds: float = Field(default=25.0, ge=0, le=3600)
    """How long SIGTERM waits for objects under way; what is not done by then is announced again and read anew."""


class Silence(Model):
    """The watch over sources that fall silent."""

    enabled: bool = True
    """Learn each source's rhythm and raise an alert when it stops."""
    rules: Path | None = None
    """silence.yml: other limits for some sources, and mutes; taken up when it changes."""


class Detect(Model):
    """Detections over every event, and the alerts that come of them."""

    enabled: bool = True
    """Look for what the rules describe."""
    rules: list[Path] = Field(default=[])
    """Further folders of Sigma rules, beside those that are shipped; taken up when they change."""
    alerts: Path | None = None
    """alerts.yml: what is suppressed, how severe things are, who is told; taken up when it changes."""


class Admin(Model):
    """Status page, health and metrics."""

    bind: str = "127.0.0.1"
    """Address to listen on. Not loopback: set a token."""
    port: int = Field(default=8650, ge=0, le=65535)
    """Port; 0 picks a free one and logs it."""
    token: SecretStr = SecretStr("")
    """When set, everything but ``/health/*`` asks for it (``Authorization: Bearer …``, or as HTTP Basic password)."""
    token_file: Path | None = None
    """File whose first line is the token (a mounted secret); relative to this file. Wins over ``token``."""


class Paths(Model):
    """Where content and state are; relative to this file (state: to the working directory)."""

    pipelines: Path = Path("pipelines")
    """Folder of log sources."""
    tuning: Path | None = None
    """Folder of this deployment's ``<dataset>.yml``."""
    detections: Path = Path("detections")
    """Folder of the rules that are shipped."""
    mappings: Path = Path("mappings")
    """ECS catalogue and index templates."""
    dashboards: Path = Path("dashboards")
    """Dashboards across sources, and generated saved objects."""
    state: Path = Path(".siem")
    """Writable: leases, sockets, lock."""


class Logging(Model):
    """Our own log: JSON lines on stdout."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that is written."""
    format: Literal["json", "console"] = "json"
    """console is for people."""


class Settings(Model):
    """``siem.yml``."""

    kafka: Kafka = Kafka()
    opensearch: OpenSearch = OpenSearch()
    leases: Leases = Leases()
    collect: Collect = Collect()
    process: Process = Process()
    enrich: Enrich = Enrich()
    forward: Forward = Forward()
    silence: Silence = Silence()
    detect: Detect = Detect()
    admin: Admin = Admin()
    paths: Paths = Paths()
    logging: Logging = Logging()

    def secrets(self) -> list[str]:
        """Return every secret value, for those who must never print one."""
        found = (self.kafka.password, self.opensearch.password, self.admin.token)
        return [secret.get_secret_value() for secret in found if secret.get_secret_value()]


_ANCHORED = (
    ("admin", "token_file"), ("collect", "streams"), ("detect", "alerts"), ("detect", "rules"), ("enrich", "geoip"),
    ("enrich", "lists"), ("enrich", "projects"), ("forward", "rules"), ("paths", "dashboards"), ("paths", "detections"),
    ("paths", "mappings"), ("paths", "pipelines"), ("paths", "tuning"), ("silence", "rules"),
)  # fmt: skip


def load_settings(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the file (defaults without one) with the environment over it; relative content paths made absolute.

    Raises ContentErrors with every fault and its place, before anything is started.
    """
    data: dict[str, Any] = {}
    base = Path.cwd()
    if path is not None:
        data = yaml_file.read(path, Settings).data or {}
        base = path.resolve().parent
    merged = overlay(Settings, data, os.environ if environment is None else environment)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise ContentErrors("the environment is not valid", environment_faults(error)) from error
    state = settings.paths.state.absolute()  # from where the service was started
    settings = with_fields(settings, {"paths": {"state": state}, "leases": {"file": state / settings.leases.file}})
    return _with_token(anchored(settings, base, _ANCHORED))


def _with_token(settings: Settings) -> Settings:
    """The admin token out of its file; a file that cannot be read, or holds none, must not leave the port open."""
    path = settings.admin.token_file
    if path is None:
        return settings
    try:
        token = path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        fault = ContentError(Place(str(path)), "no_token", f"cannot be read: {getattr(error, 'strerror', None) or 'no text'}")
        raise ContentErrors("the admin token is missing", [fault]) from error
    if not token:
        raise ContentErrors("the admin token is missing", [ContentError(Place(str(path)), "no_token", "its first line is empty")])
    return settings.model_copy(update={"admin": settings.admin.model_copy(update={"token": SecretStr(token)})})
