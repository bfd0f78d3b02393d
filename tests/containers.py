"""Test servers from their official images, where a container engine answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.community.kafka import KafkaContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy


@contextmanager
def running(part: str) -> Iterator[str]:
    """The address of a freshly started container of ``part``."""
    if part == "kafka":
        with KafkaContainer("confluentinc/cp-kafka:7.9.1").with_kraft() as broker:
            yield broker.get_bootstrap_server()
        return
    if part == "opensearch":
        server = (
            DockerContainer("opensearchproject/opensearch:3.8.0")
            .with_env("discovery.type", "single-node")
            .with_env("DISABLE_SECURITY_PLUGIN", "true")
            .with_env("OPENSEARCH_JAVA_OPTS", "-Xms1g -Xmx1g")
            .with_exposed_ports(9200)
            .waiting_for(LogMessageWaitStrategy("] started"))
        )
        port = 9200
    else:
        server = DockerContainer("amazon/dynamodb-local:2.6.1").with_exposed_ports(8000)
        port = 8000
    with server:
        yield f"http://{server.get_container_host_ip()}:{server.get_exposed_port(port)}"
