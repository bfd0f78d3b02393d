"""Samples of a source: what it sends, beside what must come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from service.yaml_file import read

EXPECTED = ".expected.json"
FACTS = ".facts.yml"
SUFFIXES = (".log", ".json", ".ndjson", ".gz", ".bin", ".zst", ".csv", ".tsv", ".xml", ".parquet")


class Facts(BaseModel):
    """What the transport knows about a sample: ``NAME.facts.yml``. All of it may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)

    arrived: datetime = datetime(2026, 1, 15, tzinfo=UTC)
    """When Kinesis accepted it; also the time ``event.ingested`` shows."""
    project: str = "local"
    """Project of the subscription."""
    environment: str = "none"
    """Environment of the subscription."""
    transport: str = "plain"
    """``cloudwatch_logs``, ``eventbridge``, ``s3`` or ``plain``."""
    account: str | None = None
    """Account the transport names."""
    region: str | None = None
    """Region the transport names."""
    log_group: str | None = None
    """CloudWatch Logs group."""
    log_stream: str | None = None
    """CloudWatch Logs stream."""
    columns: str | None = None
    """Column list declared for the log group or stream."""
    stream: str | None = None
    """Kinesis stream."""
    source: str | None = None
    """EventBridge source."""
    detail_type: str | None = None
    """EventBridge detail type."""
    s3_bucket: str = "example-logs"
    """Bucket of the object, with ``s3_key``."""
    s3_key: str | None = None
    """Key of the object that holds the sample: then the sample is what ``siem forward`` puts on the stream."""

    def arrived_ms(self) -> int:
        """``arrived`` in milliseconds since the epoch."""
        return int(self.arrived.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Sample:
    """One file as a source sends it."""

    path: Path

    @property
    def name(self) -> str:
        """File name without its suffix."""
        return self.path.name.partition(".")[0]

    @property
    def expected(self) -> Path:
        """The documents and dead letters that must come out."""
        return self.path.with_name(self.name + EXPECTED)

    def facts(self) -> Facts:
        """What the transport knows; raises ContentErrors when the facts file is wrong."""
        path = self.path.with_name(self.name + FACTS)
        return read(path, Facts).value if path.is_file() else Facts()


def samples_of(folder: Path) -> list[Sample]:
    """The samples of a source folder, by name."""
    return [
        Sample(path)
        for path in sorted((folder / "samples").glob("*"))
        if path.name.endswith(SUFFIXES) and not path.name.endswith(EXPECTED)
    ]
