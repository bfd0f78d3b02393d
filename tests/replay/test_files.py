"""``siem replay files``: ids that depend on content alone; what the stream brought is there already."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from random import Random

import pytest
import zstandard

from service.demo.api_calls import api_call
from service.demo.logs import flow, request
from service.demo.wire import subscription
from tests.replay.deployment import SHOP, Deployment

pytestmark = [pytest.mark.stack, pytest.mark.timeout(500)]

NOW_MS = 1_795_200_000_000


async def test_files_bring_what_is_missing_once(deployment: Deployment, tmp_path: Path) -> None:
    rng = Random(11)
    folder = tmp_path / "logs"
    folder.mkdir()
    calls = [api_call(rng, SHOP, NOW_MS) for _ in range(20)]
    flows = subscription(rng, SHOP, "/vpcflow/x", "eni-0-all", [flow(rng, SHOP, NOW_MS) for _ in range(5)], NOW_MS)
    for call in calls[:5]:  # these came through the stream, and so did the flows
        deployment.put("logs", call.encode())
    deployment.put("logs", flows)
    await deployment.service.start()
    before = await deployment.holds(10)

    (folder / "trail.json").write_text(json.dumps({"Records": [json.loads(call) for call in calls]}))
    (folder / "flows.gz").write_bytes(flows)
    (folder / "alb.log").write_text("\n".join(request(rng, SHOP, NOW_MS) for _ in range(30)) + "\n")
    (folder / "broken.json").write_text('{"eventVersion":"1.11","userIdentity":{"type":"IAMUs')
    paths = ("files", str(folder), "--env", "prod")

    code, dry = await deployment.replay(*paths, "--dry-run")
    assert (code, dry["unseen"], dry["already_there"], dry["dead_lettered"]) == (1, 45, 10, 1)
    assert await deployment.documents() == before

    code, counts = await deployment.replay(*paths)
    assert (code, counts["records"], counts["events"]) == (1, 4, 56), counts
    assert (counts["indexed"], counts["already_there"], counts["dead_lettered"], counts["unseen"]) == (45, 10, 1, 0)
    after = await deployment.holds(56)
    assert {place: after[place] for place in before} == before
    assert {document["project"]["id"] for document in after.values()} == {deployment.project}

    # The same contents under other names, compressed otherwise, at another time: nothing new.
    other = tmp_path / "other"
    other.mkdir()
    (other / "a").write_bytes(gzip.compress((folder / "trail.json").read_bytes()))
    (other / "b.zst").write_bytes(zstandard.compress((folder / "alb.log").read_bytes()))
    os.utime(other / "b.zst", (NOW_MS // 1000, NOW_MS // 1000))
    code, counts = await deployment.replay("files", str(other / "a"), str(other / "b.zst"), "--env", "prod")
    assert (code, counts["indexed"], counts["already_there"]) == (0, 0, 50), counts
    assert await deployment.documents() == after
    code, out, _ = await deployment.siem("ledger", "--project", deployment.project, "--wait", "30", "--json")
    assert code == 0, out


async def test_a_project_that_nobody_declared_gets_no_index(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_text("line\n")
    code, out, err = await deployment.siem("replay", "files", str(file), "--project", deployment.project, "--env", "PR*D")
    assert (code, out) == (2, ""), err
    assert "unknown_project" in err
    assert "bad_value" in err
