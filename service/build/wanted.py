"""Everything of ours that the cluster should hold, from the content folder and the deployment's tuning."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from service.build.artefact import Pipelines
from service.build.templates import components, dataset_template, own_indices, own_template
from service.cluster import Kind, Wanted
from service.content import Content
from service.naming import Period, policy_name, template_name, template_pattern

_DAYS = {"day": 1, "week": 7, "month": 31}
_UNIT_DAYS = {"d": 1, "w": 7, "y": 365}
_WRITER = ["indices:data/write/*", "indices:admin/create", "indices:admin/mapping/put", "indices:admin/get"]

_LOOK = ["indices:data/read/search", "indices:data/read/get", "indices:data/read/mget*"]
"""The ledger is read before it is written, and dead letters before they are replayed."""


def wanted(
    content: Content, pipelines: Pipelines, projects: Iterable[tuple[str, str]] = (), *, codec: str | None = None
) -> list[Wanted]:
    """All objects; ``projects`` are (project, environment) pairs that get a role to read only their own.

    ``codec``: the index codec of this deployment, where it is not the content's own.
    """
    return [
        *(Wanted(Kind.COMPONENT, name, _with_codec(body, codec)) for name, body in components(content).items()),
        *_templates(content, pipelines),
        *_policies(content, pipelines),
        *_roles(projects, [*pipelines, *own_indices(content)]),
    ]


def _with_codec(body: dict[str, Any], codec: str | None) -> dict[str, Any]:
    if codec is not None:
        body["template"]["settings"]["index"]["codec"] = codec
    return body


def policy_age(retention: str, period: Period) -> str:
    """Age at which an index of ``period`` holds nothing younger than ``retention``.

    OpenSearch counts from the index's creation, which may be a whole period before its last event.
    """
    number, unit = int(retention[:-1]), retention[-1]
    if unit not in _UNIT_DAYS:
        return f"{_DAYS[period] + 1}d"
    return f"{number * _UNIT_DAYS[unit] + _DAYS[period]}d"


def _templates(content: Content, pipelines: Pipelines) -> Iterator[Wanted]:
    for dataset, loaded in pipelines.items():
        yield Wanted(Kind.TEMPLATE, template_name(dataset), dataset_template(loaded))
    for name, own in own_indices(content).items():
        yield Wanted(Kind.TEMPLATE, template_name(name), own_template(name, own, content))


def _policies(content: Content, pipelines: Pipelines) -> Iterator[Wanted]:
    kept: dict[tuple[str, Period], list[str]] = {}
    for dataset, loaded in pipelines.items():
        sink = loaded.file.sink
        kept.setdefault((sink.retention, sink.period), []).append(template_pattern(dataset))
    for name, own in own_indices(content).items():
        kept.setdefault((own.retention, own.period), []).append(template_pattern(name))
    skeleton = (content.mappings / "ism" / "retention.json").read_text()
    for (retention, period), patterns in sorted(kept.items()):
        body: dict[str, Any] = json.loads(skeleton.replace("{age}", policy_age(retention, period)))
        body["policy"]["ism_template"][0]["index_patterns"] = sorted(patterns)
        yield Wanted(Kind.POLICY, policy_name(retention, period), body)


def _roles(projects: Iterable[tuple[str, str]], datasets: list[str]) -> Iterator[Wanted]:
    bulk = ["cluster_monitor", "indices:data/write/bulk", "indices:data/read/mget", "indices:admin/index_template/get"]
    yield _role("siem-writer", ["siem-*"], [*_WRITER, *_LOOK], bulk)
    yield _role("siem-analyst", ["siem-*"], ["read", "indices_monitor"], ["cluster_composite_ops_ro"])
    for project, environment in sorted(set(projects)):
        # By index name: roles' document filters are OR-ed, an index that is not granted cannot leak. The year closes the
        # name: with ``*`` alone, project "shop" would read what project "shop-prod" has.
        patterns = [f"siem-{dataset}-{project}-{environment}-20??.*" for dataset in sorted(datasets)]
        name = f"siem-reader-{project}-{environment}"
        yield _role(name, patterns, ["read", "indices_monitor"], ["cluster_composite_ops_ro"])


def _role(name: str, patterns: list[str], actions: list[str], cluster: list[str]) -> Wanted:
    permission = {"index_patterns": patterns, "allowed_actions": actions}
    return Wanted(Kind.ROLE, name, {"cluster_permissions": cluster, "index_permissions": [permission]})
