"""Which field is what: types from the values that came, ECS names from the words people use for them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.fields import Catalogue, FieldType
from service.normalise.time import READERS
from service.offline.raw_event import leaves

_ECS = {
    "source.ip": "src srcip src_ip srcaddr source_ip sourceip sourceipaddress client_ip clientip c_ip remote_addr remote_ip ip",
    "source.port": "srcport src_port source_port client_port spt sport",
    "destination.ip": "dst dstip dst_ip dstaddr destination_ip dest_ip destip server_ip s_ip",
    "destination.port": "dstport dst_port destination_port dest_port server_port dpt dport",
    "user.name": "user username user_name usr login account suser principal",
    "user.email": "email mail user_email",
    "host.name": "host hostname host_name computer machine",
    "event.action": "action act event eventname event_name operation op",
    "event.id": "eventid event_id uuid event_uuid",
    "log.level": "level severity loglevel log_level lvl priority",
    "message": "message msg text _rest log description",
    "process.name": "process program app application proc",
    "process.pid": "pid process_id procid",
    "http.request.method": "method http_method verb request_method cs_method",
    "http.response.status_code": "status status_code http_status sc_status response_code",
    "url.original": "url uri request_uri path cs_uri request_url",
    "user_agent.original": "user_agent useragent ua http_user_agent agent",
    "network.protocol": "proto protocol",
    "cloud.account.id": "account_id accountid recipientaccountid owner_account",
    "cloud.region": "region awsregion aws_region",
    "trace.id": "trace_id traceid",
    "event.reason": "reason",
}
_BY_WORD = {word: name for name, words in _ECS.items() for word in words.split()}
_TIME_WORDS = (
    "@timestamp", "timestamp", "time", "eventtime", "ts", "datetime", "date", "created", "when", "start", "starttime",
    "loggedat", "createdat", "occurredat",
)  # fmt: skip
_FORMATS = ("iso8601", "clf", "syslog", "epoch_auto")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Guess:
    """What to do with one raw path: the target field, and its type when the catalogue does not have it."""

    path: str
    target: str
    type: FieldType | None
    array: bool = False


def guesses(dataset: str, events: list[dict[str, Any]], catalogue: Catalogue) -> Iterator[Guess]:
    """One guess for every raw path any event has, in the order in which they first came."""
    taken: set[str] = set()
    for path, values in values_by_path(events).items():
        yield guess_of(dataset, path, values, catalogue, taken)


def guess_of(dataset: str, path: str, values: list[Any], catalogue: Catalogue, taken: set[str]) -> Guess:
    """The guess for one raw path by the values it had; its target is ``taken`` from then on."""
    kind, array = _type(values), any(isinstance(value, list) for value in values)
    ecs = _BY_WORD.get(_word(path))
    spec = catalogue.get(ecs) if ecs else None
    if spec is not None and spec.name not in taken and not array and _fits(spec.type, kind):
        taken.add(spec.name)
        return Guess(path, spec.name, None)
    own = f"{dataset}.{_snake(path)}"
    number = 2
    while own in taken:
        own, number = f"{dataset}.{_snake(path)}_{number}", number + 1
    taken.add(own)
    return Guess(path, own, kind, array)


def time_of(events: list[dict[str, Any]]) -> tuple[str, str] | None:
    """Raw path and format of the field that says when it happened."""
    values = values_by_path(events)
    ranked = sorted(values, key=lambda path: (_rank(path), path.count(".")))
    for path in ranked:
        named = _rank(path) < len(_TIME_WORDS)
        if not named and not all(map(_looks_like_time, values[path])):
            continue
        for form in _FORMATS:
            read = READERS[form]
            if all(not isinstance(value, bool | list | dict) and read(value) is not None for value in values[path]):
                return path, form
    return None


def _looks_like_time(value: Any) -> bool:
    """Good enough for a field whose name says nothing: a date with a clock, or seconds or milliseconds of our days."""
    return isinstance(value, str | int) and re.fullmatch(r"1[5-9]\d{8}(\d{3})?|\d{4}-.*:.*|\d\d/.*:.*", str(value)) is not None


def values_by_path(events: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """All values by raw path; of lists of objects, none: they stay among the leftovers."""
    found: dict[str, list[Any]] = {}
    for event in events:
        for path in dict.fromkeys(leaves(event)):
            value = _at(event, path)
            if "[]" not in path and value not in (None, "", [], {}):
                found.setdefault(path, []).append(value)
    return found


def unique_id(events: list[dict[str, Any]]) -> str | None:
    """The raw path whose values are UUIDs, another one in every event."""
    for path, values in values_by_path(events).items():
        texts = [value for value in values if isinstance(value, str) and _UUID.fullmatch(value)]
        if len(texts) == len(events) == len(set(texts)) and "id" in _word(path):
            return path
    return None


def _at(event: dict[str, Any], path: str) -> Any:
    from service.offline.raw_event import find

    return find(event, path)


def _rank(path: str) -> int:
    word = _word(path).replace("_", "")
    return _TIME_WORDS.index(word) if word in _TIME_WORDS else len(_TIME_WORDS)


def _word(path: str) -> str:
    return path.rpartition(".")[2].strip('"').lower().replace("-", "_")


def _snake(path: str) -> str:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", path.replace('"', ""))
    name = re.sub(r"[^a-z0-9_.]+", "_", words.lower()).strip("_.")
    name = ".".join(part.strip("_") or "x" for part in name.split(".")) or "field"
    return name if name[0].isalpha() else f"field_{name}"


def _type(values: list[Any]) -> FieldType:
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    if all(isinstance(item, bool) for item in flat):
        return "boolean"
    if all(_is_long(item) for item in flat):
        return "long"
    if all(_is_double(item) for item in flat):
        return "double"
    texts = [item for item in flat if isinstance(item, str)]
    if len(texts) == len(flat) and all(map(_is_address, texts)):
        return "ip"
    if len(texts) == len(flat) and all("T" in text and READERS["iso8601"](text) is not None for text in texts):
        return "date"
    return "keyword"


def _fits(wanted: str, found: FieldType) -> bool:
    if wanted in ("keyword", "wildcard", "match_only_text", "text"):
        return found in ("keyword", "ip", "long", "date")
    return wanted == found or (wanted == "float" and found in ("double", "long"))


def _is_long(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?(0|[1-9]\d{0,17})", value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_double(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
