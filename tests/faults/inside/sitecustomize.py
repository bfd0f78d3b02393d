"""Python imports this before anything else in the processes under test (``PYTHONPATH``): the product itself knows nothing of it.

Three kinds of intervention, all off unless the suite asks:

* **Failpoints**: a worker that comes by the point whose file ``point-<name>`` is in ``SIEM_FAULT_CONTROL`` takes the file
  away and kills itself with SIGKILL.
* **Clock**: the file ``clock`` there holds milliseconds that the wall clock is wrong by.
* **Mutations**: ``SIEM_FAULT_MUTATION`` names a deliberate bug, which the oracle must notice.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

CONTROL = os.environ.get("SIEM_FAULT_CONTROL", "")
MUTATION = os.environ.get("SIEM_FAULT_MUTATION", "")


def die_at(point: str) -> None:
    """Kill this process if the suite waits for somebody to come by here."""
    try:
        Path(f"{CONTROL}/point-{point}").unlink()
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, point: str) -> None:
    """Die when a coroutine function or function is about to be called."""
    original = getattr(owner, name)

    if asyncio.iscoroutinefunction(original):

        @functools.wraps(original)
        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            die_at(point)
            return await original(*args, **kwargs)

        setattr(owner, name, asynchronous)
        return

    @functools.wraps(original)
    def synchronous(*args: Any, **kwargs: Any) -> Any:
        die_at(point)
        return original(*args, **kwargs)

    setattr(owner, name, synchronous)


def after(owner: Any, name: str, point: str) -> None:
    """Die when a coroutine function has done its work, before its caller learns of it."""
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = await original(*args, **kwargs)
        die_at(point)
        return result

    setattr(owner, name, wrapped)


def amid(owner: Any, name: str, point: str, seconds: float) -> None:
    """Die a moment after a coroutine function was called, while it waits."""
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        dying = asyncio.get_running_loop().call_later(seconds, die_at, point)
        try:
            return await original(*args, **kwargs)
        finally:
            dying.cancel()

    setattr(owner, name, wrapped)


def shard(module: ModuleType) -> None:
    before(module.ShardConsumer, "_take", "after_get_records")
    before(module.ShardConsumer, "_end", "before_shard_end")


def tracker(module: ModuleType) -> None:
    before(module.CheckpointTracker, "settle", "after_produce_before_checkpoint")


def coordinator(module: ModuleType) -> None:
    after(module.LeaseCoordinator, "checkpoint", "after_checkpoint")
    before(module.LeaseCoordinator, "end_shard", "after_children_before_shard_end")


def endpoint(module: ModuleType) -> None:
    amid(module.Endpoint, "bulk", "mid_bulk", 0.004)
    after(module.Endpoint, "bulk", "after_bulk_before_commit")


def letters(module: ModuleType) -> None:
    amid(module.KafkaDeadLetters, "send", "mid_dead_letter_write", 0.001)
    after(module.KafkaDeadLetters, "send", "after_dead_letter_write")
    after(module.IndexDeadLetters, "send", "after_dead_letter_index")


def route(module: ModuleType) -> None:
    before(module.RouteAgent, "handle", "before_route")


def transport(module: ModuleType) -> None:
    after(module.Consumer, "on_partitions_assigned", "after_rebalance")


def app(module: ModuleType) -> None:
    # Half a minute until a stream that was made anew is noticed is right for production and long for a suite.
    module.CollectOptions = functools.partial(module.CollectOptions, discovery_seconds=3.0)  # type: ignore[attr-defined]  # a module of ours, replaced by name


def supervisor(module: ModuleType) -> None:
    # It waits longer after every death; the suite causes more of them in ten minutes than a year does.
    module.LONGEST_RESTART_SECONDS = 1.0  # type: ignore[attr-defined]  # a module of ours, replaced by name


def clock(module: ModuleType) -> None:
    original = module.SystemClock.now_ms
    known = [0.0, 0]

    def now_ms(self: Any) -> int:
        if time.monotonic() - known[0] > 0.2:
            known[0] = time.monotonic()
            try:
                known[1] = int(Path(f"{CONTROL}/clock").read_text(encoding="ascii") or 0)
            except (OSError, ValueError):
                known[1] = 0
        return int(original(self)) + int(known[1])

    module.SystemClock.now_ms = now_ms


def commit_before_bulk(module: ModuleType) -> None:
    original = module.DatasetAgent._finish

    async def finish(self: Any, *arguments: Any) -> None:
        arguments[-1].settle()  # the ticket
        await original(self, *arguments)

    module.DatasetAgent._finish = finish


def drop_429_items(module: ModuleType) -> None:
    original = module.item_verdict
    accepted = module.Accepted

    def item_verdict(status: int, error: Any) -> Any:
        return accepted() if status == 429 else original(status, error)

    module.item_verdict = item_verdict  # type: ignore[attr-defined]  # a module of ours, replaced by name


def auto_generated_id(module: ModuleType) -> None:
    original = module.body_of
    given = re.compile(rb',"_id":"[^"]*"(?=\}\}\n)')

    def body_of(pieces: Any) -> bytes:
        return given.sub(b"", original(pieces))

    module.body_of = body_of  # type: ignore[attr-defined]  # a module of ours, replaced by name


def swallow_parse_error(module: ModuleType) -> None:
    original = module.DatasetAgent._share_out

    def share_out(self: Any, share: Any, piece: Any, carried: Any) -> None:
        carried.dead = []
        original(self, share, piece, carried)

    module.DatasetAgent._share_out = share_out


HOOKS: dict[str, list[Callable[[ModuleType], None]]] = {
    "service.source.kinesis.shard": [shard],
    "service.source.kinesis.checkpoint": [tracker],
    "service.source.kinesis.coordinator": [coordinator],
    "service.sink.opensearch.endpoint": [endpoint],
    "service.sink.dead_letter": [letters],
    "service.agents.route_agent": [route],
    "service.agents.transport": [transport],
    "service.clock": [clock],
    "service.app": [app],
    "service.supervisor": [supervisor],
}
MUTATIONS: dict[str, tuple[str, Callable[[ModuleType], None]]] = {
    "commit_before_bulk": ("service.agents.dataset_agent", commit_before_bulk),
    "drop_429_items": ("service.sink.opensearch.judge", drop_429_items),
    "auto_generated_id": ("service.sink.opensearch.bulk", auto_generated_id),
    "swallow_parse_error": ("service.agents.dataset_agent", swallow_parse_error),
}


class Intervene(importlib.abc.MetaPathFinder):
    """Changes a module right after it was loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        hooks = HOOKS.get(fullname)
        if hooks is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            for hook in hooks:
                hook(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # this loader is this module's alone
        return spec


if CONTROL:
    if MUTATION:
        where, mutate = MUTATIONS[MUTATION]
        HOOKS.setdefault(where, []).append(mutate)
    sys.meta_path.insert(0, Intervene())
