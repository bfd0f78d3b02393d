"""What workers tell each other of sessions: news only, once, and nothing that is none."""

from __future__ import annotations

import json
from typing import cast

from service.agents.publisher import Publisher
from service.agents.sessions import Sessions
from service.clock import SystemClock
from service.enrich.accounts import AccountTable
from service.enrich.grant import encode_told
from service.enrich.identities import Identities
from service.event import Slice

SHOP = "111122223333"
ADMIN = f"arn:aws:sts::{SHOP}:assumed-role/Admin/alice"
ASSUMED = json.dumps({
    "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "recipientAccountId": SHOP,
    "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{SHOP}:user/alice", "accountId": SHOP},
    "responseElements": {"credentials": {"accessKeyId": "ASIA1"}, "assumedRoleUser": {"arn": ADMIN}},
})  # fmt: skip


class _Nobody:
    """A publisher that is not used."""


def sessions() -> tuple[Sessions, Identities, list[str]]:
    identities, heard = Identities(AccountTable({})), list[str]()
    made = Sessions(identities, cast("Publisher", _Nobody()), "identities", SystemClock())
    made.listen(lambda: heard.append("news"))
    return made, identities, heard


def test_what_is_known_is_not_told_again() -> None:
    made, identities, heard = sessions()
    slice_ = Slice("shop", "prod", "audit", "s", "1", 0, 0, [ASSUMED, "{}"])
    (told,) = made.learn([slice_])
    assert made.learn([slice_]) == []
    made.hear([encode_told(told)])
    assert (len(identities), heard) == (1, ["news"])


def test_another_worker_knows_what_it_heard_and_what_is_no_grant_harms_nobody() -> None:
    (told,) = sessions()[0].learn([Slice("shop", "prod", "audit", "s", "1", 0, 0, [ASSUMED])])
    made, identities, heard = sessions()
    made.hear([b"\xc1", b"", encode_told(told)])
    assert identities.of("shop", "prod").chain("ASIA1", [ADMIN])[0].endswith("user/alice")
    assert heard == ["news"]
