"""A double of Amazon Kinesis Data Streams: the same protocol, limits and lineage, on loopback, with a clock that turns.

``KinesisDouble`` is the server; its ``faults`` make it misbehave on purpose; ``Limits`` says which quotas it enforces.
"""

from service.local.kinesis.double import KinesisDouble
from service.local.kinesis.faults import Faults
from service.local.kinesis.limits import Limits
from service.local.kinesis.turning_clock import TurningClock

__all__ = ["Faults", "KinesisDouble", "Limits", "TurningClock"]
