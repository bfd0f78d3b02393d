"""The steps of GuardDuty findings, by name."""

from __future__ import annotations

from service.normalise.steps.finding_actors import finding_pivots, finding_sides, geo_point
from service.normalise.steps.finding_facts import (
    finding_container,
    finding_file,
    finding_instance,
    finding_objects,
    finding_rule,
    finding_sample,
    finding_severity,
    finding_users,
)
from service.normalise.steps.finding_threats import finding_attack
from service.normalise.steps.spec import FieldKind, StepSpec

_SIDE: dict[str, FieldKind] = {
    "ip": "str",
    "port": "int",
    "city": "str",
    "country": "str",
    "country_code": "str",
    "location": "json",
    "as_number": "int",
    "as_organization": "str",
}

SIDES: dict[str, FieldKind] = {
    **{f"source_{name}": kind for name, kind in _SIDE.items()},
    **{f"destination_{name}": kind for name, kind in _SIDE.items()},
    "direction": "str",
    "transport": "str",
    "number": "str",
    "protocol": "str",
    "blocked": "bool",
}
"""What ``finding_sides`` gives."""

STEPS: dict[str, StepSpec] = {
    "finding_objects": StepSpec(finding_objects, ("resource", "service"), {"resource": "json", "service": "json"}),
    "finding_sides": StepSpec(
        finding_sides,
        ("action",),
        SIDES,
    ),
    "geo_point": StepSpec(geo_point, ("value",), {"location": "json"}),
    "finding_pivots": StepSpec(
        finding_pivots,
        ("resource", "service"),
        {"addresses": "list", "users": "list", "hashes": "list", "hosts": "list"},
    ),
    "finding_severity": StepSpec(finding_severity, ("severity",), {"whole": "int", "word": "str", "label": "str"}),
    "finding_rule": StepSpec(finding_rule, ("type",), {"category": "str", "ruleset": "str", "event_category": "list"}),
    "finding_sample": StepSpec(finding_sample, ("extra",), {"sample": "bool"}),
    "finding_users": StepSpec(
        finding_users, ("access_key", "kubernetes", "database"), {"id": "str", "name": "str", "roles": "list"}
    ),
    "finding_instance": StepSpec(
        finding_instance, ("instance",), {"addresses": "list", "host": "str", "name": "str", "vpc": "str"}
    ),
    "finding_container": StepSpec(
        finding_container,
        ("resource",),
        {"id": "str", "name": "str", "image": "str", "runtime": "str", "privileged": "bool"},
    ),
    "finding_file": StepSpec(
        finding_file, ("service",), {"path": "str", "name": "str", "sha256": "str", "threat": "str", "feed": "str"}
    ),
    "finding_attack": StepSpec(
        finding_attack,
        ("type", "sequence"),
        {
            "tactic_ids": "list",
            "tactic_names": "list",
            "technique_ids": "list",
            "technique_names": "list",
            "subtechnique_ids": "list",
            "subtechnique_names": "list",
        },
    ),
}
