"""One contract for every lease table: conditional writes and nothing else decide who owns what."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Backpressure, LeaseLost
from service.source.kinesis.dynamodb_leases import DynamoDBLeases
from service.source.kinesis.lease import Checkpoint, Lease
from service.source.kinesis.lease_row import from_row, to_row
from service.source.kinesis.lease_table import LeaseTable, write
from service.source.kinesis.sqlite_leases import SqliteLeases
from tests.source.memory_leases import MemoryLeases

LEASE = Lease(
    stream="111122223333:logs:1700000000",
    shard="shardId-000000000001",
    checkpoint=Checkpoint("TRIM_HORIZON"),
    parents=("shardId-000000000000",),
    hash_start="0",
    hash_end="340282366920938463463374607431768211455",
)


@pytest.fixture(params=["sqlite", pytest.param("dynamodb", marks=pytest.mark.stack), "memory"])
def kind(request: pytest.FixtureRequest) -> str:
    """What keeps the leases, DynamoDB as its address: a server is started before the test's loop runs."""
    return str(request.getfixturevalue("dynamodb") if request.param == "dynamodb" else request.param)


@pytest.fixture
async def table(kind: str, unique: str, tmp_path: Path) -> AsyncIterator[LeaseTable]:
    made: LeaseTable
    if kind == "sqlite":
        made = SqliteLeases(tmp_path / "leases.sqlite")
    elif kind == "memory":
        made = MemoryLeases()
    else:
        made = DynamoDBLeases(unique, region="eu-central-1", endpoint_url=kind)
    await made.prepare()
    yield made
    await made.close()


async def test_a_lease_comes_back_as_it_was_stored(table: LeaseTable) -> None:
    full = replace(
        LEASE, owner="w", counter=3, checkpoint=Checkpoint("49590338271490256608559692538361571095921575989136588898", 7),
        children=("shardId-2", "shardId-3"), owner_switches=2, checkpoint_owner="v",
        accounted_ms=1_700_000_000_123, mode="polling",
    )  # fmt: skip
    assert await table.create_if_absent(full)
    assert await table.get(full.key) == full
    assert await table.list() == [full]


async def test_creating_twice_keeps_the_first(table: LeaseTable) -> None:
    assert await table.create_if_absent(LEASE)
    assert not await table.create_if_absent(replace(LEASE, owner="other"))
    assert await table.get(LEASE.key) == LEASE


async def test_preparing_again_keeps_what_is_there(table: LeaseTable) -> None:
    await table.create_if_absent(LEASE)
    await table.prepare()
    assert await table.list() == [LEASE]
    assert table.rebuilt is False


async def test_a_swap_needs_the_stored_counter(table: LeaseTable) -> None:
    await table.create_if_absent(LEASE)
    taken = LEASE.taken("a")
    assert await table.swap(LEASE, taken)
    assert not await table.swap(LEASE, LEASE.taken("b"))
    assert await table.get(LEASE.key) == taken


async def test_values_can_be_taken_away_again(table: LeaseTable) -> None:
    stolen = LEASE.taken("a").stolen("b")
    await table.create_if_absent(stolen)
    freed = stolen.released()
    assert await table.swap(stolen, freed)
    assert await table.get(LEASE.key) == freed
    assert freed.owner is None


async def test_deleting_needs_the_stored_counter(table: LeaseTable) -> None:
    await table.create_if_absent(LEASE)
    taken = LEASE.taken("a")
    await table.swap(LEASE, taken)
    assert not await table.delete(LEASE)
    assert await table.delete(taken)
    assert await table.get(LEASE.key) is None
    assert not await table.swap(taken, taken.renewed())


async def test_of_many_who_take_at_once_one_wins(table: LeaseTable) -> None:
    await table.create_if_absent(LEASE)
    verdicts = await asyncio.gather(*(table.swap(LEASE, LEASE.taken(f"w{number}")) for number in range(8)))
    assert sum(verdicts) == 1
    stored = await table.get(LEASE.key)
    assert stored is not None
    assert stored.owner == f"w{verdicts.index(True)}"


