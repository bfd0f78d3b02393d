"""``SIEM_<SECTION>_<FIELD>`` in the environment, over what the settings' file says."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from service.errors import ContentError, ContentErrors, Place
from service.pipeline.schema import Model

PREFIX = "SIEM_"


def overlay(settings: type[Model], data: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The file's values with the environment's over them; raises ContentErrors for variables that name no field."""
    merged = {name: dict(section) if isinstance(section, dict) else section for name, section in data.items()}
    faults = []
    for variable in sorted(environment):
        section, _, name = variable.removeprefix(PREFIX).lower().partition("_")
        if not variable.startswith(PREFIX) or section not in settings.model_fields or not name:
            continue
        model = settings.model_fields[section].annotation
        fields = model.model_fields if isinstance(model, type) and issubclass(model, Model) else {}
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"did you mean {PREFIX}{section.upper()}_{near[0].upper()}?" if near else ""
            faults.append(ContentError(Place(f"${variable}"), "unknown_key", f"{section} has no `{name}`", hint))
            continue
        is_list = str(fields[name].annotation).startswith("list")
        text = environment[variable]
        merged.setdefault(section, {})
        merged[section][name] = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
    if faults:
        raise ContentErrors("the environment is not valid", faults)
    return merged


def environment_faults(error: ValidationError) -> list[ContentError]:
    """What is wrong with values, each with the variable that would set it."""
    faults = []
    for item in error.errors(include_url=False, include_input=False):
        variable = PREFIX + "_".join(str(part) for part in item["loc"][:2]).upper()
        faults.append(ContentError(Place(f"${variable}"), "bad_value", item["msg"]))
    return faults
