"""What an operator can do about what the log says."""

from __future__ import annotations

from service.telemetry import events

_ADVICE = {
    events.KAFKA_WAITING: "No broker answers: check kafka.servers, the network and the brokers. Nothing is lost meanwhile.",
    events.KAFKA_CLIENT: "The Kafka client complains. Alone and short: a rebalance. Lasting: look at the brokers.",
    events.KAFKA_GONE: "Kafka deleted what was not read yet: raise kafka.retention_hours. `siem ledger` names what is missing.",
    events.KAFKA_SHRANK: "Kafka lost acknowledged messages: replicas, in-sync replicas. `siem ledger` names what is missing.",
    events.PUBLISH_RETRY: "Kafka does not take messages: brokers down, too few in-sync replicas, or no permission to write.",
    events.DRAIN_INCOMPLETE: "The far side was slow while stopping; the rest is read again, nothing doubles.",
    events.WORKER_EXITED: "A worker ended and was started again. Often: look at its last log lines and at memory limits.",
    events.WORKER_CRASHED: "Something unexpected ended a worker; it starts over. Please report the traceback in the log.",
    events.WORKER_SILENT: "A worker hung and was killed; it starts over. If it comes back, look at the machine's load.",
    events.MESSAGE_KILLS: "An event ends the process that parses it. It becomes a dead letter; please report it.",
    events.WORKER_KILLED: "A worker did not stop in time. Raise process.drain_seconds if this happens with OpenSearch up.",
    events.PARTITION_STALLED: "Messages got lost inside the worker; it starts over and reads them again.",
    events.MESSAGE_NOT_OURS: "Something else writes to our topics, or versions differ. The messages are dead letters.",
    events.EVENT_CRASHED_PIPELINE: "A fault of ours: the event is a dead letter. Report it; replay when it is mended.",
    events.DATASET_STOPPED: "Nearly all of this dataset is unusable, so it stands still. Correct the pipeline and reload.",
    events.RESTART_NEEDED: "Datasets or streams were added or removed: restart the service to take that up.",
    events.CONFIGURATION_REFUSED: "A file is wrong; the old configuration goes on. `siem check` names every place.",
    events.RELOAD_REFUSED: "The new configuration is wrong, the old one goes on. `siem check` names the places.",
    events.REPORT_LOST: "A worker's numbers were unreadable; counts may lag for a second.",
    events.ADMIN_REFUSED: "Another program has admin.port, or it may not be bound: choose another.",
    events.INDEX_REFUSED: "A project or dataset name makes no safe index name; its documents wait. Correct streams.yml.",
    events.ADMIN_OPEN: "The status page is open to the network. Set SIEM_ADMIN_TOKEN, or bind to 127.0.0.1.",
    events.LETTERS_NOT_INDEXED: "Dead letters are safe in Kafka but not in OpenSearch: `siem apply` puts their template.",
    events.LEDGER_WAITS: "The ledger's entries are safe in Kafka but not in OpenSearch: `siem apply` puts its template.",
    events.UNACCOUNTED: "Events are missing: `siem ledger` names stream and minute, `siem replay stream` reads them again.",
    events.LEASE_TABLE_AWAY: "The lease table does not answer: DynamoDB permissions and network, or the state folder's disk.",
    events.LEASE_TABLE_DAMAGED: "The lease file was damaged and set aside. Records may be read twice; nothing doubles.",
    events.LEASE_LATE: "This machine is slow or was paused; another worker may have taken the shard. It resumes.",
    events.CHECKPOINT_DELAYED: "The lease table is slow. After a restart more would be read twice; nothing is lost.",
    events.SHARD_UNREADABLE: "Kinesis refuses a shard: throttling passes by itself; look at permissions otherwise.",
    events.SHARD_FAILED: "A fault of ours; the shard is taken anew. Please report the traceback in the log.",
    events.STREAM_UNLISTED: "A stream cannot be read: its name, region, role, external id, or the role's trust and policy.",
    events.STREAM_ANEW: "A stream was deleted and created again; it is read from where streams.yml says to begin.",
    events.HASH_RANGE_HOLES: "Part of a stream has no lease. If it stays: restart a collector and report it.",
    events.MODE_GIVEN_UP: "A dedicated subscription does not work here; polling goes on. Check kinesis:SubscribeToShard.",
    events.BULK_HELD: "OpenSearch does not take this dataset now: overload, disk watermark, a blocked index, no template.",
    events.LETTERS_WAIT: "Dead letters cannot be stored now; their events wait.",
    events.SINK_FAILED: "A fault of ours; the worker starts over. Please report the traceback in the log.",
    events.INDEX_NOT_CREATED: "OpenSearch refuses a new index: shard limit, blocks or permissions.",
    events.FORWARD_HELD: "A project's stream takes nothing: throttling passes, more shards help; else look at rights, key, name.",
    events.FORWARD_LATER: "An object cannot be read now, it is tried again: s3:GetObject, kms:Decrypt, the role's trust.",
    events.FORWARD_LETTER: "An object, or a part of it, cannot be used: it is among the dead letters, stage forward.",
    events.FORWARD_FAILED: "A fault of ours; the object's announcement comes again. Please report the traceback in the log.",
    events.FORWARD_QUEUE: "A queue cannot be read: its URL, sqs:ReceiveMessage, the role's trust and external id.",
    events.SOURCE_SILENT: "A source fell silent: `siem sources` and its alert say since when, and which call did it if one did.",
    events.SILENCE_UNJUDGED: "Whether sources are silent cannot be told now: OpenSearch or Kafka does not answer.",
    events.SILENCE_FAILED: "A fault of ours in the watch over silent sources; events flow on. Please report the traceback.",
    events.ALERTS_WAIT: "Alerts are safe in Kafka but not in OpenSearch: `siem apply` puts their template.",
    events.NOTICE_NOT_TOLD: "A channel did not take an alert; it is tried for six hours. `siem alerts test` tries it now.",
    events.NOTICE_GIVEN_UP: "Nobody was told of an alert: it is in the queue, and a dead letter. Try `siem alerts test`.",
    events.RULE_UNUSABLE: "A rule cannot be run here; `siem check` names the place and the reason.",
    events.TEMPLATE_MISSING: "Run `siem apply`: without its template a dataset waits.",
}


def advice(event: str) -> str:
    """Return what to do when this is logged; "" when there is nothing to add."""
    return _ADVICE.get(event, "")
