"""One panel with the fields it may use: every look-up of a field is checked here, and refused with its place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from service.build.dashboards.language import Panel, Selection
from service.build.dashboards.load import Board, Patterns
from service.build.dashboards.lucene import lucene
from service.build.dashboards.patterns import IndexPattern, Leaf
from service.errors import ContentError
from service.match.parse import parse_selection
from service.yaml_errors import closest

Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """Panel ``number`` of ``board`` over ``pattern``; keys in its methods count from the panel."""

    board: Board
    number: int
    panel: Panel
    pattern: IndexPattern

    @classmethod
    def of(cls, board: Board, number: int, patterns: Patterns) -> Context:
        """Raises ContentError when the panel names an index there is not."""
        panel = board.file.panels[number]
        name = panel.index or board.default
        if name not in patterns:
            keys: Keys = ("panels", number, "index") if panel.index else ("index",)
            hint = closest(name, patterns) or f"there are: {', '.join(sorted(patterns))}"
            raise board.source.error(keys, "unknown_index", f"no index is called `{name}`", hint)
        return cls(board, number, panel, patterns[name])

    def refuse(self, keys: Keys, code: str, reason: str, hint: str = "") -> ContentError:
        """The error of a value of this panel."""
        return self.board.source.error(("panels", self.number, *keys), code, reason, hint)

    def field(self, name: str, keys: Keys) -> Leaf:
        """The field; raises ContentError with a suggestion when the index has none of that name."""
        return field_of(self.board, self.pattern, name, ("panels", self.number, *keys))

    def aggregated(self, name: str, keys: Keys, kinds: set[str], purpose: str) -> Leaf:
        """A field whose values can be counted or computed with, of one of the ``kinds``."""
        leaf = self.field(name, keys)
        if not leaf.aggregatable:
            reason = f"`{name}` ({leaf.type}) is kept or searched, but cannot be counted"
            raise self.refuse(keys, "not_aggregated", reason, "choose a field with doc values, like a keyword")
        if leaf.kind not in kinds:
            wanted = " or ".join(sorted(kinds))
            raise self.refuse(keys, "wrong_type", f"{purpose} needs {wanted}, `{name}` is {leaf.type}")
        return leaf

    def query(self, selection: Selection | None, keys: Keys) -> str:
        """The Lucene query of a selection, "" for none; raises ContentError."""
        if selection is None:
            return ""
        base: Keys = ("panels", self.number, *keys)
        node = parse_selection(selection, self.board.source.place(*base), partial(self.board.source.place, *base))

        def leaf(name: str) -> Leaf:
            return self.field(name, (*keys, *_where(selection, name)))

        def refuse(name: str, code: str, reason: str, hint: str) -> ContentError:
            return self.refuse((*keys, *_where(selection, name)), code, reason, hint)

        return lucene(node, leaf, refuse)


def _where(selection: object, field: str) -> Keys:
    """Keys that lead to the first place where a selection names the field; none when it does not."""
    if isinstance(selection, dict):
        return next(((key,) for key in selection if key.partition("|")[0] == field), ())
    if isinstance(selection, list):
        return next(((number, *keys) for number, one in enumerate(selection) if (keys := _where(one, field))), ())
    return ()


def field_of(board: Board, pattern: IndexPattern, name: str, keys: Keys) -> Leaf:
    """A field of an index pattern; raises ContentError with a suggestion."""
    leaf = pattern.fields.get(name)
    if leaf is None:
        hint = (
            closest(name, pattern.fields) or "fields.yml and ecs.yml declare fields; only those a pipeline fills are in its index"
        )
        raise board.source.error(keys, "unknown_field", f"{pattern.name} has no field `{name}`", hint)
    return leaf
