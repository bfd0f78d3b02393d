"""Names of everything we log. Grep for a name to find where it is said; the comment tells an operator what it means."""

from __future__ import annotations

from typing import Final

# the service
SERVICE_STARTED: Final = "service_started"  # settings are read, pipelines compiled
SERVICE_STOPPED: Final = "service_stopped"  # drained, or the deadline passed
STOP_REQUESTED: Final = "stop_requested"  # SIGTERM or Ctrl-C: finishing what is under way; once more: stop at once
WORKER_STARTED: Final = "worker_started"  # a worker process is up
WORKER_READY: Final = "worker_ready"  # it has its partitions and processes
WORKER_EXITED: Final = "worker_exited"  # a worker process ended by itself; it is started again
WORKER_SILENT: Final = "worker_silent"  # it hangs; it is killed and started again
WORKER_KILLED: Final = "worker_killed"  # it did not stop within the deadline
WORKER_CRASHED: Final = "worker_crashed"  # something unexpected; the process ends, nothing is committed
STATE_IN_USE: Final = "state_in_use"  # another service runs with this state folder
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
DRAIN_INCOMPLETE: Final = "drain_incomplete"  # the rest will be read again
PUBLISH_RETRY: Final = "publish_retry"  # Kafka did not take a message yet; it is kept and sent again
MESSAGE_NOT_OURS: Final = "message_not_ours"  # a Kafka message that does not decode; now a dead letter
PARTITION_STALLED: Final = "partition_stalled"  # a fetched message never reached its agent; the worker restarts

# processing
LETTERS_NOT_INDEXED: Final = "letters_not_indexed"  # dead letters are safe in Kafka, but not searchable
MESSAGE_KILLS: Final = "message_kills"  # workers died over this message: now event by event, the one that kills is set apart
EVENT_CRASHED_PIPELINE: Final = "event_crashed_pipeline"  # a fault of ours: a dead letter, neighbours go on
DATASET_STOPPED: Final = "dataset_stopped"  # nearly everything of it is unusable: a bad deploy
LIBRARY: Final = "library"  # a line of a library, rate-limited
