"""The book in a real OpenSearch: two owners of one sheet, writes that nobody knows the end of, clusters that are not ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from opensearchpy import AsyncOpenSearch

from service.build.templates import components, own_indices, own_template
from service.clock import SystemClock
from service.content import find_content
from service.errors import Backpressure
from service.ledger.audit import Audit, Choice
from service.ledger.book import Book
from service.ledger.entry import Collected, Fated, Gap, Page, Part, Read, part_key
from service.settings import OpenSearch
from service.sink.opensearch.client import connect
from service.sink.opensearch.endpoint import Endpoint, RequestFailed
from service.sink.opensearch.indices import TemplateKeeper

pytestmark = pytest.mark.stack
MINUTE = 1_795_000_020_000 - 1_795_000_020_000 % 60_000


@pytest.fixture
async def client(opensearch: str, unique: str) -> AsyncIterator[AsyncOpenSearch]:
    """With the ledger's template; the project ``unique`` is the test's own."""
    client = connect(OpenSearch(urls=[opensearch]))
    content = find_content()
    for name, body in components(content).items():
        await client.cluster.put_component_template(name=name, body=body)
    template = own_template("ledger", own_indices(content)["ledger"], content)
    await client.indices.put_index_template(name="siem-ledger", body=template)
    yield client
    await client.indices.delete(index=f"siem-ledger-{unique}-*")
    await client.close()


def book(client: AsyncOpenSearch) -> Book:
    return Book(Endpoint(client), TemplateKeeper(client), SystemClock().now_ms)


async def surely(made: Book, some: list[Page]) -> None:
    """As the agent does: a shard that is just being made is busy for a moment."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await made.write(some)
            except Backpressure:
                await asyncio.sleep(0.1)


def pages(project: str, number: int) -> list[Page]:
    """Everything about one batch: 10 events of a dataset, one dead record."""
    key = f"b{number}"
    part = Part("aws.vpcflow", part_key(key, 0, 10), 10)
    read = Read(key, MINUTE, 3, 1, {"decode/broken": 1}, [part])
    end = Fated(part.key, MINUTE, part.dataset, 10, 6, 1, {"noise": 2}, {"parse/bad": 1})
    return [Page(project, "prod", "audit", [entry]) for entry in (Collected(key, MINUTE, 3), read, end)]


async def test_two_owners_of_a_sheet_count_everything_once(client: AsyncOpenSearch, unique: str) -> None:
    old, new = book(client), book(client)
    for number in range(5):
        both = pages(unique, number)
        # The old owner was paused and wakes up; meanwhile its partition is another's.
        await asyncio.gather(surely(old, both), surely(new, both), surely(new, pages(unique, number + 100)))
    audit = Audit(client)
    await audit.refresh()
    stream, dataset = sorted(await audit.lines(Choice(project=unique)), key=lambda line: line.dataset)
    assert (stream.sums["records"], stream.sums["records_in_flight"], stream.sums["control"]) == (30, 0, 10)
    assert (stream.dead, stream.sums["events"], stream.sums["in_flight"]) == ({"decode/broken": 10}, 10, 0)
    assert (dataset.sums["events"], dataset.sums["indexed"], dataset.sums["already_there"]) == (100, 60, 10)
    assert (dataset.dropped, dataset.dead, dataset.sums["in_flight"]) == ({"noise": 20}, {"parse/bad": 10}, 0)
    assert await audit.open_sheets(Choice(project=unique)) == []


class Breaking(Endpoint):
    """Breaks the connection after the documents were written."""

    broken = 2

    async def index(self, body: bytes, documents: int) -> list[dict[str, object]]:
        items = await super().index(body, documents)
        if self.broken:
            self.broken -= 1
            raise RequestFailed(None, "connection", broke=True)
        return items


async def test_a_write_nobody_knows_the_end_of_is_written_once(client: AsyncOpenSearch, unique: str) -> None:
    await surely(book(client), pages(unique, 0))
    made = Book(Breaking(client), TemplateKeeper(client), SystemClock().now_ms)
    for number in (1, 2):
        await surely(made, pages(unique, number))
    audit = Audit(client)
    await audit.refresh()
    assert sum(line.sums["events"] for line in await audit.lines(Choice(project=unique))) == 33


async def test_what_is_open_is_found_with_its_keys(client: AsyncOpenSearch, unique: str) -> None:
    collected, read, _ = pages(unique, 0)
    await surely(book(client), [collected, read, *pages(unique, 1)])
    audit = Audit(client)
    await audit.refresh()
    (sheet,) = await audit.open_sheets(Choice(project=unique))
    assert (sheet.dataset, sheet.minute_ms, sheet.events, sheet.pending) == ("aws.vpcflow", MINUTE, 10, frozenset({"b0.0.10"}))
    assert await audit.open_sheets(Choice(project=unique, until_ms=MINUTE)) == []


async def test_a_project_never_sees_the_sums_of_another(client: AsyncOpenSearch, unique: str) -> None:
    other = f"{unique}-x"  # its indices begin with the first one's name
    await surely(book(client), [*pages(unique, 0), *pages(other, 0), Page(unique, "prod", "audit", [Gap("g", MINUTE)])])
    audit = Audit(client)
    await audit.refresh()
    for project, gaps in ((unique, 1), (other, 0)):
        lines = await audit.lines(Choice(project=project))
        assert {line.project for line in lines} == {project}
        assert sum(line.sums["gaps"] for line in lines) == gaps


async def test_without_its_template_nothing_is_written(client: AsyncOpenSearch, unique: str) -> None:
    class Nothing(TemplateKeeper):
        async def ready(self, dataset: str) -> bool:
            return False

    with pytest.raises(Backpressure):
        await Book(Endpoint(client), Nothing(client), SystemClock().now_ms).write(pages(unique, 0))
