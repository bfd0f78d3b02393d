"""Names of everything we log. Grep for a name to find where it is said; the comment tells an operator what it means."""

from __future__ import annotations

from typing import Final

# the service
SERVICE_STARTED: Final = "service_started"  # settings are read, pipelines compiled
SERVICE_STOPPED: Final = "service_stopped"  # drained, or the deadline passed
STOP_REQUESTED: Final = "stop_requested"  # SIGTERM or Ctrl-C: finishing what is under way; once more: stop at once
WORKER_STARTED: Final = "worker_started"  # a worker process is up
WORKER_READY: Final = "worker_ready"  # it has its partitions and processes
START_ABANDONED: Final = "start_abandoned"  # told to stop while starting; some part of it minded
WORKER_EXITED: Final = "worker_exited"  # a worker process ended by itself; it is started again
WORKER_SILENT: Final = "worker_silent"  # it hangs; it is killed and started again
WORKER_KILLED: Final = "worker_killed"  # it did not stop within the deadline
WORKER_CRASHED: Final = "worker_crashed"  # something unexpected; the process ends, nothing is committed
RELOADED: Final = "reloaded"  # pipelines, tuning or projects were replaced while running
RELOAD_REFUSED: Final = "reload_refused"  # the new configuration is wrong; the old one goes on
RESTART_NEEDED: Final = "restart_needed"  # this change is taken up by the next start only
ENRICHMENT_REFRESHED: Final = "enrichment_refreshed"  # databases or lists were replaced while running
CONFIGURATION_REFUSED: Final = "configuration_refused"  # one fault of a file, with its place
ADMIN_LISTENING: Final = "admin_listening"  # where the status page is
ADMIN_REFUSED: Final = "admin_refused"  # the port is taken or not ours
REPORT_LOST: Final = "report_lost"  # a worker's numbers could not be read
ADMIN_OPEN: Final = "admin_open"  # listens beyond this machine without a token

# Kafka
KAFKA_WAITING: Final = "kafka_waiting"  # no broker answers yet
KAFKA_CLIENT: Final = "kafka_client"  # a line of the Kafka client, rate-limited
TOPICS_CREATED: Final = "topics_created"
PARTITIONS_ASSIGNED: Final = "partitions_assigned"  # a rebalance ended
KAFKA_GONE: Final = "kafka_messages_gone"  # Kafka deleted messages before they were read; the ledger will miss their events
KAFKA_SHRANK: Final = "kafka_partition_shrank"  # Kafka has less than was read already: it lost the end of a partition
DRAIN_INCOMPLETE: Final = "drain_incomplete"  # the rest will be read again
PUBLISH_RETRY: Final = "publish_retry"  # Kafka did not take a message yet; it is kept and sent again
MESSAGE_NOT_OURS: Final = "message_not_ours"  # a Kafka message that does not decode; now a dead letter
PARTITION_STALLED: Final = "partition_stalled"  # a fetched message never reached its agent; the worker restarts

# processing
LETTERS_NOT_INDEXED: Final = "letters_not_indexed"  # dead letters are safe in Kafka, but not searchable
MESSAGE_KILLS: Final = "message_kills"  # workers died over this message: now event by event, the one that kills is set apart
EVENT_CRASHED_PIPELINE: Final = "event_crashed_pipeline"  # a fault of ours: a dead letter, neighbours go on
LEDGER_WAITS: Final = "ledger_waits"  # entries of the ledger are safe in Kafka, but not in OpenSearch
UNACCOUNTED: Final = "events_unaccounted"  # the ledger does not add up: read, no fate, waiting nowhere
DATASET_STOPPED: Final = "dataset_stopped"  # nearly everything of it is unusable: a bad deploy
DRIFT_NOT_TOLD: Final = "drift_not_told"  # findings of format drift are kept in memory until OpenSearch takes them
LIBRARY: Final = "library"  # a line of a library, rate-limited

SIGNALS_REREAD: Final = "signals_reread"  # a partition of signals came to this worker; it knows what the one before it knew
REREADING_WAITS: Final = "rereading_waits"  # the brokers do not give what came before
SESSIONS_KNOWN: Final = "sessions_known"  # a worker has read who is behind which session
SESSIONS_UNKNOWN: Final = "sessions_unknown"  # it goes on without: chains on events may be short until it has
ALERTS_WAIT: Final = "alerts_wait"  # signals are safe in Kafka, but OpenSearch does not take alerts
NOTICE_NOT_TOLD: Final = "notice_not_told"  # a channel did not take an alert; it is tried again
NOTICE_GIVEN_UP: Final = "notice_given_up"  # nor in six hours: it is a dead letter of stage notify
RULE_UNUSABLE: Final = "rule_unusable"  # a rule that cannot be run here, and why

