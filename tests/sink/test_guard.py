"""Bad input flows on; a bad deploy stops."""

from __future__ import annotations

import pytest

from service.sink.guard import Poisoned, PoisonGuard


def test_a_few_dead_letters_never_stop_anything() -> None:
    guard = PoisonGuard("raw.x/0")
    for _ in range(200):
        guard.check(dead=60, usable=40)


def test_everything_dead_stops_once_a_thousand_events_were_seen() -> None:
    guard = PoisonGuard("raw.x/0")
    for _ in range(9):
        guard.check(dead=100, usable=0)
    with pytest.raises(Poisoned) as stopped:
        guard.check(dead=100, usable=0)
    assert (stopped.value.where, stopped.value.dead, stopped.value.seen) == ("raw.x/0", 1000, 1000)


def test_a_refused_message_is_judged_afresh() -> None:
    guard = PoisonGuard("raw.x/0", window=100)
    for _ in range(3):
        with pytest.raises(Poisoned):
            guard.check(dead=100, usable=0)
    guard.check(dead=0, usable=100)


def test_old_events_are_forgotten() -> None:
    guard = PoisonGuard("raw.x/0", window=1000)
    guard.check(dead=0, usable=100_000)
    for _ in range(9):
        guard.check(dead=100, usable=0)
    guard.check(dead=100, usable=0)
    with pytest.raises(Poisoned):
        guard.check(dead=1, usable=0)


def test_new_pipelines_start_afresh() -> None:
    guard = PoisonGuard("raw.x/0", window=100)
    guard.check(dead=90, usable=0)
    guard.reset()
    guard.check(dead=90, usable=0)
