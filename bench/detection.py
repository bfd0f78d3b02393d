"""What rules cost: the same events through the same pipeline without rules, with those that ship, and with a thousand.

Looking alone; with all that becomes of matches until they are signals in bytes: folding, evidence, groups, encoding; and
with the desk where they arrive.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from botocore.loaders import Loader

from bench import corpus
from bench.measure import Timing, in_turn, row
from bench.stages import PLACES
from service.agents.packing import pack
from service.alerts.correlated import Correlated
from service.alerts.desk import Desk, Rules
from service.alerts.lookout import Lookout
from service.alerts.rating import Rating
from service.alerts.rule import FINDINGS
from service.alerts.signal import decode_signal, encode_signal, partition_key
from service.alerts.tuning import AlertRules
from service.alerts.written import alert_rules
from service.content import find_content
from service.detect.detector import Detector
from service.detect.ruleset import load_rules
from service.detection import Matching
from service.enrich.enrichers import Enrichers
from service.event import Slice
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.load import load_pipelines
from service.route.router import build_router
from service.settings import Process
from service.spans import duration_ms

COLUMNS = ("cpu_us", "best_us", "ratio", "lost", "read", "matches", "signal_bytes")
MANY = 1000
RUNS = 25
SEED = 20_261_130
DATASET = "aws.cloudtrail"
SERVICES = (
    "iam", "ec2", "s3", "sts", "kms", "cloudtrail", "config", "guardduty", "lambda", "rds", "eks", "ecs", "ecr", "ssm", "logs",
    "secretsmanager", "organizations", "route53", "elbv2", "kinesis", "dynamodb", "cloudformation", "sns", "sqs", "wafv2",
)  # fmt: skip
_COMMON = ("DescribeInstances", "AssumeRole", "GetObject", "ListBuckets", "Decrypt", "GetCallerIdentity")
"""Calls that make up most of a trail: rules about them look at more than the name."""
_EVERYDAY = (
    "Get", "List", "Describe", "Head", "Search", "AssumeRole", "Decrypt", "GenerateDataKey", "PutObject", "PutLog", "Invoke",
    "CreateLogStream", "Query", "UpdateItem",
)  # fmt: skip
"""Beginnings of calls about which no rule is without asking for more: it would never be silent."""


def run(count: int) -> list[dict[str, Any]]:
    """Rows for CloudTrail; ``ratio`` is the time with rules over the time without, ``lost`` what that is of the throughput."""
    content = find_content()
    loaded = load_pipelines(content.pipelines)
    catalogues = {dataset: pipeline.catalogue for dataset, pipeline in loaded.items()}
    enrichers = Enrichers.load([PLACES], None, None)
    router = build_router(loaded)
    raw = corpus.events(DATASET, count)
    routed = [router.route(batch).by_dataset[DATASET] for batch in corpus.batches(DATASET, raw)]
    messages = [message.slices for slices in routed for message in pack(DATASET, slices, Process().message_bytes)]
    bare = partial(_carry, compile_pipeline(loaded[DATASET], enrichers))
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        write_rules(Path(folder) / "many.yml", MANY)
        for roots in ([content.detections], [content.detections, Path(folder)]):
            rules = load_rules(roots, catalogues)
            detector, teller = Detector(rules), Detector(rules)
            pipeline = compile_pipeline(loaded[DATASET], enrichers, detector.watch(DATASET))
            by_id = {FINDINGS.id: FINDINGS, **alert_rules(rules, [])}
            alerts = AlertRules()
            rated, window_ms = Rating(alerts), duration_ms(alerts.window)
            lookout = Lookout(Matching(teller), by_id, rules.joins, rated, alerts.findings, window_ms)
            sent: list[int] = []
            looking = partial(_look, pipeline, detector)
            telling = partial(_tell, pipeline, lookout, sent)
            room = Rules(by_id, rated, window_ms, alerts.storm.alerts)
            desk = Desk(partial(_same, room), Correlated(rules.joins, by_id))
            hearing = partial(_hear, pipeline, lookout, desk)
            works = [[partial(way, message) for message in messages] for way in (bare, looking, telling, hearing)]
            without, looked, told, heard = in_turn(works, count, runs=RUNS)
            signal_bytes = sum(sent[-len(messages) :]) / count
            (cost,) = [each for each in detector.costs() if each.dataset == DATASET]
            matched = sum(each.matched for each in cost.rules) / cost.events
            many = f"{len(rules.resolved[DATASET])} rules"
            rows += [
                row(f"beside them: no rules {DATASET}", without[0]),
                _row(f"{many} looked for {DATASET}", *looked, read=cost.read / cost.events, matches=matched),
                _row(f"{many} and their signals {DATASET}", *told, signal_bytes=signal_bytes),
                _row(f"{many}, signals and their desk {DATASET}", *heard),
            ]
    return rows


def _same(room: Rules) -> Rules:
    return room


def _row(name: str, taken: Timing, ratio: float, **more: Any) -> dict[str, Any]:
    """``lost`` is the share of the throughput without rules."""
    return row(name, taken, ratio=ratio, lost=1 - 1 / ratio, **more)


def write_rules(path: Path, count: int) -> None:
    """Write that many rules as people write them for CloudTrail: most name a call, some a tool, an address, a parameter."""
    rng, calls = Random(SEED), _calls()
    rules = [
        {
            "title": f"Rule {number}",
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "status": "test",
            "level": rng.choice(["low", "medium", "high"]),
            "logsource": {"product": "aws", "service": "cloudtrail"},
            "detection": _detection(rng, calls),
        }
        for number in range(count)
    ]
    path.write_text(yaml.safe_dump_all(rules))


def _detection(rng: Random, calls: list[tuple[str, str]]) -> dict[str, Any]:
    source, name = rng.choice(calls)
    kind = rng.random()
    if kind < 0.45:
        return {"s": {"eventSource": source, "eventName": name}, "condition": "s"}
    if kind < 0.75:
        names = [each for service, each in rng.sample(calls, 400) if service == source][:4] or [name]
        few = {"userIdentity.arn|contains": [f"role/automation-{rng.randrange(99)}"]}
        return {"s": {"eventSource": source, "eventName": names, "errorCode": None}, "f": few, "condition": "s and not f"}
    if kind < 0.83:
        parameter = {f"requestParameters.{name[3:8].lower()}": f"value-{rng.randrange(99)}"}
        return {"s": {"eventName": name, **parameter}, "condition": "s"}
    if kind < 0.89:
        common = {"eventName": rng.choice(_COMMON), "userAgent|contains": f"tool-{rng.randrange(999)}/"}
        return {"s": common, "condition": "s"}
    if kind < 0.93:
        verb = rng.choice(["Delete", "Put", "Create", "Detach"])
        wide = {"eventName|startswith": verb, "userIdentity.arn|contains": f"contractor-{rng.randrange(99)}"}
        return {"s": wide, "condition": "s"}
    if kind < 0.97:
        return {"s": {"userAgent|contains": [f"scanner-{rng.randrange(999)}", f"kit{rng.randrange(999)}/"]}, "condition": "s"}
    if kind < 0.985:
        return {
            "s": {"sourceIPAddress|cidr": f"198.51.100.{rng.randrange(0, 256, 4)}/30", "errorCode|contains": "Denied"},
            "condition": "s",
        }
    return {"s": {"requestParameters.bucketName|contains": f"exfil-{rng.randrange(99)}"}, "condition": "s"}


def _calls() -> list[tuple[str, str]]:
    """Event source and name of every call of some services that a rule may be about."""
    loader = Loader()
    calls: list[tuple[str, str]] = []
    for service in SERVICES:
        model = loader.load_service_model(service, "service-2")
        source = f"{model['metadata']['endpointPrefix']}.amazonaws.com"
        calls.extend((source, name) for name in sorted(model["operations"]) if not name.startswith(_EVERYDAY))
    return calls


def _carry(pipeline: CompiledPipeline, slices: list[Slice]) -> None:
    for each in slices:
        pipeline.carry(each, corpus.NOW_MS + 60_000)


def _look(pipeline: CompiledPipeline, detector: Detector, slices: list[Slice]) -> None:
    for each in slices:
        carried = pipeline.carry(each, corpus.NOW_MS + 60_000)
        detector.look(DATASET, pipeline.watch, carried.watched, carried.pieces)


def _tell(pipeline: CompiledPipeline, lookout: Lookout, sent: list[int], message: list[Slice]) -> None:
    """All of what a worker does for alerts before Kafka has them; ``sent`` gets the bytes of signals."""
    parts = [(each, pipeline.carry(each, corpus.NOW_MS + 60_000)) for each in message]
    signals = lookout.look(DATASET, pipeline.watch, parts, corpus.NOW_MS + 60_000).signals
    sent.append(sum(len(encode_signal(signal)) + len(partition_key(signal)) for signal in signals))


def _hear(pipeline: CompiledPipeline, lookout: Lookout, desk: Desk, message: list[Slice]) -> None:
    """The same, and what correlations make of it where signals arrive; without Kafka between, and without what alerts cost."""
    parts = [(each, pipeline.carry(each, corpus.NOW_MS + 60_000)) for each in message]
    for signal in lookout.look(DATASET, pipeline.watch, parts, corpus.NOW_MS + 60_000).signals:
        desk.hear(decode_signal(encode_signal(signal)))
