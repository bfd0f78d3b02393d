"""A real OpenSearch with every sample document in it, enriched, under a prefix of the test's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch

from service.alerts.channels import SEVERITIES
from service.alerts.occurrence import occurrence_of
from service.alerts.queue import Queue
from service.build.templates import components, dataset_template, own_indices, own_template
from service.content import Content
from service.drift.finding import Owner
from service.drift.finding import to_document as drift_document
from service.drift.tally import Tally
from service.enrich.enrichers import Enrichers
from service.event import DeadLetter
from service.ledger import sheet as ledger
from service.ledger.entry import Collected, Fated, Gap, Page, Part, Read, minute_of
from service.offline.play import Dead, Played, Player
from service.pipeline.load import LoadedPipeline
from service.samples import samples_of
from service.silence.alert import alert_document, declare
from service.silence.rhythm import Rhythm
from service.silence.source import Evidence, Source, Watched, to_document
from service.sink.letter import letter_document, letter_id, letter_of
from service.spans import moment
from tests.alerts.conftest import RULE
from tests.alerts.conftest import document as alert_source
from tests.alerts.conftest import signal as alert_signal
from tests.enrich.databases import write

_PLACES = {
    "198.51.100.0/25": ("Tromso", "NO", "Norway", "EU", 69.6, 18.9),
    "198.51.100.128/25": ("Quito", "EC", "Ecuador", "SA", -0.2, -78.5),
    "203.0.113.0/25": ("Nagoya", "JP", "Japan", "AS", 35.2, 136.9),
    "203.0.113.128/25": ("Accra", "GH", "Ghana", "AF", 5.6, -0.2),
    "192.0.2.0/24": ("Perth", "AU", "Australia", "OC", -31.9, 115.9),
    "2001:db8::/32": ("Berlin", "DE", "Germany", "EU", 52.5, 13.4),
}
_LISTED = {"addresses": ("ip", ["198.51.100.0/24", "203.0.113.0/24"]), "domains": ("domain", ["example.net", "example.org"])}


@dataclass(slots=True)
class Stocked:
    """Where it all is."""

    client: OpenSearch
    prefix: str
    counts: dict[str, int] = field(default_factory=dict)
    """Index group → documents."""

    def index(self, title: str) -> str:
        """The indices of an index pattern, under this test's prefix."""
        assert title.startswith("siem-")
        return self.prefix + title.removeprefix("siem")

    def search(self, title: str, body: dict[str, Any]) -> dict[str, Any]:
        """As Dashboards asks: missing indices are no error."""
        return self.client.search(index=self.index(title), body=body, params={"ignore_unavailable": "true"})  # type: ignore[no-any-return]


def enrichers(folder: Path) -> Enrichers:
    """Every documentation address is somewhere, belongs to somebody, and some are listed."""
    city = {
        network: {
            "city": {"names": {"en": city}}, "country": {"iso_code": code, "names": {"en": country}},
            "continent": {"code": continent, "names": {"en": continent}},
            "location": {"latitude": latitude, "longitude": longitude},
        }
        for network, (city, code, country, continent, latitude, longitude) in _PLACES.items()
    }  # fmt: skip
    asn = {
        network: {"autonomous_system_number": 64500 + number, "autonomous_system_organization": f"Carrier {number}"}
        for number, network in enumerate(_PLACES)
    }
    files = [write(folder / "city.mmdb", "GeoLite2-City", city), write(folder / "asn.mmdb", "GeoLite2-ASN", asn)]
    lists = {}
    for name, (kind, entries) in _LISTED.items():
        (folder / f"{name}.txt").write_text("\n".join(entries) + "\n")
        lists[name] = {"path": f"{name}.txt", "kind": kind, "confidence": "High"}
    (folder / "lists.yml").write_text(json.dumps({"lists": lists}))
    return Enrichers.load(files, folder / "lists.yml")


