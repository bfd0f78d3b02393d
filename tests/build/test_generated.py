"""What is generated is fresh, complete and made of the sources alone."""

from __future__ import annotations

import json
from pathlib import Path

from service.build.artefact import artefacts, leftovers
from service.build.readme import readme
from service.build.schema import schema_text
from service.content import find_content
from service.pipeline.load import load_pipelines
from service.pipeline.schema import PipelineFile

ROOT = Path(__file__).parents[2]
CONTENT = find_content(ROOT)
PIPELINES = load_pipelines(CONTENT.pipelines)


def test_every_generated_file_is_fresh() -> None:
    made = list(artefacts(CONTENT, PIPELINES))
    assert [str(each.path.relative_to(ROOT)) for each in made if not each.fresh] == [], "run: siem build"
    assert list(leftovers(CONTENT, {each.path for each in made})) == []


def test_the_schema_explains_every_key_of_the_language() -> None:
    schema = json.loads(schema_text(PipelineFile))
    unexplained = [
        f"{name}.{key}"
        for name, model in [("PipelineFile", schema), *schema["$defs"].items()]
        for key, value in model.get("properties", {}).items()
        if not value.get("description") and "$ref" not in value and name not in ("Class",)
    ]
    assert {each for each in unexplained if not each.startswith(("PipelineFile.", "TuningFile."))} == set()


def test_a_readme_says_what_it_is_how_to_send_it_and_every_field() -> None:
    for loaded in PIPELINES.values():
        text = readme(loaded)
        for part in (loaded.file.title, loaded.file.summary, "## How to send it", "## Fields", "## Samples"):
            assert part in text
