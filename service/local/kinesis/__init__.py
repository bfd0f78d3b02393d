"""A double of Amazon Kinesis Data Streams: the same protocol, limits and lineage, on loopback, with a clock that turns.

``KinesisDouble`` is the server; its ``faults`` make it misbehave on purpose; ``Limits`` says which quotas it enforces.

What it leaves out: signatures and rights are not checked; JSON only, no CBOR; streams and consumers are ACTIVE at once and
resharding takes no time; no encryption, resource policies, on-demand scaling or enhanced monitoring; one account, one
region, whatever the request was signed for. A stop keeps the streams, the end of the process does so only with a journal.
How AWS behaves was read, not measured.
"""

from service.local.kinesis.double import KinesisDouble
from service.local.kinesis.faults import Faults
from service.local.kinesis.limits import Limits
from service.local.kinesis.turning_clock import TurningClock

__all__ = ["Faults", "KinesisDouble", "Limits", "TurningClock"]
