"""A pipeline whose code is made when its first event comes."""

from __future__ import annotations

from typing import Protocol

from service.enrich.enrichers import Enrichers
from service.event import Slice
from service.pipeline.compile import compile_pipeline, version_of
from service.pipeline.compiled import Carried, CompiledPipeline
from service.pipeline.load import LoadedPipeline
from service.pipeline.watch import Watch


class Pipeline(Protocol):
    """What a worker needs of a pipeline."""

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        ...

    @property
    def version(self) -> str:
        """Short hash of everything that decides its output."""
        ...

    @property
    def watch(self) -> Watch:
        """What it hands out beside documents, for detections."""
        ...

    def carry(self, slice_: Slice, now_ms: int) -> Carried:
        """Give every event of the slice its fate; pure."""
        ...


class Deferred:
    """A Pipeline for content that is known to compile: what is wrong in it would show with an event only."""

    def __init__(self, loaded: LoadedPipeline, enrichers: Enrichers, watch: Watch) -> None:
        """Compile nothing yet."""
        self.dataset = loaded.dataset
        self.version = version_of(loaded)
        self._parts = (loaded, enrichers, watch)
        self._made: CompiledPipeline | None = None

    @property
    def watch(self) -> Watch:
        """What it hands out beside documents; known once it is compiled."""
        return self._whole().watch

    def carry(self, slice_: Slice, now_ms: int) -> Carried:
        """As the compiled pipeline does; the first call takes a tenth of a second longer."""
        return self._whole().carry(slice_, now_ms)

    def _whole(self) -> CompiledPipeline:
        if self._made is None:
            self._made = compile_pipeline(*self._parts)
        return self._made