async def test_a_checkpoint_with_an_old_counter_is_refused(table: LeaseTable) -> None:
    mine = LEASE.taken("me")
    await table.create_if_absent(mine)
    await table.swap(mine, mine.taken("thief"))
    with pytest.raises(LeaseLost):
        await write(table, mine, lambda lease: lease.checkpointed(Checkpoint("5")), "me")
    stored = await table.get(LEASE.key)
    assert stored is not None
    assert stored.checkpoint.sequence == "TRIM_HORIZON"


async def test_our_own_write_whose_answer_was_lost_is_recognised_and_followed_by_a_new_one(table: LeaseTable) -> None:
    mine = LEASE.taken("me")
    await table.create_if_absent(mine)
    await table.swap(mine, mine.renewed())  # it happened, but we were never told
    written = await write(table, mine, lambda lease: lease.renewed(), "me")
    # The lost one does not count as a renewal now: others have counted the lease's life from when it was written.
    assert written.counter == mine.counter + 2
    further = await write(table, mine, lambda lease: lease.checkpointed(Checkpoint("5")), "me")
    assert further.checkpoint == Checkpoint("5")


async def test_the_previous_owner_may_checkpoint_while_handing_over_and_not_after(table: LeaseTable) -> None:
    mine = LEASE.taken("me")
    await table.create_if_absent(mine)
    await table.swap(mine, mine.stolen("thief"))
    late = await write(table, mine, lambda lease: lease.checkpointed(Checkpoint("5")), "me")
    assert (late.owner, late.checkpoint_owner, late.checkpoint) == ("thief", "me", Checkpoint("5"))
    done = await write(table, late, Lease.handed_over, "me")
    assert (done.owner, done.checkpoint_owner) == ("thief", None)
    with pytest.raises(LeaseLost):
        await write(table, late, lambda lease: lease.checkpointed(Checkpoint("6")), "me")


async def test_a_lease_that_was_deleted_is_lost(table: LeaseTable) -> None:
    with pytest.raises(LeaseLost):
        await write(table, LEASE, lambda lease: lease.renewed(), "me")


def test_checkpoints_never_go_back() -> None:
    ahead = LEASE.checkpointed(Checkpoint("10", 3))
    assert ahead.checkpointed(Checkpoint("9")).checkpoint == Checkpoint("10", 3)
    assert ahead.checkpointed(Checkpoint("10", 2)).checkpoint == Checkpoint("10", 3)
    assert ahead.ended(("c",)).checkpointed(Checkpoint("99")).checkpoint.is_end


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
leases = st.builds(
    Lease, stream=names, shard=names, owner=st.none() | names, counter=st.integers(0, 2**60),
    checkpoint=st.builds(Checkpoint, st.integers(0, 10**56).map(str), st.integers(0, 10**6)),
    parents=st.sets(names, max_size=2).map(sorted).map(tuple), children=st.sets(names, max_size=2).map(sorted).map(tuple),
    hash_start=st.none() | names, hash_end=st.none() | names, owner_switches=st.integers(0, 99),
    checkpoint_owner=st.none() | names, accounted_ms=st.none() | st.integers(0, 2**53),
)  # fmt: skip


@given(leases)
def test_any_lease_survives_being_a_row(lease: Lease) -> None:
    assert from_row(to_row(lease)) == lease


@pytest.mark.parametrize(
    "change",
    [{"checkpoint": "no number"}, {"leaseKey": "other"}, {"leaseCounter": "1"}, {"parentShardId": "one"}, {"leaseOwner": 5}],
)
def test_a_row_that_is_no_lease_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_row({**to_row(LEASE), **change})  # type: ignore[dict-item]


