from __future__ import annotations

from service.enrich.memo import LONGEST_KEY, Memo


class Asked:
    def __init__(self) -> None:
        self.keys: list[str] = []

    def __call__(self, key: str) -> str:
        self.keys.append(key)
        return key.upper()


def test_an_answer_is_made_once() -> None:
    asked = Asked()
    memo = Memo(asked, 10)
    assert [memo["a"], memo["a"], memo["b"]] == ["A", "A", "B"]
    assert asked.keys == ["a", "b"]


def test_a_flood_of_keys_is_bounded_and_busy_ones_survive() -> None:
    asked = Asked()
    memo = Memo(asked, 100)
    for number in range(10_000):
        memo[f"rare {number}"]
        if number % 50 == 0:
            memo["busy"]
        assert len(memo) + len(memo._older) <= 200
    assert asked.keys.count("busy") == 1


def test_giant_keys_are_answered_but_not_kept() -> None:
    memo = Memo(len, 10)
    assert memo["x" * (LONGEST_KEY + 1)] == LONGEST_KEY + 1
    assert len(memo) == 0


def test_forgetting_asks_again() -> None:
    answers = iter(["old", "new"])
    memo = Memo(lambda key: key + next(answers), 1)
    assert memo["a "] == "a old"
    memo.forget()
    assert memo["a "] == "a new"