@contextmanager
def stocked(url: str, prefix: str, content: Content, pipelines: dict[str, LoadedPipeline], folder: Path) -> Iterator[Stocked]:
    """Index every sample of every dataset and its dead letters; everything is gone afterwards."""
    client = OpenSearch([url], timeout=60)
    found = Stocked(client, prefix)
    templates = {dataset: dataset_template(loaded) for dataset, loaded in pipelines.items()}
    templates |= {name: own_template(name, own, content) for name, own in own_indices(content).items()}
    settings = components(content)["siem-settings"]["template"]["settings"]["index"]
    try:
        for name, template in templates.items():
            body = {
                "index_patterns": [f"{prefix}-{name}-*"],
                "priority": 500,
                "template": {
                    "settings": {"index": {**settings, "auto_expand_replicas": False, "number_of_replicas": 0}},
                    "mappings": template["template"]["mappings"],
                    "aliases": {prefix + alias.removeprefix("siem"): {} for alias in template["template"]["aliases"]},
                },
            }
            client.indices.put_index_template(name=f"{prefix}-{name}", body=body)
        _fill(found, pipelines, enrichers(folder))
        yield found
    finally:
        client.indices.delete(index=f"{prefix}-*", params={"expand_wildcards": "open"})
        for name in templates:
            client.indices.delete_index_template(name=f"{prefix}-{name}", params={"ignore": 404})
        client.close()


def _fill(found: Stocked, pipelines: dict[str, LoadedPipeline], known: Enrichers) -> None:
    now_ms = int(datetime(2026, 1, 15, tzinfo=UTC).timestamp() * 1000)
    lines: list[str] = []
    letters: list[DeadLetter] = []
    player, drifted = Player(pipelines, known, now_ms), Tally()
    for dataset, loaded in pipelines.items():
        for sample in samples_of(loaded.folder):
            for played in player.play(sample.path.read_bytes(), dataset, sample.facts()):
                if isinstance(played, Dead):
                    continue
                if not lines:
                    letters.append(_refused(played))
                lines.extend(_documents(found, sample.name, played))
                drifted.hear(Owner("shop", "prod", dataset), "v1", played.carried, now_ms)
                letters.extend(_letters(player, played))
    for letter in letters:
        lines.append(_action(found.prefix + "-dead-letters-local-none-2026.01", letter_id(letter)))
        lines.append(json.dumps(letter_document(letter, now_ms)))
    found.counts["dead-letters"] = len(letters)
    for key, sheet in ledger.fold(_pages(now_ms)).items():
        lines.append(_action(found.prefix + key.home.removeprefix("siem"), key.id))
        lines.append(json.dumps(ledger.document(key, sheet, now_ms)))
    quiet = Source("shop", "prod", "audit", "aws.cloudtrail")
    watched = Watched(quiet, Rhythm.began(now_ms - 7_200_000), "silent", "", 7_200_000, 3_600_000, now_ms)
    lines += [_action(found.prefix + "-cadence-siem", quiet.id), json.dumps(to_document(watched))]
    for number, (_, finding) in enumerate(drifted.take()):
        lines += [_action(found.prefix + "-drift-shop-prod-2026.01", f"d{number}"), json.dumps(drift_document(finding, now_ms))]
    for index, identity, alert in _alerts(now_ms):
        lines += [_action(found.prefix + index.removeprefix("siem"), identity), json.dumps(alert)]
    for start in range(0, len(lines), 1000):
        answer = found.client.bulk(body="\n".join(lines[start : start + 1000]) + "\n")
        refused = [item for item in answer["items"] if item["index"]["status"] >= 300]
        assert not refused, refused[:3]
    found.client.indices.refresh(index=f"{found.prefix}-*")


