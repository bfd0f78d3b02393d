"""Every fault of the suite: what is done to the running stage. Healing is part of it; recovering is the product's business."""

from tests.faults.catalogue import kafka, kinesis, leases, opensearch, operations, processes
from tests.faults.catalogue.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *processes.FAULTS,
    *kafka.FAULTS,
    *opensearch.FAULTS,
    *kinesis.FAULTS,
    *leases.FAULTS,
    *operations.FAULTS,
)
