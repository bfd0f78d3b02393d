"""Whatever OpenSearch answers, or does not: every document gets exactly one fate, and is stored once or buried once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from service.sink.parcel import Fates
from tests.sink.scripted import (
    Answer,
    Bench,
    ScriptedOpenSearch,
    drips,
    error,
    larger_than,
    one_item_short,
    parcel,
    piece,
    reset,
    says,
    status,
    truncated,
)


async def until(condition: Callable[[], bool], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedOpenSearch]:
    async with ScriptedOpenSearch() as running:
        yield running


async def test_every_document_is_indexed_once(server: ScriptedOpenSearch) -> None:
    async with Bench(server, bulk_bytes=4000) as bench:
        parcels = [parcel(20, start=20 * number) for number in range(10)]
        await bench.deliver(*parcels)
    assert [one.done.result() for one in parcels] == [Fates(20, 0, 0)] * 10
    assert len(server.documents) == 200
    assert len(server.requests) > 3
    assert server.most_at_once > 1


@pytest.mark.parametrize(
    "answer",
    [
        status(429), status(429, "circuit_breaking_exception"), status(503), status(502), status(500), status(401),
        status(403, "security_exception"), status(404), status(503, apply=True), reset(apply=False), reset(apply=True),
        truncated, one_item_short, says("not json"), says("<html>", "text/html"), says("{}"), says("[]"),
        says('{"errors":false}'), says("OK", "text/plain"), says(""),
    ],
)  # fmt: skip
async def test_a_request_that_was_not_answered_well_is_sent_again(server: ScriptedOpenSearch, answer: Answer) -> None:
    server.script = [answer] * 3
    async with Bench(server) as bench:
        one = parcel(40)
        await bench.deliver(one)
        fates = one.done.result()
    assert fates.indexed + fates.already_there == 40
    assert len(server.documents) == 40
    assert not bench.letters.letters
    assert server.requests[3][0] <= server.requests[0][0]


async def test_a_reply_that_drips_is_a_timeout_and_its_documents_are_found_there(server: ScriptedOpenSearch) -> None:
    server.script = [drips(0.05)]
    async with Bench(server, timeout=0.3) as bench:
        one = parcel(5)
        await bench.deliver(one)
    assert one.done.result() == Fates(0, 5, 0)
    assert bench.sink.state.retries["timeout"] == 5


async def test_forty_outages_in_a_row_lose_nothing(server: ScriptedOpenSearch) -> None:
    server.script = [status(503)] * 40
    async with Bench(server, speed=2000.0) as bench:
        one = parcel(10)
        await bench.deliver(one)
    assert one.done.result() == Fates(10, 0, 0)


async def test_only_the_items_that_were_busy_are_sent_again(server: ScriptedOpenSearch) -> None:
    seen: list[int] = []

    def busy_once(document: dict[str, Any]) -> dict[str, Any] | None:
        number = document["number"]
        seen.append(number)
        if number % 5 == 0 and seen.count(number) == 1:
            return error(429, "rejected_execution_exception", "queue is full")
        if number % 5 == 1 and seen.count(number) == 1:
            return error(503, "unavailable_shards_exception", "primary is not active")
        return None

    server.item_rule = busy_once
    async with Bench(server) as bench:
        one = parcel(50)
        await bench.deliver(one)
    assert one.done.result() == Fates(50, 0, 0)
    assert [documents for _, documents in server.requests] == [50, 20]
    assert bench.sink.state.retries == {"rejected_execution_exception": 10, "unavailable_shards_exception": 10}


async def test_a_read_only_index_holds_its_documents_and_resumes_by_itself(server: ScriptedOpenSearch) -> None:
    blocked = True

    def block(document: dict[str, Any]) -> dict[str, Any] | None:
        if blocked and document.get("side") == "left":
            return error(403, "cluster_block_exception", "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded]")
        return None

    server.item_rule = block
    async with Bench(server, speed=500.0) as bench:
        held, free = parcel(5, side="left"), parcel(5, start=10, dataset="aws.alb", side="right")
        await bench.sink.put(held)
        await bench.sink.put(free)
        assert await asyncio.wait_for(free.done, 5) == Fates(5, 0, 0)
        assert await bench.sink.drain(0.3) == 5
        assert [(hold.dataset, hold.code, hold.acts) for hold in bench.sink.state.holds.values()] == [
            ("aws.vpcflow", "cluster_block_exception", True)
        ]
        blocked = False
        assert await asyncio.wait_for(held.done, 5) == Fates(5, 0, 0)
        await until(lambda: bench.sink.state.holds == {})
    assert not bench.letters.letters


async def test_a_refused_field_is_demoted_once_and_the_event_indexed(server: ScriptedOpenSearch) -> None:
    reason = "failed to parse field [source.ip] of type [ip] in document with id 'x'. Preview of field's value: 'AWS Internal'"

    def refuse(document: dict[str, Any]) -> dict[str, Any] | None:
        ip = document.get("source", {}).get("ip", "192.0.2.1")
        return error(400, "mapper_parsing_exception", reason) if ip == "AWS Internal" else None

    server.item_rule = refuse
    async with Bench(server) as bench:
        one = parcel(3, source={"ip": "192.0.2.1", "port": 1})
        one.pieces[1] = piece(1, source={"ip": "AWS Internal", "port": 1})
        await bench.deliver(one)
    assert one.done.result() == Fates(3, 0, 0, demoted=1)
    document = server.documents["siem-aws.vpcflow-shop-prod-2026.11.21", "id-1"]
    assert document["aws"]["unmapped"] == {"source": {"ip": "AWS Internal"}}
    assert document["source"] == {"port": 1}
    assert document["tags"] == ["mapping_error"]
    assert document["error"]["message"] == ["source.ip: mapper_parsing_exception"]


async def test_what_is_refused_twice_is_a_dead_letter_with_its_bytes(server: ScriptedOpenSearch) -> None:
    server.item_rule = lambda document: (
        error(400, "mapper_parsing_exception", "failed to parse field [a] of type [long]") if document["number"] == 2 else None
    )
    async with Bench(server) as bench:
        one = parcel(4, a="x")
        await bench.deliver(one)
    assert one.done.result() == Fates(3, 0, 1, demoted=1)
    [letter] = bench.letters.letters.values()
    assert (letter.stage, letter.code, letter.data, letter.index) == ("sink", "mapper_parsing_exception", b"event 2", 5)
    assert (letter.document_id, letter.pipeline_version) == ("id-2", "v1")
    assert letter.context is not None
    assert (letter.context.ids, letter.context.times, letter.context.first) == (["cw2"], [2], 5)


async def test_too_large_a_request_is_halved_until_it_passes(server: ScriptedOpenSearch) -> None:
    server.always = larger_than(3000)
    async with Bench(server) as bench:
        one = parcel(100, text="x" * 100)
        await bench.deliver(one)
        assert bench.sink.state.window_bytes < 3000
    assert one.done.result() == Fates(100, 0, 0)


async def test_a_document_beyond_the_limit_is_a_dead_letter(server: ScriptedOpenSearch) -> None:
    server.always = larger_than(3000)
    async with Bench(server) as bench:
        one = parcel(10)
        one.pieces[4] = piece(4, text="x" * 5000)
        await bench.deliver(one)
    assert one.done.result() == Fates(9, 0, 1)
    assert [letter.code for letter in bench.letters.letters.values()] == ["too_large"]


async def test_a_request_refused_as_a_whole_is_halved_down_to_the_guilty_document(server: ScriptedOpenSearch) -> None:
    async def picky(server: ScriptedOpenSearch, request: Any, body: bytes) -> Any:
        if b'"guilty"' in body:
            return await status(400, "illegal_argument_exception")(server, request, body)
        return await says("")(server, request, body) if not body else await ok(server, request, body)

    from tests.sink.scripted import applied as ok

    server.always = picky
    async with Bench(server) as bench:
        one = parcel(33)
        one.pieces[17] = piece(17, guilty=True)
        await bench.deliver(one)
    assert one.done.result() == Fates(32, 0, 1)


async def test_a_document_that_breaks_every_connection_stops_no_other(server: ScriptedOpenSearch) -> None:
    from tests.sink.scripted import applied as ok

    async def crash(server: ScriptedOpenSearch, request: Any, body: bytes) -> Any:
        return await (reset(apply=False) if b'"poison"' in body else ok)(server, request, body)

    server.always = crash
    async with Bench(server, speed=2000.0) as bench:
        bad = parcel(9)
        bad.pieces[3] = piece(3, poison=True)
        await bench.sink.put(bad)
        for number in range(60):
            other = parcel(5, start=100 + 5 * number, dataset="aws.alb")
            await bench.sink.put(other)
            assert await asyncio.wait_for(other.done, 10) == Fates(5, 0, 0)
        assert await bench.sink.drain(10) == 0
    assert bad.done.result() == Fates(8, 0, 1)
    assert [letter.code for letter in bench.letters.letters.values()] == ["breaks_connection"]


async def test_a_document_on_which_opensearch_fails_inside_is_given_up_when_others_pass(server: ScriptedOpenSearch) -> None:
    server.item_rule = lambda document: error(500, "null_pointer_exception", "oops") if document["number"] == 3 else None
    async with Bench(server, speed=2000.0) as bench:
        bad = parcel(9)
        await bench.sink.put(bad)
        for number in range(60):
            other = parcel(5, start=100 + 5 * number)
            await bench.sink.put(other)
            assert await asyncio.wait_for(other.done, 10) == Fates(5, 0, 0)
        assert await bench.sink.drain(10) == 0
    assert bad.done.result() == Fates(8, 0, 1)


async def test_a_missing_index_is_made_and_its_documents_sent_again(server: ScriptedOpenSearch) -> None:
    def missing(document: dict[str, Any]) -> dict[str, Any] | None:
        return None if bench.indices.asked else error(404, "index_not_found_exception", "no such index")

    async with Bench(server) as bench:
        server.item_rule = missing
        one = parcel(4)
        await bench.deliver(one)
    assert one.done.result() == Fates(4, 0, 0)
    assert bench.indices.asked == ["siem-aws.vpcflow-shop-prod-2026.11.21"]


async def test_without_a_template_documents_wait_and_are_never_buried(server: ScriptedOpenSearch) -> None:
    server.item_rule = lambda _: error(404, "index_not_found_exception", "no such index") if not bench.indices.may else None
    async with Bench(server, speed=500.0) as bench:
        bench.indices.may = False
        one = parcel(4)
        await bench.sink.put(one)
        assert await bench.sink.drain(0.3) == 4
        bench.indices.may = True
        assert await asyncio.wait_for(one.done, 5) == Fates(4, 0, 0)
    assert not bench.letters.letters


async def test_a_smuggled_third_line_never_reaches_opensearch(server: ScriptedOpenSearch) -> None:
    async with Bench(server) as bench:
        one = parcel(3)
        one.pieces[1] += '{"delete":{"_index":"siem-x","_id":"1"}}\n'
        await bench.deliver(one)
    assert one.done.result() == Fates(2, 0, 1)
    assert [letter.code for letter in bench.letters.letters.values()] == ["malformed_piece"]


async def test_put_waits_while_the_buffer_is_full_and_memory_stays_bounded(server: ScriptedOpenSearch) -> None:
    server.always = status(503)
    async with Bench(server, speed=500.0, buffer=20_000, bulk_bytes=4000) as bench:
        parcels = [parcel(20, start=20 * number) for number in range(20)]
        putting = asyncio.gather(*(bench.sink.put(one) for one in parcels))
        await until(lambda: bench.sink.state.waiting > 0)
        assert not putting.done()
        assert 0 < bench.sink.state.buffered <= 10_000
        server.always = None
        await asyncio.wait_for(putting, 10)
        assert await bench.sink.drain(10) == 0
    assert len(server.documents) == 400


async def test_priority_datasets_pass_a_flood(server: ScriptedOpenSearch) -> None:
    server.script = [drips(0.005)]
    async with Bench(server, requests=1, bulk_bytes=4000, buffer=1_000_000) as bench:
        for number in range(10):
            await bench.sink.put(parcel(20, start=20 * number))
        await asyncio.sleep(0.02)
        precious = parcel(5, start=5000, dataset="aws.cloudtrail")
        await bench.sink.put(precious)
        await precious.done
        assert len(server.documents) < 100


async def test_closing_cancels_what_has_no_fate(server: ScriptedOpenSearch) -> None:
    server.always = status(503)
    async with Bench(server) as bench:
        one = parcel(3)
        await bench.sink.put(one)
        await asyncio.sleep(0.05)
    assert one.done.cancelled()


async def test_overload_narrows_the_window_and_success_widens_it_again(server: ScriptedOpenSearch) -> None:
    server.always = status(429, "circuit_breaking_exception")
    async with Bench(server, bulk_bytes=2000, requests=4, speed=200.0) as bench:
        for number in range(4):
            await bench.sink.put(parcel(20, start=20 * number))
        await until(lambda: 1 <= bench.sink.state.window_requests <= 2)
        server.always = None
        assert await bench.sink.drain(10) == 0
        for number in range(30):
            await bench.deliver(parcel(5, start=1000 + 5 * number))
        await until(lambda: bench.sink.state.window_requests == 4)
    assert len(server.documents) == 230


async def test_a_failure_of_our_own_fails_the_parcel_instead_of_hanging(server: ScriptedOpenSearch) -> None:
    server.item_rule = lambda _: error(400, "x", "y")
    async with Bench(server) as bench:
        one = parcel(2)

        async def broken(_: object) -> None:
            raise RuntimeError("bug")

        bench.letters.send = broken  # type: ignore[method-assign, assignment]
        await bench.sink.put(one)
        with pytest.raises(RuntimeError):
            await asyncio.wait_for(one.done, 5)
        assert await bench.sink.drain(1) == 0
