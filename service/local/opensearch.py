"""A real OpenSearch node: the complete minimal distribution, single node, on loopback, never as root."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from service.local.child import Child, free_port, own, start
from service.local.download import OPENSEARCH, Notice, cache_folder, fetch
from service.local.java import Java

_SETTINGS = """\
cluster.name: kinesiem-local
node.name: local
discovery.type: single-node
network.host: 127.0.0.1
http.port: {http}
transport.port: {transport}
path.data: {data}
path.logs: {logs}
path.repo: {repo}
bootstrap.memory_lock: false
cluster.routing.allocation.disk.threshold_enabled: false
action.auto_create_index: true
"""
_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.bootstrap.name = org.opensearch.node
logger.bootstrap.level = info
"""
_VECTORS = "jdk.incubator.vector"


async def start_opensearch(
    folder: Path, java: Java, notice: Notice, port: int, heap: str, compiler: Sequence[str]
) -> tuple[str, Child]:
    """URL and process of a node whose cluster is healthy; ``heap`` as Java spells it, ``compiler`` options of Java's."""
    home = await asyncio.to_thread(fetch, "opensearch", notice)
    settings = await asyncio.to_thread(_configure, folder, home, port)
    archive = cache_folder() / "classes"
    own(archive)
    options = [
        *compiler,
        f"-Xms{heap}",
        f"-Xmx{heap}",
        "-XX:+UseG1GC",
        "-XX:G1ReservePercent=25",
        "-XX:InitiatingHeapOccupancyPercent=30",
        "-XX:+AutoCreateSharedArchive",
        f"-XX:SharedArchiveFile={archive}/{OPENSEARCH}-{java.tag}.jsa",
        "-Xlog:disable",
        "-Xlog:all=error:stderr",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
        "-Djava.io.tmpdir=" + str(folder / "opensearch" / "tmp"),
        "-Djava.security.egd=file:/dev/urandom",
        "-Dfile.encoding=UTF-8",
        "-Dio.netty.noUnsafe=true",
        "-Dio.netty.noKeySetOptimization=true",
        "-Dio.netty.recycler.maxCapacityPerThread=0",
        "-Dlog4j.shutdownHookEnabled=false",
        "-Dlog4j2.disable.jmx=true",
        "-Dlog4j2.formatMsgNoLookups=true",
        "-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1",
        "-XX:CompileCommand=quiet",
        "-XX:CompileCommand=dontinline,java/lang/invoke/MethodHandle.setAsTypeCache",
        "-XX:CompileCommand=dontinline,java/lang/invoke/MethodHandle.asTypeUncached",
        f"-Dopensearch.path.home={home}",
        f"-Dopensearch.path.conf={settings}",
        "-Dopensearch.distribution.type=tar",
        "-Dopensearch.bundled_jdk=false",
    ]
    if _VECTORS in java.modules or not java.modules:
        options += ["--add-modules", _VECTORS]
    classes = f"{home}/lib/*:{home}/agent/*"
    if java.is_cut_down:
        classes += f":{await asyncio.to_thread(fetch, 'icu', notice)}/*"
        options.append("-Djava.locale.providers=CLDR,SPI")
    command = [java.command, *options, "-cp", classes, "org.opensearch.bootstrap.OpenSearch"]
    child = start("opensearch", command, folder, drop_root=True)
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        await child.until(lambda: _is_healthy(session, url), 180)
        notice("opensearch answers")
    return url, child


def _configure(folder: Path, home: Path, port: int) -> Path:
    base = folder / "opensearch"
    conf = base / "config"
    for part in (base, conf, base / "data", base / "logs", base / "tmp", base / "repo"):
        own(part)
    places = {"data": base / "data", "logs": base / "logs", "repo": base / "repo"}
    (conf / "opensearch.yml").write_text(_SETTINGS.format(http=port, transport=free_port(), **places))
    (conf / "log4j2.properties").write_text(_LOGGING)
    for extra in (home / "config").iterdir():
        if extra.name not in ("opensearch.yml", "log4j2.properties", "jvm.options"):
            target = conf / extra.name
            shutil.copytree(extra, target, dirs_exist_ok=True) if extra.is_dir() else shutil.copy(extra, target)
    return conf


async def _is_healthy(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/_cluster/health") as response:
            return response.status == 200 and (await response.json())["status"] in ("green", "yellow")
    except (aiohttp.ClientError, OSError):
        return False
