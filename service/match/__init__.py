"""Sigma selections: one language for route, drop, when and detections.

>>> node = parse_selection({"eventName|startswith": ["Put", "Delete"], "errorCode": None}, Place("pipeline.yml", 7))
>>> predicate(node)({"eventName": "putObject"})
True
"""

from service.errors import Place
from service.match.condition import parse_condition
from service.match.nodes import And, Item, Node, Not, Or, fields
from service.match.parse import parse_selection
from service.match.python import predicate, to_function, to_python
from service.match.reduce import NEVER, needed, of_fields

__all__ = [
    "NEVER",
    "And",
    "Item",
    "Node",
    "Not",
    "Or",
    "Place",
    "fields",
    "needed",
    "of_fields",
    "parse_condition",
    "parse_selection",
    "predicate",
    "to_function",
    "to_python",
]
