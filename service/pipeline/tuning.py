"""What a deployment wants, put over what a source is; never the other way round."""

from __future__ import annotations

from typing import Any

from service.pipeline.schema import PipelineFile, TuningFile


def overlay(file: PipelineFile, tuning: TuningFile) -> PipelineFile:
    """The pipeline with the tuning's retention, period, original, enrichers and labels; the rest of it is untouched."""
    sink: dict[str, Any] = {
        key: value for key in ("retention", "period", "original") if (value := getattr(tuning, key)) is not None
    }
    changes: dict[str, Any] = {"sink": file.sink.model_copy(update=sink), "labels": {**file.labels, **tuning.labels}}
    if tuning.enrich is not None:
        changes["enrich"] = tuning.enrich
    return file.model_copy(update=changes)
