"""Which column list applies to a slice: declared for its log group or stream, in its header, or the pipeline's default."""

from __future__ import annotations

import fnmatch
import re
from typing import Protocol

from service.decode import Run
from service.event import RecordBatch
from service.route.routes import Route

MEMO_SIZE = 10_000


class Declared(Protocol):
    """Column lists of ``streams.yml``."""

    def declared(self, project: str, environment: str, stream: str, log_group: str) -> str | None:
        """Return the list declared for the log group of a stream, or None."""
        ...


class ColumnChoice:
    """Chooses the columns of one dataset's slices."""

    def __init__(self, route: Route, declared: Declared | None) -> None:
        self._sources = route.column_sources
        self._declared = declared
        self._patterns = [(re.compile(fnmatch.translate(pattern)), names) for pattern, names in route.columns]
        self._memo: dict[tuple[str, str, str, str], str | None] = {}

    def __call__(self, batch: RecordBatch, run: Run) -> str | None:
        """Return the column list, None for the pipeline's default."""
        for source in self._sources:
            if source == "default":
                return None
            found = run.columns if source == "header" else self._of(batch, run.log_group or "")
            if found is not None:
                return found
        return None

    def _of(self, batch: RecordBatch, log_group: str) -> str | None:
        key = (batch.project, batch.environment, batch.stream, log_group)
        try:
            return self._memo[key]
        except KeyError:
            if len(self._memo) >= MEMO_SIZE:
                self._memo.clear()
            found = self._memo[key] = self._look_up(key)
            return found

    def _look_up(self, key: tuple[str, str, str, str]) -> str | None:
        if self._declared is not None and (found := self._declared.declared(*key)) is not None:
            return found
        for pattern, names in self._patterns:
            if pattern.match(key[3]) or pattern.match(key[2]):
                return names
        return None
