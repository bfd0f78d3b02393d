"""ECS → more ECS: what is known about addresses, agents, names and accounts, all of it from memory.

``Enrichers`` holds the memo tables that generated pipeline code reads; their values are ready JSON fragments.
"""

from service.enrich.accounts import AccountTable, AccountView
from service.enrich.addresses import Address
from service.enrich.community import community_id
from service.enrich.enrichers import ENRICHERS, Enrichers, SourceStatus

__all__ = ["ENRICHERS", "AccountTable", "AccountView", "Address", "Enrichers", "SourceStatus", "community_id"]