# what service/source says of Kinesis
LEASE_MADE: Final = "lease_made"  # a shard is known for the first time
LEASE_TAKEN: Final = "lease_taken"  # this worker reads the shard from now on
LEASE_STOLEN: Final = "lease_stolen"  # taken from a worker that has more than its share
LEASE_LOST: Final = "lease_lost"  # another worker took the shard; nothing more is checkpointed
LEASE_LATE: Final = "lease_not_renewed_in_time"  # reading stops until the lease is taken anew
LEASE_KEPT: Final = "lease_not_released"  # it could not be given back; it expires
LEASE_DELETED: Final = "lease_deleted"  # the shard is gone from the stream and all of it is accounted for
LEASE_TABLE_AWAY: Final = "lease_table_away"  # the lease table does not answer
LEASE_TABLE_DAMAGED: Final = "lease_table_damaged"  # the file was set aside; reading begins where streams.yml says
CHECKPOINT_DELAYED: Final = "checkpoint_delayed"  # progress could not be stored yet; more may be read twice
CHILDREN_DELAYED: Final = "children_delayed"  # the shards after a reshard could not be noted yet
SHARD_WAITS: Final = "shard_waits_for_parents"  # a reshard: the parents come first
SHARD_ENDED: Final = "shard_ended"  # read to its end, all accounted for
SHARD_DROPPED: Final = "shard_dropped"  # given up in the middle; whoever takes it reads on from the checkpoint
SHARD_UNREADABLE: Final = "shard_not_readable"  # Kinesis refuses; tried again
SHARD_FAILED: Final = "shard_consumer_failed"  # a fault of ours; the shard is taken anew
STREAM_UNLISTED: Final = "stream_not_listed"  # its shards cannot be listed; tried again
STREAM_ANEW: Final = "stream_made_anew"  # deleted and created again under its name
HASH_RANGE_HOLES: Final = "hash_range_holes"  # no lease covers part of the stream
MODE_GIVEN_UP: Final = "mode_given_up"  # a dedicated subscription does not work; polling instead
CONSUMER_REGISTERED: Final = "consumer_registered"  # enhanced fan-out, costs extra

# what service/sink says of OpenSearch
CADENCE_UNREADABLE: Final = "cadence_unreadable"  # a rhythm that does not parse; it is learnt anew
BULK_HELD: Final = "bulk_held"  # OpenSearch does not take a dataset now; it waits, nothing is lost
BULK_RELEASED: Final = "bulk_released"  # it does again
LETTERS_WAIT: Final = "dead_letters_wait"  # dead letters cannot be stored now
SINK_FAILED: Final = "sink_failed"  # a fault of ours; the worker starts over
INDEX_REFUSED: Final = "index_name_refused"  # a name that must never reach OpenSearch
INDEX_NOT_CREATED: Final = "index_not_created"  # tried again
TEMPLATE_MISSING: Final = "template_missing"  # without it OpenSearch would guess the mapping; documents wait
TEMPLATE_NOT_CHECKED: Final = "template_not_checked"  # tried again

# what service/forward says
FORWARD_STARTED: Final = "forward_started"  # queues are read
FORWARD_STOPPED: Final = "forward_stopped"  # drained, or the deadline passed: what is left is delivered again
FORWARD_HELD: Final = "forward_held"  # Kinesis does not take records now; they wait, nothing is lost
FORWARD_RELEASED: Final = "forward_released"  # it does again
FORWARD_LATER: Final = "forward_later"  # an object cannot be read now; its notification comes again
FORWARD_LETTER: Final = "forward_dead_letter"  # an object, or a part of it, that cannot be used; a dead letter on the stream
FORWARD_FAILED: Final = "forward_failed"  # a fault of ours; the notification comes again
FORWARD_QUEUE: Final = "forward_queue_away"  # a queue cannot be read; tried again
FORWARD_OVERDUE: Final = "forward_not_extended"  # a notification's time could not be extended; it may be delivered twice

# what the watch over silent sources says
SOURCE_SILENT: Final = "source_silent"  # nothing arrives although its rhythm says it should; an alert is stored
SOURCE_RECOVERED: Final = "source_recovered"  # it speaks again
SILENCE_UNJUDGED: Final = "silence_unjudged"  # whether sources are silent cannot be told now
SILENCE_FAILED: Final = "silence_failed"  # a fault of ours; events flow on, silence is not watched until the next try
