"""Reading the columns of one line in generated code."""

from __future__ import annotations

from service.parse.objects import Groups, Member, member_of
from service.pipeline.code import Code, Constants
from service.pipeline.raw import FACTS, Read, is_foreign


class Row:
    """The columns of one line, in the list ``row``; ``full``: only lines in which no value is absent."""

    plain_text = True

    def __init__(
        self,
        code: Code,
        columns: tuple[str, ...],
        absent: frozenset[str],
        groups: Groups,
        *,
        full: bool,
        objects: bool = False,
    ) -> None:
        """``groups`` of columns stand in ``row`` ready made where events are ``objects``."""
        self.reads: dict[tuple[str, ...], Read] = {}
        self.overlay: dict[str, str] = {}
        self.foreign: set[str] = set()
        self.columns = columns
        self._absent = absent
        self._code = code
        self._full = full
        self._groups = groups
        self._objects = objects

    def read(self, path: str) -> Read:
        """The read of a column, or of a group of columns, by its name; one that this layout does not have is None."""
        known = self.reads.get((path,))
        if known is None:
            local = FACTS.get(path) or self.overlay.get(path)
            there = local is not None or path in self.columns or bool(path in self._groups and self._members(path))
            known = self.reads[(path,)] = Read((path,), local or (self._code.local(path, "x") if there else "None"))
            known.consumed = path in FACTS or not there
            known.foreign = is_foreign(path, self.foreign)
            known.sure = self._full and path in self.columns and path not in self._groups
            known.never = not there
        return known

    def write(self, code: Code, constants: Constants) -> None:
        """One index per column that is read; the others are leftovers."""
        absent = sorted(self._absent)
        taken = self._write_groups(code, constants)
        for index, column in enumerate(self.columns):
            read = self.reads.get((column,))
            if index in taken:
                continue
            if read is not None:
                code.add(f"{read.local} = row[{index}]")
                if not self._full and absent:
                    test = f"== {absent[0]!r}" if len(absent) == 1 else f"in {constants.name(self._absent)}"
                    code.add(f"if {read.local} {test}: {read.local} = None")
            if read is not None and not read.used:
                code.add(f"if {read.local} is not None: flaw = keep(flaw, {constants.name((column,))}, {read.local})")
        unread = tuple(
            (index, column)
            for index, column in enumerate(self.columns)
            if column != "_" and index not in taken and (column,) not in self.reads
        )
        if unread:
            names = f"{constants.name(unread)}, row, {constants.name(self._absent)}"
            code.add(f"flaw = keep_columns(flaw, {names})")

    def _write_groups(self, code: Code, constants: Constants) -> set[int]:
        """The groups that are read; gives the numbers of their columns."""
        taken: set[int] = set()
        for group in self._groups:
            read = self.reads.get((group,))
            if read is None or read.never:
                continue
            if self._objects:
                at = self.columns.index(group)
                code.add(f"{read.local} = row[{at}]")
                taken.add(at)
                continue
            members = self._members(group)
            code.add(f"{read.local} = grouped(row, {constants.name(members)}, {constants.name(self._absent)})")
            taken |= {at for at, _ in members}
        return taken

    def _members(self, group: str) -> tuple[Member, ...]:
        """Columns of a group that nothing reads by their own names, and what they are called in it."""
        if self._objects:
            return ((self.columns.index(group), ""),)
        found = ((at, member_of(name, group, self._groups[group])) for at, name in enumerate(self.columns))
        alone = {path[0] for path in self.reads if path[0] != group}
        return tuple((at, name) for at, name in found if name is not None and self.columns[at] not in alone)
