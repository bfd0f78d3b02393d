"""What detections find on its way to the topic ``signals``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from service.agents.publisher import Publisher
from service.alerts.lookout import Lookout, Part
from service.alerts.signal import Signal, encode_signal, partition_key
from service.clock import Clock
from service.pipeline.watch import Watch
from service.telemetry import metrics
from service.telemetry.meters import Meters


class Signalling:
    """Looks at documents, and makes what it finds durable."""

    def __init__(
        self, lookout: Callable[[], Lookout | None], publisher: Publisher, topic: str, meters: Meters, clock: Clock
    ) -> None:
        """``lookout`` is asked for each batch; signals go to ``topic``."""
        self._lookout = lookout
        self._publisher = publisher
        self._topic = topic
        self._meters = meters
        self._clock = clock

    def look(self, dataset: str, watch: Watch, parts: Sequence[Part]) -> list[Signal]:
        """The signals of what a message has of one stream, as a pipeline carried it."""
        lookout = self._lookout()
        if lookout is None or not parts:
            return []
        began, slice_ = time.thread_time(), parts[0][0]
        looked = lookout.look(dataset, watch, parts, self._clock.now_ms())
        self._meters.add(metrics.RULE_SECONDS, time.thread_time() - began, (dataset,))
        for rule, count in looked.matches.items():
            self._meters.add(metrics.RULE_MATCHES, count, (dataset, rule))
        for rule, count in looked.suppressed.items():
            self._meters.add(metrics.ALERTS_SUPPRESSED, count, (slice_.project, slice_.environment, rule))
        return looked.signals

    async def send(self, signals: Sequence[Signal]) -> None:
        """Return when the brokers have them."""
        sent = []
        for each in signals:
            sent.append(await self._publisher.publish(self._topic, encode_signal(each), partition_key(each)))
        await asyncio.gather(*sent)