@pytest.mark.stack
async def test_columns_that_are_not_ours_stay_in_dynamodb(dynamodb: str, unique: str) -> None:
    table = DynamoDBLeases(unique, region="eu-central-1", endpoint_url=dynamodb)
    await table.prepare()
    client = table._client
    item = {"leaseKey": {"S": LEASE.key}, "streamName": {"S": LEASE.stream}, "shardId": {"S": LEASE.shard}}
    item |= {"leaseCounter": {"N": "1"}, "checkpoint": {"S": "7"}, "throughputKBps": {"N": "1.5"}}
    await client.put_item(TableName=unique, Item=item)
    await client.put_item(TableName=unique, Item={"leaseKey": {"S": "Worker_metrics"}})
    (lease,) = await table.list()
    assert await table.swap(lease, lease.taken("me"))
    stored = await client.get_item(TableName=unique, Key={"leaseKey": {"S": LEASE.key}})
    assert stored["Item"]["throughputKBps"] == {"N": "1.5"}
    await table.close()


async def test_a_dynamodb_that_is_away_is_backpressure() -> None:
    table = DynamoDBLeases("away", region="eu-central-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(Backpressure):
        await table.prepare()
    await table.close()


async def test_two_processes_share_a_sqlite_file(tmp_path: Path) -> None:
    first, second = SqliteLeases(tmp_path / "leases"), SqliteLeases(tmp_path / "leases")
    await first.prepare()
    await second.prepare()
    await first.create_if_absent(LEASE)
    assert await second.swap(LEASE, LEASE.taken("b"))
    assert not await first.swap(LEASE, LEASE.taken("a"))
    await first.close()
    await second.close()


async def test_a_damaged_file_is_set_aside_and_said_so(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    table = SqliteLeases(path)
    await table.prepare()
    assert table.rebuilt
    assert await table.list() == []
    assert (tmp_path / "leases.damaged-1").exists()
    await table.close()


async def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    sound = SqliteLeases(path)
    await sound.prepare()
    await sound.create_if_absent(LEASE)
    await sound.close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    waiting = SqliteLeases(path, busy_seconds=0.1)
    with pytest.raises(Backpressure):
        await waiting.prepare()
    holder.execute("ROLLBACK")
    holder.close()
    await waiting.prepare()
    assert await waiting.list() == [LEASE]
    assert not waiting.rebuilt
    assert not list(tmp_path.glob("*damaged*"))  # noqa: ASYNC240 -- nothing else runs
    await waiting.close()


async def test_a_folder_that_is_missing_is_backpressure(tmp_path: Path) -> None:
    table = SqliteLeases(tmp_path / "missing" / "leases")
    with pytest.raises(Backpressure):
        await table.prepare()
    await table.close()


async def test_a_row_changed_behind_our_back_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    table = SqliteLeases(path)
    await table.prepare()
    await table.create_if_absent(LEASE)
    await table.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE leases SET checkpoint = '99'")
    raw.close()
    again = SqliteLeases(path)
    await again.prepare()
    assert again.rebuilt
    await again.close()


async def test_what_was_written_before_kill_9_is_there_afterwards(tmp_path: Path) -> None:
    program = f"""
        import asyncio
        from pathlib import Path
        from tests.source.test_lease_tables import LEASE
        from service.source.kinesis.sqlite_leases import SqliteLeases
        async def main():
            table = SqliteLeases(Path({str(tmp_path / "leases")!r}))
            await table.prepare()
            lease = LEASE.taken("me")
            await table.create_if_absent(lease)
            while True:
                after = lease.renewed()
                await table.swap(lease, after)
                lease = after
                print(lease.counter, flush=True)
        asyncio.run(main())
    """
    process = subprocess.Popen(  # noqa: ASYNC220 -- the loop has nothing else to do
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    told = 0
    while told < 20:
        told = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().split()
    process.wait()
    process.stdout.close()
    table = SqliteLeases(tmp_path / "leases")
    await table.prepare()
    stored = await table.get(LEASE.key)
    assert stored is not None
    assert not table.rebuilt
    assert stored.counter >= max([told, *map(int, rest[:-1])])
    await table.close()
