"""Which text files are tables: what the pipelines read with a header line."""

from __future__ import annotations

from pathlib import Path

from service.content import find_content
from service.decode.tables import Tables
from service.pipeline.load import load_pipelines
from service.route.router import route_of


def known_tables(folder: Path) -> Tables:
    """The tables of the pipelines in a folder, of those that ship where there is none. Raises ContentErrors."""
    loaded = load_pipelines(folder if folder.is_dir() else find_content().pipelines, None)
    tables = (route_of(pipeline).table for pipeline in loaded.values())
    return Tables(table for table in tables if table is not None)
