"""JSON schemas of the YAML we read: editors complete and check against them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import BaseModel

from service.build.artefact import Artefact, Pipelines
from service.content import Content
from service.pipeline.schema import PipelineFile, SharedFile, TuningFile
from service.pipeline.shared import SHARED


def artefacts(content: Content, pipelines: Pipelines) -> Iterator[Artefact]:  # noqa: ARG001 - the same for all
    """``pipelines/schema.json``, the one for shared blocks, and ``deploy/tuning/schema.json``."""
    yield Artefact(content.pipelines / "schema.json", schema_text(PipelineFile))
    yield Artefact(content.pipelines / SHARED / "schema.json", schema_text(SharedFile))
    yield Artefact(content.tuning / "schema.json", schema_text(TuningFile))


def schema_text(model: type[BaseModel]) -> str:
    """The model's JSON schema, as a file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
