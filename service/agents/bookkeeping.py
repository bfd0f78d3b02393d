"""What a worker does for the ledger: books its entries, and audits it when it is this worker's turn."""

from __future__ import annotations

import random

from opensearchpy import AsyncOpenSearch

from service.agents.app import Agent, SiemApp, attach, reads
from service.agents.gate import Gate
from service.agents.lag import LagMeter
from service.agents.ledger_agent import LedgerAgent
from service.agents.tasks import Tasks
from service.agents.topics import TopicNames
from service.clock import Clock
from service.ledger.audit import Audit
from service.ledger.book import Book
from service.ledger.verdict import Judge, Topics
from service.ledger.watch import watch
from service.settings import Kafka
from service.sink.opensearch.retry import Backoff
from service.telemetry.meters import Meters

LEDGER_BYTES = 4 * 1024 * 1024
"""Entries on their way, in and out; a hundred bytes each."""


def attach_ledger(app: SiemApp, names: TopicNames, book: Book, tasks: Tasks, clock: Clock, rng: random.Random) -> None:
    """Book what comes on the topic ``ledger``; call before the app starts."""
    agent = LedgerAgent(book, clock, tasks, Backoff(cap=10.0, rng=rng))
    attach(app, Agent(names.ledger, agent.handle, Gate(LEDGER_BYTES)))


async def audit(app: SiemApp, kafka: Kafka, client: AsyncOpenSearch, meters: Meters, clock: Clock) -> None:
    """The standing audit; runs until cancelled. One of all workers does it: whoever has the first partition."""
    names = TopicNames(kafka.topic_prefix)
    async with LagMeter(kafka, clock) as queue:
        judge = Judge(Audit(client), queue, Topics(names.records, names.raw(""), names.ledger), clock)
        await watch(judge, meters, clock, lambda: reads(app, names.ledger, 0))
