"""The steps of CloudTrail, by name."""

from __future__ import annotations

from service.normalise.steps.cloudtrail_actor import cloudtrail_actor
from service.normalise.steps.cloudtrail_bodies import cloudtrail_bodies
from service.normalise.steps.cloudtrail_facts import (
    cloudtrail_details,
    cloudtrail_outcome,
    cloudtrail_resources,
    cloudtrail_tls,
    console_login,
)
from service.normalise.steps.cloudtrail_kind import cloudtrail_kind
from service.normalise.steps.cloudtrail_targets import cloudtrail_actor_entity, cloudtrail_targets
from service.normalise.steps.spec import StepSpec

STEPS: dict[str, StepSpec] = {
    "cloudtrail_kind": StepSpec(
        cloudtrail_kind, ("provider", "action", "read_only"), {"category": "list", "type": "list", "service": "str"}, cuts=True
    ),
    "cloudtrail_actor": StepSpec(
        cloudtrail_actor,
        ("kind", "arn", "user_name", "principal", "issuer_name", "additional", "behalf"),
        {"name": "str", "id": "str", "email": "str", "session": "str", "related": "list"},
        cuts=True,
    ),
    "cloudtrail_actor_entity": StepSpec(
        cloudtrail_actor_entity,
        ("action", "kind", "arn", "issuer_arn", "invoked_by", "behalf"),
        {"user": "str", "service": "str", "other": "str"},
        cuts=True,
    ),
    "cloudtrail_targets": StepSpec(
        cloudtrail_targets,
        ("provider", "action", "request", "response", "resources", "account"),
        {"users": "list", "hosts": "list", "services": "list", "others": "list"},
        cuts=True,
    ),
    "cloudtrail_bodies": StepSpec(
        cloudtrail_bodies,
        ("request", "response", "additional", "details", "insight"),
        {
            "request": "json",
            "response": "json",
            "additional": "json",
            "details": "json",
            "insight": "json",
            "request_text": "str",
            "response_text": "str",
            "additional_text": "str",
            "details_text": "str",
        },
    ),
    "cloudtrail_outcome": StepSpec(
        cloudtrail_outcome, ("action", "error_code", "error_message", "response", "details"), {"outcome": "str"}, cuts=True
    ),
    "cloudtrail_resources": StepSpec(cloudtrail_resources, ("resources",), {"resources": "json"}),
    "cloudtrail_tls": StepSpec(cloudtrail_tls, ("version",), {"version": "str", "protocol": "str"}, cuts=True),
    "console_login": StepSpec(
        console_login, ("action", "additional"), {"mfa_used": "bool", "mobile_version": "bool", "login_to": "str"}, cuts=True
    ),
    "cloudtrail_details": StepSpec(
        cloudtrail_details,
        ("provider", "request", "response", "additional"),
        {
            "target_name": "str",
            "target_id": "str",
            "new_name": "str",
            "group_name": "str",
            "group_id": "str",
            "path": "str",
            "instance": "str",
            "bytes_in": "int",
            "bytes_out": "int",
        },
        cuts=True,
    ),
}
