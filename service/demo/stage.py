"""The service as the demo runs it: its configuration on local servers, its process, restarted when somebody kills it."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib import resources
from pathlib import Path

import yaml

from service.content import find_content
from service.demo.projects import ATTACKER, PROJECTS
from service.local.child import Child, free_port, start
from service.local.stack import LocalStack


def write_configuration(folder: Path, stack: LocalStack, *, workers: int, dashboards_url: str | None) -> Path:
    """Write siem.yml, streams.yml and projects.yml for the local servers into ``folder``; the path of siem.yml."""
    content = find_content()
    (folder / "streams.yml").write_text(
        yaml.safe_dump(
            {
                "projects": [
                    {
                        "id": project.id, "environment": project.environment, "accounts": [project.account],
                        "region": project.region, "endpoint_url": stack.kinesis_url,
                        "streams": [{"name": project.stream, "start": "TRIM_HORIZON", "consumer": "siem", "mode": "auto"}],
                    }
                    for project in PROJECTS
                ]
            }
        )
    )  # fmt: skip
    owned = {
        owner.id: {
            "name": owner.id,
            "owner": owner.owner,
            "accounts": {
                project.account: {"name": project.name, "environment": project.environment}
                for project in PROJECTS
                if project.id == owner.id
            },
        }
        for owner in PROJECTS
    }
    (folder / "projects.yml").write_text(yaml.safe_dump({"projects": owned}))
    (folder / "known-bad.txt").write_text(f"{ATTACKER} # address of the demo's attacker\n")
    (folder / "lists.yml").write_text(
        yaml.safe_dump({"lists": {"demo-attackers": {"path": "known-bad.txt", "kind": "ip", "confidence": "High"}}})
    )
    places = folder / "places.mmdb"
    places.write_bytes((resources.files("service.demo") / "places.mmdb").read_bytes())
    settings: dict[str, dict[str, object]] = {
        "kafka": {"servers": [stack.kafka_bootstrap], "partitions": 4, "instance": "demo", "session_timeout_seconds": 6},
        "opensearch": {"urls": [stack.opensearch_url], "bulk_wait_seconds": 0.5},
        "leases": {"kind": "sqlite", "duration_seconds": 5},
        "collect": {"streams": "streams.yml"},
        "process": {"workers": workers, "drain_seconds": 10},
        "enrich": {"geoip": ["places.mmdb"], "projects": "projects.yml", "lists": "lists.yml"},
        "admin": {"port": free_port()},
        "paths": {"pipelines": str(content.pipelines), "state": str(folder / "state")},
    }
    if dashboards_url is not None:
        settings["opensearch"]["dashboards_url"] = dashboards_url
    path = folder / "siem.yml"
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    return path


class Service:
    """``siem run`` as a process of its own; started again when it ends uncalled."""

    def __init__(self, config: Path) -> None:
        """Run with ``config``; what it prints goes to ``service.log`` beside it."""
        self.config = config
        self.starts = 0
        self.port = int(yaml.safe_load(config.read_text())["admin"]["port"])
        self._child: Child | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The status page."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        """The supervisor of now; raises RuntimeError while none runs."""
        if self._child is None:
            raise RuntimeError("the service was not started")
        return self._child.pid

    async def apply(self) -> None:
        """Put templates, policies and dashboards; raises RuntimeError with what ``siem apply`` said when it fails."""
        process = await asyncio.create_subprocess_exec(
            *_siem("apply"), "--config", str(self.config), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"siem apply failed:\n{said.decode(errors='replace')[-2000:]}")

    async def start(self) -> None:
        """Start it, and keep it running until ``stop``."""
        self._spawn()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ask it to finish what it has begun; returns when it is gone."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._child is not None:
            await self._child.stop()

    def _spawn(self) -> None:
        self.starts += 1
        command = [*_siem("run"), "--config", str(self.config)]
        self._child = start("service", command, self.config.parent, environment=_environment())

    async def _keep(self) -> None:
        while self._child is not None:
            if self._child.process.poll() is not None:
                self._spawn()
            await asyncio.sleep(1.0)


def _siem(verb: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "service", verb)


def _environment() -> dict[str, str]:
    # The double takes any credentials; the AWS client still wants to see some.
    return {**os.environ, "AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo", "AWS_EC2_METADATA_DISABLED": "true"}
