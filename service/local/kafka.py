"""A real Kafka broker: one node that is its own controller (KRaft), on loopback."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from service.local.child import Child, ServerFailed, accepts, free_port, start
from service.local.download import Notice, cache_folder, fetch
from service.local.java import QUICK, Java

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
num.partitions=4
default.replication.factor=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.io.buffer.size=131072
log.retention.bytes=4294967296
"""
_CLUSTER_ID = "a2luZXNpZW0tbG9jYWwtMQ"
# cheap to start: serial collector, and a class archive that the first run leaves behind
_OPTIONS = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+AutoCreateSharedArchive")


async def start_kafka(
    folder: Path, java: Java, notice: Notice, port: int, advertised: int, compiler: Sequence[str]
) -> tuple[str, Child]:
    """Bootstrap address and process; topics appear when they are first used. Data in ``folder`` is taken up again.

    ``advertised`` is the port that clients are sent to: another than ``port`` when they come through a proxy. ``compiler``:
    options of Java's.
    """
    jars = await asyncio.to_thread(fetch, "kafka", notice)
    controller, data = free_port(), folder / "kafka-data"
    properties = folder / "kafka.properties"
    properties.write_text(_PROPERTIES.format(port=port, advertised=advertised, controller=controller, data=data))
    await asyncio.to_thread(_format, jars, java, properties, data)
    archive = f"-XX:SharedArchiveFile={cache_folder()}/kafka-{java.tag}.jsa"
    command = [java.command, *compiler, *_OPTIONS, archive, "-cp", f"{jars}/*", "kafka.Kafka", str(properties)]
    child = start("kafka", command, folder)
    address = f"127.0.0.1:{port}"
    await child.until(lambda: _answers(address, direct=port == advertised), 90)
    return address, child


def _format(jars: Path, java: Java, properties: Path, data: Path) -> None:
    """Lay out the data folder; formatting takes a second of Java, so its result is kept as a template."""
    if data.is_dir():
        return  # a folder that was kept from an earlier run
    template = cache_folder() / f"{jars.name}-formatted"
    if not template.is_dir():
        command = [java.command, *QUICK, "-cp", f"{jars}/*", "kafka.tools.StorageTool", "format"]
        done = subprocess.run([*command, "-t", _CLUSTER_ID, "-c", str(properties)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerFailed(f"kafka could not format its storage: {(done.stdout + done.stderr)[-800:]}")
        staged = template.with_suffix(f".{properties.parent.name}")
        shutil.copytree(data, staged)
        if template.exists():
            shutil.rmtree(staged)
        else:
            staged.rename(template)
        return
    shutil.copytree(template, data)


async def _answers(address: str, *, direct: bool) -> bool:
    if not await accepts(address):
        return False  # aiokafka would log a refused connection as an error
    if not direct:
        return True  # asking more would go through the proxy, which may refuse on purpose
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=2000)
    try:
        await admin.start()
        # also lays out the topic of offsets: the first consumer group need not wait for that
        await admin.find_coordinator("kinesiem-local")
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return True
