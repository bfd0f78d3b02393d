"""The CloudFormation templates: nobody else may use them, and they allow what the code does and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "deploy/cloudformation"
TEMPLATES = sorted(FOLDER.glob("forward*.yml"))
CALLS = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "kinesis:PutRecords",
}


class Loader(yaml.SafeLoader):
    """Reads intrinsic functions as ``{"!Ref": value}``."""


def _tagged(loader: Loader, tag: str, node: yaml.Node) -> Any:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {f"!{tag}": value}


Loader.add_multi_constructor("!", _tagged)


@pytest.fixture(params=TEMPLATES, ids=lambda path: path.stem)
def template(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(request.param.read_text(), Loader)  # a SafeLoader
    return loaded


def of_kind(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == kind}


def statements(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for statement in document["Statement"]:
        if "!If" in statement:
            yield from (each for each in statement["!If"][1:] if "Effect" in each)
        else:
            yield statement


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_there_are_templates() -> None:
    assert [path.name for path in TEMPLATES] == ["forward-lambda.yml", "forward.yml"]


def test_who_assumes_a_role_from_outside_knows_its_external_id(template: dict[str, Any]) -> None:
    roles = of_kind(template, "AWS::IAM::Role")
    assert roles
    for role in roles.values():
        for statement in statements(role["AssumeRolePolicyDocument"]):
            principal = statement["Principal"]
            assert principal != "*"
            if "Service" in principal:
                assert principal["Service"].endswith(".amazonaws.com")
                continue
            assert statement["Condition"]["StringEquals"]["sts:ExternalId"] == {"!Ref": "ExternalId"}
            assert template["Parameters"]["ExternalId"]["MinLength"] >= 8
            assert "Default" not in template["Parameters"]["ExternalId"]


def test_roles_may_do_what_the_code_does_on_named_things_alone(template: dict[str, Any]) -> None:
    for role in of_kind(template, "AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role
        allowed: set[str] = set()
        for policy in role["Policies"]:
            for statement in statements(policy["PolicyDocument"]):
                actions = set(many(statement["Action"]))
                allowed |= actions
                assert not any("*" in action for action in actions)
                for resource in many(statement["Resource"]):
                    assert resource != "*"
                    assert not re.search(r":\*$|:::\*", str(resource))
                if any(action.startswith("kms:") for action in actions):
                    assert "kms:ViaService" in statement["Condition"]["StringLike"]
        assert allowed >= CALLS
        assert allowed - CALLS <= {
            "s3:ListBucket", "kms:Decrypt", "kms:GenerateDataKey", "sqs:GetQueueAttributes", "logs:CreateLogStream",
            "logs:PutLogEvents",
        }  # fmt: skip


def test_queues_are_encrypted_have_a_dead_letter_queue_and_take_messages_from_the_bucket_s_rule_alone(
    template: dict[str, Any],
) -> None:
    queues = of_kind(template, "AWS::SQS::Queue")
    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())
    assert queues["ObjectsQueue"]["RedrivePolicy"]["deadLetterTargetArn"] == {"!GetAtt": "DeadQueue.Arn"}
    for policy in of_kind(template, "AWS::SQS::QueuePolicy").values():
        for statement in statements(policy["PolicyDocument"]):
            if statement["Effect"] == "Allow":
                assert statement["Principal"] == {"Service": "events.amazonaws.com"}
                assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == {"!Ref": "AWS::AccountId"}
                assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == {"!GetAtt": "ObjectCreated.Arn"}


def test_what_is_referred_to_is_there(template: dict[str, Any]) -> None:
    known = {*template["Resources"], *template["Parameters"]}

    def check(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "!Ref":
                    assert inner in known or inner.startswith("AWS::")
                elif key == "!GetAtt":
                    assert inner.partition(".")[0] in template["Resources"]
                elif key == "!If":
                    assert inner[0] in template["Conditions"]
                    check(inner[1:])
                elif key == "!Sub":
                    assert {name for name in re.findall(r"\$\{([^}]+)\}", inner) if not name.startswith("AWS::")} <= known
                else:
                    check(inner)
        elif isinstance(value, list):
            for inner in value:
                check(inner)

    check(template["Resources"])
    check(template.get("Outputs", {}))


def test_a_function_reports_failures_one_by_one_and_its_queue_waits_long_enough() -> None:
    template = yaml.load((FOLDER / "forward-lambda.yml").read_text(), Loader)
    (trigger,) = of_kind(template, "AWS::Lambda::EventSourceMapping").values()
    (function,) = of_kind(template, "AWS::Lambda::Function").values()
    assert trigger["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert of_kind(template, "AWS::SQS::Queue")["ObjectsQueue"]["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert set(function["Environment"]["Variables"]) == {"FORWARD_STREAM", "FORWARD_BUCKETS"}
