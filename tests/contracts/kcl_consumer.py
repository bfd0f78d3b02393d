"""A consumer on the independent client library kcl-rs; runs in an environment of its own, prints a JSON line a record.

Arguments: stream, application, retrieval mode. Ends when its standard input closes.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from kcl_rs import RecordProcessorBase, Scheduler  # type: ignore[import-not-found,unused-ignore]

_printing = threading.Lock()


def say(**fact: Any) -> None:
    with _printing:
        sys.stdout.write(json.dumps(fact) + "\n")
        sys.stdout.flush()


class Processor(RecordProcessorBase):  # type: ignore[misc,unused-ignore]
    def initialize(self, initialize_input: Any) -> None:
        self.shard = initialize_input.shard_id
        say(began=self.shard)

    def process_records(self, process_records_input: Any) -> None:
        for record in process_records_input.records:
            say(shard=self.shard, text=record.data.decode(), sequence=record.sequence_number)
        process_records_input.checkpointer.checkpoint()

    def lease_lost(self, lease_lost_input: Any) -> None:
        say(lost=self.shard)

    def shard_ended(self, shard_ended_input: Any) -> None:
        shard_ended_input.checkpointer.checkpoint()
        say(ended=self.shard)

    def shutdown_requested(self, shutdown_requested_input: Any) -> None:
        shutdown_requested_input.checkpointer.checkpoint()


def main() -> None:
    stream, application, mode = sys.argv[1:]
    scheduler = Scheduler(
        stream_name=stream,
        application_name=application,
        record_processor_factory=Processor,
        region="eu-central-1",
        initial_position="TRIM_HORIZON",
        retrieval_mode=mode,
        shard_sync_interval_millis=1000,
        access_key_id="key",
        secret_access_key="secret",
    )
    scheduler.start()
    sys.stdin.read()
    scheduler.shutdown()


if __name__ == "__main__":
    main()
