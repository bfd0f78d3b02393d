"""Generated files: schema, READMEs, index templates, saved objects. Committed, and checked to be fresh.

A generator is a module here with ``artefacts(content, pipelines) -> Iterable[Artefact]``; ``GENERATORS`` names them.
"""

GENERATORS = ("schema", "reference", "readme", "templates", "saved_objects")
"""Modules of this package, in the order in which they write."""
