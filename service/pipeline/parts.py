"""What follows from one part of an event alone, carved out of the code of the whole event into a function of its own.

An event's code is a list of statements. Those that read nothing but one part (the identity of a caller, say) and what other
such statements made of it give the same for every event with the same part: they become a function whose answers are kept
in a table, and the event's code is left with one look-up.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection
from dataclasses import dataclass

FLAW = "flaw"
_PURE = frozenset(
    {
        "EMPTY", "LONG", "SCALARS", "cannot_cast", "distinct", "dumps", "flag", "gather", "keep", "keep_rest", "loads",
        "quote", "quote_all", "safe_leftover", "to_keyword", "unknown", "whole",
    }
)  # fmt: skip
"""Names of generated code that mean the same at any time. Tables that are refreshed (addresses, accounts …) are not."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part of the event that comes again and again: what its locals are called, and the text of its key."""

    number: int
    sources: tuple[str, ...]
    """Locals that hold the part: parameters of its function."""
    key: str
    """Python expression of its key: of a single source that one, else the tuple of all."""
    opening: tuple[str, ...] = ()
    """Lines that turn the parameters into what the statements read."""


@dataclass(frozen=True, slots=True)
class Carved:
    """A function of one part: ``function`` is its name in ``source``, ``table`` that of its table in the event's code."""

    function: str
    table: str
    source: str
    single: bool
    """It takes the key itself, not the members of a tuple."""


@dataclass(slots=True)
class _Statement:
    lines: list[str]
    loads: frozenset[str]
    stores: frozenset[str]
    reads_flaw: bool = False
    sets_flaw: bool = False
    leaves: bool = False
    """It ends the event's turn: such a statement stays where it is."""


class Flow:
    """Which statement needs what."""

    def __init__(self, lines: list[str], constants: Collection[str]) -> None:
        """``constants``: names of the function's constants."""
        self._constants = constants
        self._statements = _statements(lines)
        self._writers: dict[str, set[int]] = {}
        for number, statement in enumerate(self._statements):
            for name in statement.stores:
                self._writers.setdefault(name, set()).add(number)
        self._fixed = self._closed(set(), {n for n, each in enumerate(self._statements) if not each.sets_flaw})
        self._fixed_names = {name for number in self._fixed for name in self._statements[number].stores}

    def _free(self, name: str) -> bool:
        return name in _PURE or name in self._constants or (hasattr(builtins, name) and name not in self._writers)

    def _closed(self, sources: Collection[str], wanted: set[int]) -> set[int]:
        """The most of the wanted statements that read only sources and each other, and that alone set what they set."""
        kept = {n for n in wanted if not self._statements[n].leaves and not self._statements[n].reads_flaw}
        while True:
            lost = {n for n in kept if not self._may_stay(self._statements[n], sources, kept)}
            if not lost:
                return kept
            kept -= lost

    def _may_stay(self, statement: _Statement, sources: Collection[str], kept: set[int]) -> bool:
        return all(
            name in sources or (name in self._writers and self._writers[name] <= kept) or self._free(name)
            for name in statement.loads
        ) and all(self._writers[name] <= kept for name in statement.stores)

    def part(self, repeat: Repeat) -> set[int]:
        """Statements that follow from the part alone and may be done before all others."""
        barred: set[int] = set()
        while True:
            closed = self._closed(repeat.sources, set(range(len(self._statements))) - barred)
            part = closed - self._fixed
            idle = {n for n in part if self._statements[n].sets_flaw and self._statements[n].loads <= self._fixed_names}
            early = {n for n in part if any(self._read_early(name, part) for name in self._statements[n].stores)}
            if not idle and not early:
                return part
            barred |= idle | early

    def _read_early(self, name: str, part: set[int]) -> bool:
        """Whether another statement reads the local before the part's last one has set it."""
        last = max(self._writers[name])
        return any(name in each.loads for n, each in enumerate(self._statements[:last]) if n not in part)

    def owners(self, repeats: list[Repeat]) -> Callable[[str], int | None]:
        """For an expression: the number of the part that alone decides it, or None."""
        owner: dict[str, int] = {}
        for repeat in repeats:
            for number in self.part(repeat):
                owner |= dict.fromkeys(self._statements[number].stores, repeat.number)

        def owner_of(expression: str) -> int | None:
            names = {name for name in _names(expression) if not self._free(name) and name not in self._fixed_names}
            found = {owner.get(name) for name in names}
            return found.pop() if len(found) == 1 else None

        return owner_of

    def carved(self, repeats: list[Repeat]) -> tuple[list[str], list[Carved]]:
        """The event's lines without the parts, and the parts."""
        taken: set[int] = set()
        parts: list[tuple[Repeat, list[int]]] = []
        for repeat in repeats:
            if own := self.part(repeat):
                parts.append((repeat, sorted(own)))
                taken |= own
        rest = [each for n, each in enumerate(self._statements) if n not in taken]
        wanted = frozenset().union(*(each.loads for each in rest))
        lines: list[str] = []
        carved: list[Carved] = []
        for repeat, part in parts:
            made, call = self._function(repeat, part, wanted)
            carved.append(made)
            lines += call
        return lines + [line for each in rest for line in each.lines], carved

    def _function(self, repeat: Repeat, part: list[int], wanted: Collection[str]) -> tuple[Carved, list[str]]:
        statements = [self._statements[n] for n in part]
        given = list(dict.fromkeys(name for each in statements for name in sorted(each.stores) if name in wanted))
        flawed = any(each.sets_flaw for each in statements)
        body = [*([f"{FLAW} = None"] if flawed else []), *repeat.opening]
        body += [line for each in self._fixed_for(statements) for line in each.lines]
        body += [line for each in statements for line in each.lines]
        answers = [*given, *([FLAW] if flawed else [])]
        body.append(f"return ({', '.join(answers)},)" if answers else "return ()")
        name, table = f"part_{repeat.number}", f"PART_{repeat.number}"
        source = "\n    ".join([f"def {name}({', '.join(repeat.sources)}):", *body]) + "\n"
        found = f"{table}[{repeat.key}]"
        own = f"{FLAW}_{repeat.number}"
        taken = [*given, *([own] if flawed else [])]
        call = [f"({', '.join(taken)},) = {found}" if taken else found]
        if flawed:
            call.append(f"if {own} is not None: {FLAW} = joined({FLAW}, {own})")
        return Carved(name, table, source, len(repeat.sources) == 1), call

    def _fixed_for(self, statements: list[_Statement]) -> list[_Statement]:
        """What depends on nothing and is read by the statements: done again in their function."""
        needed: set[int] = set()
        names = {name for each in statements for name in each.loads}
        while more := {n for name in names & self._fixed_names for n in self._writers[name]} - needed:
            needed |= more
            names = {name for n in more for name in self._statements[n].loads}
        return [self._statements[n] for n in sorted(needed)]


