"""The verdicts over one answered bulk request, sorted by what has to be done; decides, but sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, assert_never

from service.sink.opensearch.batch import Load, index_of
from service.sink.opensearch.demote import demote
from service.sink.opensearch.endpoint import RequestFailed
from service.sink.opensearch.verdict import Accepted, AlreadyThere, Busy, Missing, Refused, Verdict, item_verdict
from service.sink.parcel import Parcel

Item = tuple[Parcel, int]
"""A document: its parcel and the number of its piece."""


@dataclass(slots=True)
class Judged:
    """What to do about each document of a request; together the parts hold every one once."""

    settled: list[tuple[Parcel, int, int]] = field(default_factory=list)
    """Parcel, documents indexed, documents already there."""
    again: list[Item] = field(default_factory=list)
    """The same again, later."""
    changed: list[Item] = field(default_factory=list)
    """Demoted, to be sent at once."""
    dead: list[tuple[Item, Refused]] = field(default_factory=list)
    missing: dict[tuple[str, str], list[Item]] = field(default_factory=dict)
    """(index, dataset) → documents whose index has to be made first."""
    holds: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    """(dataset, code, somebody has to act) → documents that wait because of it."""
    overload: bool = False


def judge(load: Load, items: list[dict[str, Any]], is_poison: Callable[[Load, Parcel], bool]) -> Judged:
    """Sort the documents of ``load`` by the reply's ``items``, which stand in the same order.

    ``is_poison`` decides whether a 500 is the document's own doing. Demoting changes the parcel's piece. Raises
    RequestFailed for items that do not look like a bulk reply's.
    """
    answers = _answers(items)
    result = Judged()
    for span in load.spans:
        parcel = span.parcel
        indexed = there = 0
        for k in span.numbers:
            match next(answers):
                case Accepted():
                    indexed += 1
                case AlreadyThere():
                    there += 1
                case Busy() as busy:
                    result.overload = result.overload or busy.overload
                    if busy.internal and is_poison(load, parcel):
                        poison = Refused(busy.code, "OpenSearch fails on this document alone", None)
                        result.dead.append(((parcel, k), poison))
                    else:
                        result.holds[parcel.dataset, busy.code, busy.held] += 1
                        result.again.append((parcel, k))
                case Missing():
                    result.missing.setdefault((index_of(parcel.pieces[k]), parcel.dataset), []).append((parcel, k))
                case Refused() as refused:
                    if _demoted(parcel, k, refused):
                        result.changed.append((parcel, k))
                    else:
                        result.dead.append(((parcel, k), refused))
                case never:
                    assert_never(never)
        if indexed or there:
            result.settled.append((parcel, indexed, there))
    return result


def _answers(items: list[dict[str, Any]]) -> Iterator[Verdict]:
    try:
        verdicts = [item_verdict(int(said["status"]), said.get("error")) for item in items for said in item.values()]
    except (KeyError, TypeError, ValueError, AttributeError) as odd:
        raise RequestFailed(None, "odd_items") from odd
    if len(verdicts) != len(items):
        raise RequestFailed(None, "odd_items")
    return iter(verdicts)


def _demoted(parcel: Parcel, k: int, refused: Refused) -> bool:
    """Whether the document was changed so that it is worth sending once more."""
    if refused.field is None or k in parcel.demoted:
        return False
    piece = demote(parcel.pieces[k], refused.field, refused.code, parcel.dataset.partition(".")[0])
    if piece is None:
        return False
    parcel.pieces[k] = piece
    parcel.demoted.add(k)
    return True
