"""Links into OpenSearch Dashboards."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from service.spans import moment

MOST_IDS = 50
"""Events a link names: addresses have an end."""
AROUND_MS = 60_000


def evidence_link(dashboards_url: str | None, dataset: str, ids: Sequence[str], from_ms: int, to_ms: int) -> str:
    """Discover with these documents: a whole address where Dashboards' own is known, else the part behind it.

    The hash is the form of Discover 1.x and 2.x, which newer ones take over on opening. Ids are quoted twice: as values of
    a Lucene query and as rison text.
    """
    query = "_id:(" + " OR ".join(f'"{_lucene(each)}"' for each in ids[:MOST_IDS]) + ")"
    asked = f"(language:lucene,query:'{_rison(query)}')"
    state = f"(columns:!(_source),filters:!(),index:'siem-{dataset}',interval:auto,query:{asked},sort:!())"
    time = f"(from:'{moment(from_ms - AROUND_MS)}',to:'{moment(to_ms + AROUND_MS)}')"
    span = f"(filters:!(),refreshInterval:(pause:!t,value:0),time:{time})"
    return f"{(dashboards_url or '').rstrip('/')}/app/discover#/?_g={quote(span, safe=_SAFE)}&_a={quote(state, safe=_SAFE)}"


_SAFE = "!'(),:*"


def _lucene(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _rison(text: str) -> str:
    return text.replace("!", "!!").replace("'", "!'")
