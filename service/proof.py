"""What was seen to compile: a name for all that decides it, kept in the state folder.

Most of a worker's start would be the compiling of sixty pipelines, of which it may need ten. One worker compiles all, so that
what is wrong is refused before the first event; the others, and itself after a crash, compile what events ask for.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from service.content import find_content
from service.errors import ContentErrors
from service.pipeline.load import mappings_of
from service.settings import Settings

_KINDS = frozenset({".yml", ".yaml"})
_CODE = Path(__file__).resolve().parent


def content_files(settings: Settings) -> Iterator[Path]:
    """The YAML files of pipelines, tuning, rules, streams and alerts that this deployment goes by."""
    wanted = (settings.paths.pipelines, settings.paths.tuning, settings.paths.detections, *settings.detect.rules)
    for folder in wanted:
        if folder is not None:
            yield from _below(folder, _KINDS)
    single = (settings.collect.streams, settings.silence.rules, settings.detect.alerts)
    yield from (path for path in single if path is not None)


def fingerprint(settings: Settings) -> str:
    """A name for the bytes of all files that decide what is compiled, and for the code that does it.

    Streams, alerts and the like are read by every worker anyway; where the folders lie makes no difference.
    """
    digest = blake2b(digest_size=16)
    digest.update(repr((sys.version, settings.detect.enabled)).encode())
    paths, root = settings.paths, find_content()  # what is used where the settings name no folder that is there
    pipelines = paths.pipelines if paths.pipelines.is_dir() else root.pipelines
    folders = [
        pipelines,
        paths.detections if paths.detections.is_dir() else root.detections,
        *(() if paths.tuning is None else (paths.tuning,)),
        *settings.detect.rules,
        *sorted(set(_catalogues(pipelines))),
    ]
    digest.update(repr((paths.tuning is None, len(settings.detect.rules))).encode())
    for number, folder in enumerate(folders):
        for path in sorted(_below(folder, _KINDS)):
            with suppress(OSError):
                digest.update(repr((number, str(path.relative_to(folder)), path.read_bytes())).encode())
    for path in sorted(_below(_CODE, frozenset({".py"}))):
        found = path.stat()
        digest.update(repr((str(path), found.st_mtime_ns, found.st_size)).encode())
    return digest.hexdigest()


def _catalogues(pipelines: Path) -> Iterator[Path]:
    """Where each pipeline's fields come from; of one that has none, whoever loads it will complain."""
    for path in pipelines.glob("*/pipeline.yml"):
        with suppress(ContentErrors):
            yield mappings_of(path.parent)


def _below(folder: Path, kinds: frozenset[str]) -> Iterator[Path]:
    """Files of these kinds in the folder and below, behind links too; walked, not globbed, for workers look every two seconds."""
    if folder.is_file():  # rules may be one file
        yield folder
    seen: set[tuple[int, int]] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        try:
            found = Path(parent).stat()
        except OSError:  # it was there a moment ago
            continue
        here = (found.st_dev, found.st_ino)
        if here in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(here)
        for name in names:
            if name[name.rfind(".") :] in kinds:
                yield Path(parent, name)


class Proof:
    """What the state folder remembers."""

    def __init__(self, path: Path) -> None:
        """The file need not exist."""
        self._path = path

    def holds(self, name: str) -> bool:
        """Whether content of this name was seen to compile."""
        try:
            return self._path.read_text(encoding="ascii") == name
        except (OSError, ValueError):
            return False

    def note(self, name: str) -> None:
        """Remember it; where that is not possible the next start takes its time again."""
        beside = self._path.with_suffix(".new")
        with suppress(OSError):
            beside.write_text(name, encoding="ascii")
            beside.replace(self._path)


@contextmanager
def proving(state: Path) -> Iterator[Proof]:
    """The proof, for one process at a time: of workers that start together one compiles, and the others find that it did."""
    with ExitStack() as stack:
        with suppress(OSError):  # a folder that cannot be written: each proves it to itself
            state.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((state / "proof.lock").open("w", encoding="ascii"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield Proof(state / "proof")
