"""What is usual, in a real OpenSearch: asked for many at once, decided once, whatever is delivered again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from opensearchpy import AsyncOpenSearch

from service.errors import Backpressure
from service.sink.baselines import Baselines, Sighting

pytestmark = pytest.mark.stack
DAY = 86_400_000


class Keeper:
    """Makes the index when it is asked for."""

    def __init__(self, client: AsyncOpenSearch) -> None:
        self._client = client
        self.is_ready = True

    async def ready(self, dataset: str) -> bool:
        return self.is_ready

    async def ensure(self, index: str, dataset: str) -> bool:
        await self._client.indices.create(
            index=index, body={"settings": {"number_of_replicas": 0}, "mappings": {"dynamic": False}}, params={"ignore": "400"}
        )
        return True


@pytest.fixture
async def index(client: AsyncOpenSearch, unique: str) -> AsyncIterator[str]:
    name = f"siem-baselines-{unique}"
    yield name
    await client.indices.delete(index=name, params={"ignore_unavailable": "true"})


def sighting(who: str, what: str, event: str, day: float, project: str = "shop") -> Sighting:
    return Sighting((project, "prod"), "r-1", who, what, event, int(day * DAY), 7 * DAY)


async def test_who_is_known_long_enough_and_is_seen_with_something_else(client: AsyncOpenSearch, index: str) -> None:
    async def fresh(*sightings: Sighting) -> list[bool]:
        """By a worker that has just started."""
        return await Baselines(client, Keeper(client), index).fresh(sightings)

    assert await fresh() == []
    assert await fresh(sighting("ann", "FR", "e1", 0), sighting("ann", "IT", "e2", 1)) == [False, False], "is learnt about"
    late = [
        sighting("ann", "FR", "e3", 9),
        sighting("ann", "US", "e4", 9),
        sighting("ann", "US", "e5", 9),
        sighting("bob", "US", "e6", 9),
        sighting("ann", "US", "e7", 9, project="pay"),
    ]
    answers = [False, True, False, False, False]
    assert await fresh(*late) == answers
    assert await fresh(*late) == answers, "the same event gets the same answer"
    assert await fresh(*reversed(late)) == answers[::-1]
    worker = Baselines(client, Keeper(client), index)
    assert [await worker.fresh(late) for _ in range(3)] == [answers] * 3


async def test_many_at_once_are_few_requests(client: AsyncOpenSearch, index: str) -> None:
    worker = Baselines(client, Keeper(client), index)
    await worker.fresh([sighting("org", "old.example", "e0", 0)])
    many = [sighting("org", f"d{number}.example", f"e{number}", 8) for number in range(1, 1201)]
    assert await worker.fresh(many) == [True] * 1200
    await client.indices.refresh(index=index)
    assert (await client.count(index=index))["count"] == 1202
    assert await Baselines(client, Keeper(client), index).fresh(many) == [True] * 1200


async def test_two_workers_that_ask_at_the_same_time_agree_on_one(client: AsyncOpenSearch, index: str) -> None:
    one, other = (Baselines(client, Keeper(client), index) for _ in range(2))
    await one.fresh([sighting("ann", "FR", "e1", 0)])
    calls = [(sighting("ann", f"N{n}", f"a{n}", 8), sighting("ann", f"N{n}", f"b{n}", 8)) for n in range(40)]
    answers = await asyncio.gather(*(each for mine, theirs in calls for each in (one.fresh([mine]), other.fresh([theirs]))))
    assert [mine + theirs for (mine,), (theirs,) in zip(answers[::2], answers[1::2], strict=True)] == [1] * 40


async def test_nothing_is_decided_before_there_is_a_template(client: AsyncOpenSearch, index: str) -> None:
    keeper = Keeper(client)
    keeper.is_ready = False
    worker = Baselines(client, keeper, index)
    with pytest.raises(Backpressure, match="run siem apply"):
        await worker.fresh([sighting("ann", "FR", "e1", 0)])
    keeper.is_ready = True
    assert await worker.fresh([sighting("ann", "FR", "e1", 0)]) == [False]
