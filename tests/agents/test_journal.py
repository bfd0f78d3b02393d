"""What the last process died over is known to the next, whatever state the file is in."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from service.agents.journal import REMEMBERED, SIZE, Journal

PLACE = ("raw.aws.alb", 3, 41)


def die(path: Path, topic: str = PLACE[0], partition: int = PLACE[1], offset: int = PLACE[2], event: int = -1) -> None:
    """A process that ends while it carries; nothing is closed in time by kill -9, the map is the kernel's."""
    journal = Journal(path)
    journal.carrying(topic, partition, offset, event)
    journal.close()


def test_a_death_by_chance_makes_no_suspect(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal"
    die(path)
    die(path)
    assert Journal(path).suspicion(*PLACE) is None


def test_work_that_was_finished_is_not_blamed(tmp_path: Path) -> None:
    for _ in range(5):
        journal = Journal(tmp_path / "j")
        journal.carrying(*PLACE)
        journal.done()
        journal.close()
    assert Journal(tmp_path / "j").suspicion(*PLACE) is None


def test_repeated_deaths_make_a_suspect_and_then_name_the_event(tmp_path: Path) -> None:
    path = tmp_path / "j"
    for _ in range(3):
        die(path)
    suspect = Journal(path).suspicion(*PLACE)
    assert suspect is not None
    assert suspect.deadly == []
    die(path, event=7)
    die(path, event=8)
    die(path, event=8)
    suspect = Journal(path).suspicion(*PLACE)
    assert suspect is not None
    assert suspect.deadly == [8]


def test_a_message_that_was_settled_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "j"
    for _ in range(3):
        die(path)
    journal = Journal(path)
    journal.forget(*PLACE)
    journal.close()
    assert Journal(path).suspicion(*PLACE) is None


def test_the_file_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "j"
    for offset in range(3 * REMEMBERED):
        die(path, topic="raw." + "x" * 200, offset=offset)
    assert path.stat().st_size == 2 * SIZE


@given(st.binary(max_size=2 * SIZE))
def test_a_torn_or_foreign_file_counts_as_empty(tmp_path_factory: object, content: bytes) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"  # type: ignore[attr-defined]
    path.write_bytes(content)
    journal = Journal(path)
    assert journal.suspicion(*PLACE) is None
    journal.close()
    for _ in range(3):
        die(path)
    journal = Journal(path)
    assert journal.suspicion(*PLACE) is not None
    journal.close()