def _statements(lines: list[str]) -> list[_Statement]:
    found: list[_Statement] = []
    for node in ast.parse("\n".join(lines)).body:
        if isinstance(node, ast.Assign) and len(node.targets) > 1 and isinstance(node.value, ast.Constant):
            for target in node.targets:
                name = ast.unparse(target)
                found.append(_Statement([f"{name} = {node.value.value!r}"], frozenset(), frozenset([name])))
            continue
        loads: set[str] = set()
        stores: set[str] = set()
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                (loads if isinstance(each.ctx, ast.Load) else stores).add(each.id)
        leaves = any(isinstance(each, ast.Return | ast.Continue | ast.Break) for each in ast.walk(node))
        reads_flaw, sets_flaw = FLAW in loads and FLAW not in stores, FLAW in stores
        own = lines[node.lineno - 1 : node.end_lineno]
        names = frozenset(loads - {FLAW}), frozenset(stores - {FLAW})
        found.append(_Statement(own, *names, reads_flaw=reads_flaw, sets_flaw=sets_flaw, leaves=leaves))
    return found


def _names(expression: str) -> set[str]:
    return {each.id for each in ast.walk(ast.parse(expression, mode="eval")) if isinstance(each, ast.Name)}


def likeness(carved: Carved, bound: dict[str, object]) -> tuple[object, ...]:
    """Equal for functions that do the same whatever their locals are called; constants are compared by what they are."""
    tree = ast.parse(carved.source)
    names: dict[str, str] = {}
    constants: list[object] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in bound:
            if node.id not in names:
                names[node.id] = f"constant_{len(names)}"
                constants.append(_comparable(bound[node.id]))
            node.id = names[node.id]
        elif isinstance(node, ast.Name | ast.arg):
            name = node.id if isinstance(node, ast.Name) else node.arg
            plain = name if not name[1:2].isdigit() else names.setdefault(name, f"local_{len(names)}")
            if isinstance(node, ast.Name):
                node.id = plain
            else:
                node.arg = plain
    return ("part", ast.dump(tree), *constants)


def _comparable(value: object) -> object:
    try:
        hash(value)
    except TypeError:
        return id(value)
    return type(value), value