def _alerts(now_ms: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A queue in which everything happens: every severity, several events, a late one, a sample, one that was told, silence."""
    for number, severity in enumerate(SEVERITIES):
        at_ms = now_ms - number * 3_600_000
        rule = replace(RULE, id=f"r-{number}", title=f"Rule {number}", level=severity)
        document = alert_source(source={"ip": f"198.51.100.{number}", "geo": {"country_iso_code": "NO", "location": "69.6,18.9"}})
        document["source"]["as"] = {"number": 64500, "organization": {"name": "Carrier"}}
        document["identity"] = {
            "chain": ["arn:aws:iam::111122223333:user/root", f"arn:aws:sts::111122223333:assumed-role/admin/{number}"]
        }
        document["tags"] = ["sample"] if severity == "low" else []
        signal = alert_signal(number, at_ms - (7_200_000 if severity == "medium" else 0), arrived_ms=at_ms)
        queue = Queue(50)
        alert = queue.take(occurrence_of(rule, signal, document, 3_600_000), severity, now_ms)
        assert alert is not None
        made = alert.document(None)
        made["alert"]["told"] = ["oncall"]
        yield alert.index, alert.id, made
    quiet = Source("shop", "prod", "audit", "aws.cloudtrail")
    watched = Watched(quiet, Rhythm.began(now_ms - 7_200_000), "silent", "", 7_200_000, 3_600_000, now_ms)
    silent = declare(watched, 3_600_000, now_ms, "high", ["aws.cloudtrail"])
    silent.cause = Evidence("e1", "siem-aws.cloudtrail-shop-prod-2026.01", "StopLogging", now_ms, "stops it", user="mallory")
    yield silent.index, silent.id, alert_document(quiet, silent)
    baseline = {"who": "alice", "what": "NO", "event": "e1", "alerted": False}
    project = {"id": "shop", "environment": "prod"}
    at = moment(now_ms)
    yield "siem-baselines-siem", "b1", {"@timestamp": at, "project": project, "rule": {"id": "r-1"}, "baseline": baseline}


def _pages(now_ms: int) -> Iterator[Page]:
    """A ledger in which everything happens: twice read, dropped, dead, a gap, and some of it still under way."""
    for minute in range(0, 180, 20):
        key, when = f"b{minute}", minute_of(now_ms - minute * 60_000)
        part, lost = Part("aws.vpcflow", f"{key}.0.100", 100), Part("aws.cloudtrail", f"{key}.1.7", 7)
        fates = Fated(part.key, when, part.dataset, 100, 80, 10, {"noise": 6}, {"parse/too_few_columns": 4})
        read = Read(key, when, 12, 1, {"decode/broken": 1}, [part, lost])
        yield Page(
            "shop", "prod", "audit", [Collected(key, when, 12), Collected(f"{key}.x", when, 3), read, fates, Gap(key, when)]
        )


def _documents(found: Stocked, sample: str, played: Played) -> Iterator[str]:
    for document in played.documents:
        # Samples need not have ids of their own: what would be a replay in life would be a document less here.
        yield _action(found.prefix + document.index.removeprefix("siem"), f"{sample}-{document.id}")
        yield document.source
    found.counts[played.dataset] = found.counts.get(played.dataset, 0) + len(played.documents)


def _letters(player: Player, played: Played) -> Iterator[DeadLetter]:
    if not played.dead:
        return
    compiled = player.pipeline(played.dataset)
    for each in compiled.carry(played.slice, player.now_ms).dead:
        yield letter_of(
            played.slice, each.at, stage=each.stage, code=each.code, reason=each.reason, field=each.field,
            dataset=played.dataset, version=compiled.version,
        )  # fmt: skip


def _refused(played: Played) -> DeadLetter:
    """As the sink makes it of a document that OpenSearch refuses."""
    fault = {"code": "mapper_parsing_exception", "reason": "failed to parse field [source.port]", "field": "source.port"}
    return letter_of(played.slice, 0, stage="sink", dataset=played.dataset, **fault)


def _action(index: str, identity: str) -> str:
    return json.dumps({"index": {"_index": index, "_id": identity}})
