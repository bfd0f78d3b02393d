"""The bulk sink: parcels in, fates out. Nothing is lost, memory is bounded, one bad document stops no other."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Self, assert_never

import structlog

from service.clock import Clock, SystemClock
from service.sink.dead_letter import DeadLetters, send_surely
from service.sink.letter import letter_of_piece
from service.sink.opensearch.batch import Load, Packer, body_of, load_of, malformed
from service.sink.opensearch.budget import Budget
from service.sink.opensearch.endpoint import Endpoint, RequestFailed
from service.sink.opensearch.errands import Errands
from service.sink.opensearch.indices import IndexKeeper
from service.sink.opensearch.judge import Item, Judged, judge
from service.sink.opensearch.limits import BulkLimits
from service.sink.opensearch.retry import Backoff, Gate, Window
from service.sink.opensearch.state import SinkState
from service.sink.opensearch.verdict import Busy, Refused, TooLarge, request_verdict
from service.sink.parcel import Parcel

log = structlog.get_logger("sink")

_CREATED = {"create": {"status": 201}}
_BISECT_AFTER = 4
_GIVE_UP_AFTER = 12


class BulkSink:
    """Sends parcels to OpenSearch with ``_bulk`` and gives every document its fate.

    Use as an async context manager. ``put`` waits while the buffer is full; a parcel's ``done`` says when all of it is
    accounted for. Retryable answers are retried without a limit; each document on its own, so that one that can never
    be stored (it is demoted once, then a dead letter) holds up nothing else.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        letters: DeadLetters,
        indices: IndexKeeper,
        *,
        limits: BulkLimits | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Compose a sink; nothing runs before ``__aenter__``."""
        self._limits = limits or BulkLimits()
        self._clock = clock or SystemClock()
        self._endpoint = endpoint
        self._letters = letters
        self._indices = indices
        self._backoff = Backoff(rng=rng or random.Random())  # noqa: S311 - jitter, not a secret
        self._gate = Gate(self._backoff)
        self._window = Window(self._limits.requests, self._limits.bulk_bytes)
        self._budget = Budget(self._limits.buffer, self._limits.priority)
        self._packer = Packer(self._limits.priority, self._limits.longest_wait)
        self._flights = Errands(self._fail, self._pump)
        self._errands = Errands(self._fail)
        self._parcels: set[Parcel] = set()
        self._unready: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = self._closed = False
        self._last_success = 0.0
        self._accepted_at: dict[str, float] = {}
        self.state = SinkState()

    async def __aenter__(self) -> Self:
        """Start sending."""
        self._closed = False
        self._errands.run(self._tick(), Load())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop at once: what has no fate yet is cancelled and will be read again after a restart."""
        self._closed = True
        for running in (self._errands, self._flights, self._errands):  # what just landed may have sent another errand
            await running.cancel()
        for parcel in self._parcels:
            parcel.done.cancel()

    async def put(self, parcel: Parcel) -> None:
        """Take a parcel over; waits while too much is buffered. Its fates come through ``parcel.done``."""
        if not parcel.open:
            return
        await self._wait_for_template(parcel.dataset)
        await self._budget.take(parcel.dataset, parcel.size, parcel.project)
        self._parcels.add(parcel)
        self._idle.clear()
        self._packer.add(parcel, self._clock.monotonic(), self._limits.bulk_bytes)
        self.state.open_documents += parcel.open
        self._pump()

    async def _wait_for_template(self, dataset: str) -> None:
        attempts = 0
        while not await self._indices.ready(dataset):
            attempts += 1
            self._unready.add(dataset)
            self.state.hold(dataset, "template_missing", self._clock.monotonic(), acts=True)
            await self._clock.sleep(self._backoff.delay(attempts))
        self._unready.discard(dataset)

    async def drain(self, deadline: float) -> int:
        """Send what waits; returns the documents still without a fate after ``deadline`` seconds."""
        self._draining = True
        self._pump()
        try:
            async with asyncio.timeout(deadline):
                await self._idle.wait()
        except TimeoutError:
            log.warning("drain_incomplete", documents=self.state.open_documents)
        finally:
            self._draining = False
        return sum(parcel.open for parcel in self._parcels)

    def _pump(self) -> None:
        """Start as many requests as window and gate allow."""
        now = self._clock.monotonic()
        while not self._closed and len(self._flights) < self._window.requests and self._gate.admits(len(self._flights), now):
            load = self._packer.ready(now, self._window.size, flush=self._draining)
            if load is None:
                break
            self._flights.run(self._fly(load), load)

    async def _fly(self, load: Load) -> None:
        pieces = load.pieces()
        if bad := set(malformed(pieces)):
            self._set_apart(load, bad)
            return
        body = body_of(pieces)
        started = self._clock.monotonic()
        self.state.requests += 1
        self.state.request_bytes += len(body)
        try:
            items = await self._endpoint.bulk(body, len(pieces))
            if items.count(_CREATED) == len(items):
                self._answered(overload=False)
                for span in load.spans:
                    self._settle(span.parcel, indexed=len(span.numbers))
            else:
                self._carry_out(judge(load, items, self._is_poison), load)
        except RequestFailed as failed:
            self._request_failed(load, failed, len(body))
        finally:
            self.state.request_seconds += self._clock.monotonic() - started

    def _set_apart(self, load: Load, bad: set[int]) -> None:
        """A piece that is not two lines is a bug of ours or an attack: it must never reach OpenSearch."""
        everything = list(load.items())
        refused = Refused("malformed_piece", "a bulk piece must be exactly two lines", None)
        self._bury([(everything[k], refused) for k in sorted(bad)])
        if rest := [item for k, item in enumerate(everything) if k not in bad]:
            self._packer.again(load_of(rest))

    def _answered(self, *, overload: bool) -> None:
        self._gate.succeeded()
        self._last_success = self._clock.monotonic()
        if overload:
            self._window.shrink()
        else:
            self._window.grow()

    def _carry_out(self, judged: Judged, load: Load) -> None:
        self._answered(overload=judged.overload)
        now = self._clock.monotonic()
        for (dataset, code, acts), documents in judged.holds.items():
            self.state.hold(dataset, code, now, acts=acts)
            self.state.retries[code] += documents
        for parcel, indexed, already_there in judged.settled:
            self._settle(parcel, indexed=indexed, already_there=already_there)
        if judged.again:
            self._later(load_of(judged.again), load)
        if judged.changed:
            self.state.demoted += len(judged.changed)
            self._packer.again(load_of(judged.changed))
        if judged.dead:
            self._bury(judged.dead)
        for (index, dataset), items in judged.missing.items():
            waiting = load_of(items)
            self._errands.run(self._ensure(index, dataset, waiting, load), waiting)

    def _request_failed(self, load: Load, failed: RequestFailed, size: int) -> None:
        """Decide about a request that was not answered, or refused as a whole."""
        match request_verdict(failed.status, failed.code):
            case TooLarge():
                self._window.refuse(size)
                self._split_or_bury(load, Refused("too_large", f"{size} bytes are more than OpenSearch takes", None))
            case Refused() as refused:
                self._split_or_bury(load, refused)
            case Busy() as busy:
                self._retry_request(load, busy, broke=failed.broke)
            case never:
                assert_never(never)

    def _split_or_bury(self, load: Load, refused: Refused) -> None:
        if len(load) == 1:
            self._bury([(item, refused) for item in load.items()])
            return
        for half in load.halves():
            self._packer.again(half)

    def _retry_request(self, load: Load, busy: Busy, *, broke: bool) -> None:
        """The same again; in halves when size or one document may be the reason, as others pass meanwhile."""
        now = self._clock.monotonic()
        self._gate.failed(now)
        if busy.overload:
            self._window.shrink()
        for dataset in {span.parcel.dataset for span in load.spans}:
            self.state.hold(dataset, busy.code, now, acts=busy.held)
        self.state.retries[busy.code] += len(load)
        load.failing_since = load.failing_since or now
        load.resets += broke
        others_pass = self._last_success > load.failing_since
        too_much = busy.overload and load.size > self._window.size
        suspect = load.resets >= _BISECT_AFTER or (others_pass and load.attempts + 1 >= _BISECT_AFTER)
        if len(load) > 1 and (too_much or suspect):
            for half in load.halves():
                self._later(half, load)
        elif len(load) == 1 and others_pass and load.resets >= _GIVE_UP_AFTER:
            refused = Refused("breaks_connection", "each request with this document breaks, others pass", None)
            self._bury([(item, refused) for item in load.items()])
        else:
            self._later(load, load)

    def _is_poison(self, load: Load, parcel: Parcel) -> bool:
        """Whether a 500 keeps coming for these documents while others of the dataset are accepted."""
        return load.attempts >= _GIVE_UP_AFTER and self._accepted_at.get(parcel.dataset, 0.0) > load.failing_since

    def _bury(self, dead: list[tuple[Item, Refused]]) -> None:
        self._errands.run(self._write_letters(dead), load_of([item for item, _ in dead]))

    async def _write_letters(self, dead: list[tuple[Item, Refused]]) -> None:
        """Documents have their fate as dead letters only once these are durable."""
        letters = [letter_of_piece(*item, refused.code, refused.reason, refused.field) for item, refused in dead]
        await send_surely(self._letters, letters, self._clock, self._backoff)
        for parcel, count in Counter(parcel for (parcel, _), _ in dead).items():
            self._settle(parcel, dead_lettered=count)

    async def _ensure(self, index: str, dataset: str, waiting: Load, tried: Load) -> None:
        if await self._indices.ensure(index, dataset):
            self._packer.again(waiting)
            self._pump()
        else:
            self.state.hold(dataset, "index_missing", self._clock.monotonic(), acts=True)
            self._later(waiting, tried)

    def _later(self, load: Load, tried: Load) -> None:
        """Queue a load again after its backoff; ``tried`` is the one whose tries it inherits."""
        load.attempts = tried.attempts + 1
        # Half of a suspect load is suspect sooner; a single document has to earn it anew.
        load.resets = tried.resets if load is tried else min(tried.resets, _BISECT_AFTER - 2)
        load.failing_since = tried.failing_since or self._clock.monotonic()
        self._errands.run(self._wait(load), load)

    async def _wait(self, load: Load) -> None:
        await self._clock.sleep(self._backoff.delay(load.attempts))
        self._packer.again(load)
        self._pump()

    def _settle(self, parcel: Parcel, *, indexed: int = 0, already_there: int = 0, dead_lettered: int = 0) -> None:
        self.state.settled(parcel.dataset, indexed=indexed, already_there=already_there, dead_lettered=dead_lettered)
        if indexed or already_there:
            self._accepted_at[parcel.dataset] = self._clock.monotonic()
        if parcel.settle(indexed=indexed, already_there=already_there, dead_lettered=dead_lettered):
            self._forget(parcel)

    def _forget(self, parcel: Parcel) -> None:
        if parcel in self._parcels:
            self._parcels.remove(parcel)
            self._budget.give(parcel.dataset, parcel.size, parcel.project)
            if not self._parcels:
                self._idle.set()

    async def _tick(self) -> None:
        """Sends what has waited long enough, and keeps the gauges true."""
        while True:
            await self._clock.sleep(min(0.1, self._limits.longest_wait / 4))
            self._pump()
            state = self.state
            state.release(self._clock.monotonic(), {parcel.dataset for parcel in self._parcels} | self._unready)
            state.in_flight, state.waiting, state.buffered = len(self._flights), self._budget.waiting, self._budget.used
            state.window_requests, state.window_bytes = self._window.requests, self._window.size
            state.gate_open = self._gate.is_open

    def _fail(self, error: BaseException, load: Load) -> None:
        """A bug: whoever waits for these parcels learns of it, and commits nothing."""
        log.error("sink_failed", error=type(error).__name__)
        for parcel in {span.parcel for span in load.spans}:
            if not parcel.done.done():
                parcel.done.set_exception(error)
            self._forget(parcel)
