"""Joins: neighbours in a record that are pieces of one event are put together. One visible table."""

from __future__ import annotations

from collections.abc import Callable

from service.parse.joins.container import container
from service.parse.joins.databases import mysql, oracle, postgresql, redshift, sqlserver
from service.parse.joins.pieces import JOINED

JOINS: dict[str, Callable[[list[str]], bool]] = {
    "container": container,
    "mysql": mysql,
    "oracle": oracle,
    "postgresql": postgresql,
    "redshift": redshift,
    "sqlserver": sqlserver,
}
"""Name → function. It changes the list in place: the first piece becomes the whole, the others ``JOINED``; and says whether
there is any ``JOINED`` in it. Pure, linear in the size of the list, raises for nothing; what it made it leaves as it is."""

__all__ = ["JOINED", "JOINS"]
