"""What a rule's author says of its alerts, in whatever names."""

from __future__ import annotations

from pathlib import Path

from service.alerts.written import alert_rules
from service.content import find_content
from service.detect.ruleset import load_rules
from service.pipeline.load import load_pipelines

RULE = """
title: A trail was read
id: 5f0e1c52-0000-4000-8000-000000000021
status: test
logsource: { product: aws, service: cloudtrail }
detection:
  selection: { eventName: GetTrailStatus }
  condition: selection
level: low
group_by: [recipientAccountId, userIdentity.principalId, source.ip, requestParameters.name]
first_seen: { who: [userIdentity.arn], what: [sourceIPAddress] }
"""


def test_what_alerts_are_grouped_by_may_stand_in_the_names_of_the_source(tmp_path: Path) -> None:
    content = find_content()
    (tmp_path / "rule.yml").write_text(RULE)
    loaded = load_pipelines(content.pipelines)
    rules = load_rules([content.detections, tmp_path], {name: each.catalogue for name, each in loaded.items()})
    rule = alert_rules(rules, [])["5f0e1c52-0000-4000-8000-000000000021"]
    assert rule.group_by == (
        "aws.cloudtrail.recipient_account_id", "user.id", "source.ip", "requestParameters.name",
    ), "what only the raw event has keeps its name"  # fmt: skip
    assert rule.first_seen is not None
    assert (rule.first_seen.who, rule.first_seen.what) == (("aws.cloudtrail.user_identity.arn",), ("source.address",))
