"""Messages to Kafka through Faust's producer: durable or still ours, bounded in memory, patient with brokers."""

from __future__ import annotations

import asyncio
import random

import structlog
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError, TopicAuthorizationFailedError
from faust.exceptions import ProducerSendError

from service.agents.app import SiemApp
from service.agents.gate import Gate
from service.agents.transport import producer_of
from service.clock import Clock
from service.errors import SiemError
from service.telemetry import events

log = structlog.get_logger()

FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 10.0
COMPLAIN_SECONDS = 10.0


class MessageTooLargeError(SiemError):
    """A single message that no broker of ours takes."""


class Publisher:
    """Sends messages and keeps each until all replicas have it, through outages of any length."""

    def __init__(self, app: SiemApp, limit_bytes: int, clock: Clock, rng: random.Random) -> None:
        """Hold at most ``limit_bytes`` of unacknowledged messages; ``publish`` waits beyond."""
        self._app = app
        self._clock = clock
        self._rng = rng
        self._tasks: set[asyncio.Task[None]] = set()
        self._complained = -COMPLAIN_SECONDS
        self.gate = Gate(limit_bytes)

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> asyncio.Future[None]:
        """Take a message over, waiting while too much is unacknowledged.

        The future resolves when the brokers have it (acks=all); it raises MessageTooLargeError for a message that can
        never be sent, and is cancelled when the service stops first. Without a key messages spread over partitions.
        """
        await self.gate.enter(len(value))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._deliver(topic, key, value, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return done

    async def produce(self, topic: str, key: bytes, value: bytes) -> None:
        """Publish and wait until it is durable."""
        await (await self.publish(topic, value, key))

    async def close(self) -> None:
        """Give up what is not acknowledged."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, topic: str, key: bytes | None, value: bytes, done: asyncio.Future[None]) -> None:
        try:
            await self._until_acknowledged(topic, key, value)
        except asyncio.CancelledError:
            done.cancel()
            raise
        except MessageSizeTooLargeError as error:
            if not done.done():
                done.set_exception(MessageTooLargeError(f"{len(value)} bytes for {topic}: {error}"))
        except Exception as error:  # noqa: BLE001 - the producer is beyond repair: only a new process helps
            done.cancel()
            if not self._app.should_stop:
                await self._app.crash(error)
        else:
            if not done.done():
                done.set_result(None)
        finally:
            self.gate.leave(len(value))

    async def _until_acknowledged(self, topic: str, key: bytes | None, value: bytes) -> None:
        attempts = 0
        while True:
            try:
                sent = await producer_of(self._app).send(topic, key, value, None, None, None)
                await sent
            except (KafkaError, ProducerSendError) as error:
                cause = error.__cause__ if isinstance(error, ProducerSendError) else error
                if not _passes(cause):
                    raise cause or error from error
                attempts += 1
                # The exponent is bounded: an outage of hours must not overflow it.
                longest = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(attempts, 10))
                wait = longest * self._rng.uniform(0.5, 1.0)
                self._complain(topic, cause, wait)
            else:
                return
            await self._clock.sleep(wait)

    def _complain(self, topic: str, cause: BaseException | None, wait: float) -> None:
        """Say it once in a while, for all messages: there may be hundreds."""
        now = self._clock.monotonic()
        if now - self._complained >= COMPLAIN_SECONDS:
            self._complained = now
            log.warning(events.PUBLISH_RETRY, topic=topic, reason=repr(cause), wait_seconds=wait, messages=self.gate.count)


def _passes(error: BaseException | None) -> bool:
    """Whether waiting can help; the producer behind any other error is beyond repair."""
    return isinstance(error, TopicAuthorizationFailedError | KafkaTimeoutError) or bool(getattr(error, "retriable", False))
