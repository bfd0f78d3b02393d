"""Bad input flows on; a bad deploy stops."""

from __future__ import annotations

import pytest

from service.sink.guard import Fared, Poisoned, PoisonGuard


def test_a_few_dead_letters_never_stop_anything() -> None:
    guard = PoisonGuard("raw.x/0")
    for _ in range(200):
        guard.check({"shop": Fared(60, 40)})


def test_everything_dead_stops_once_a_thousand_events_were_seen() -> None:
    guard = PoisonGuard("raw.x/0")
    for _ in range(9):
        guard.check({"shop": Fared(100, 0)})
    with pytest.raises(Poisoned) as stopped:
        guard.check({"shop": Fared(100, 0)})
    assert (stopped.value.where, stopped.value.dead, stopped.value.seen) == ("raw.x/0", 1000, 1000)


def test_a_refused_message_is_judged_afresh() -> None:
    guard = PoisonGuard("raw.x/0", window=100)
    for _ in range(3):
        with pytest.raises(Poisoned):
            guard.check({"shop": Fared(100, 0)})
    guard.check({"shop": Fared(0, 100)})


def test_old_events_are_forgotten() -> None:
    guard = PoisonGuard("raw.x/0", window=1000)
    guard.check({"shop": Fared(0, 100_000)})
    for _ in range(9):
        guard.check({"shop": Fared(100, 0)})
    guard.check({"shop": Fared(100, 0)})
    with pytest.raises(Poisoned):
        guard.check({"shop": Fared(1, 0)})


def test_new_pipelines_start_afresh() -> None:
    guard = PoisonGuard("raw.x/0", window=100)
    guard.check({"shop": Fared(90, 0)})
    guard.reset()
    guard.check({"shop": Fared(90, 0)})


def test_one_project_among_several_stops_nobody() -> None:
    guard = PoisonGuard("raw.x/0", shared=True)
    for _ in range(100):
        guard.check({"hostile": Fared(500, 0)})
    for _ in range(100):
        guard.check({"hostile": Fared(500, 0), "quiet": Fared(1, 0)})
        guard.check({"hostile": Fared(500, 0), "other": Fared(0, 3)})


def test_a_bad_deploy_stops_all_projects_before_much_is_dead() -> None:
    guard = PoisonGuard("raw.x/0", shared=True)
    guard.check({"shop": Fared(0, 400), "pay": Fared(0, 20)})
    for checked in range(110):
        try:
            guard.check({"shop": Fared(95, 5), "pay": Fared(1, 0)})
        except Poisoned:
            assert checked < 20
            return
    pytest.fail("nothing stopped")


def test_a_project_that_fares_well_shows_that_the_pipeline_works() -> None:
    guard = PoisonGuard("raw.x/0", shared=True)
    for _ in range(100):
        guard.check({"one": Fared(400, 0), "two": Fared(400, 0), "three": Fared(0, 40)})
