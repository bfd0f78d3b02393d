"""What every document says besides its fields, and how each field is written."""

from __future__ import annotations

import json
from collections.abc import Mapping

import orjson

from service.enrich.addresses import Address
from service.fields import FieldSpec
from service.match.values import descend
from service.normalise.cast import dumps, to_long
from service.pipeline.automatic import AUTOMATIC
from service.pipeline.document import Part, Shape, key_text
from service.pipeline.draft import Draft
from service.pipeline.places import GEO_PARENTS, give_way, unless_known
from service.pipeline.schema import PipelineFile
from service.pipeline.slots import Quoting, Slot

ECS_VERSION = "9.5.0"
_DOMAIN_FIELDS = (
    "dns.question.name",
    "url.domain",
    "source.domain",
    "destination.domain",
    "client.domain",
    "server.domain",
)
_SLICE_FACTS = {
    "siem.stream": "stream",
    "siem.shard": "shard",
    "siem.sequence_number": "sequence",
}
_OTHERWISE = {"cloud.region": "region_member"}
"""Fields that the transport knows for an event that does not say → the local of the slice that holds the member."""


def quoted(draft: Draft, slot: Slot) -> str:
    """Python expression of the JSON value of a slot that is not None."""
    local = slot.local
    escape = slot.quoting == Quoting.ALWAYS or (draft.careful and slot.quoting == Quoting.LIKE_RAW)
    match slot.kind:
        case "ip" | "moment":
            return f"'\"' + {local}[0] + '\"'"
        case "int" | "float":
            return f"repr({local})"
        case "bool":
            return f"('true' if {local} else 'false')"
        case "json":
            return local
        case "ints":
            return f"dumps({local})"
        case "strs" if slot.quoting == Quoting.NEVER and slot.spec.type != "ip":
            return f"{local}.text"
        case "strs":
            return f"quote_all({local})" if escape else f"'[\"' + '\",\"'.join({local}) + '\"]'"
        case _:
            return f"quote({local})" if escape else f"'\"' + {local} + '\"'"


def write_fields(draft: Draft, shape: Shape, file: PipelineFile) -> None:
    """Put every field that a step may have set into the document, enrichment beside the field it belongs to."""
    groups: dict[str, list[tuple[str, str]]] = {}
    if {"geoip", "asn"} & set(file.enrich):
        give_way(draft)
    for slot in draft.slots.values():
        if slot.name in ("@timestamp", "cloud.account.id") or not slot.touched:
            continue
        parent, _, key = slot.name.rpartition(".")
        if slot.constant is not None:
            shape.put(slot.name, Part("const", dumps(slot.constant)))
            continue
        value = quoted(draft, slot)
        extra = ""
        if slot.name == "identity.chain" and "identity" in file.enrich:
            _write_chain(draft, shape, slot, value)
            continue
        if slot.kind == "ip" and parent in GEO_PARENTS and {"geoip", "asn"} & set(file.enrich):
            extra = f" + {unless_known(draft, parent, f'{slot.local}[1]')}"
        elif slot.name == "user_agent.original" and "user_agent" in file.enrich:
            extra = f" + agents[{slot.local}]"
        elif slot.name in _DOMAIN_FIELDS and "domain" in file.enrich and f"{parent}.registered_domain" not in draft.slots:
            extra = f" + domains[{slot.local}]"
        if slot.sure:
            shape.put(slot.name, *_pieces(draft, slot, value, extra))
            continue
        name = draft.code.local(slot.name, "e")
        opening = _opening(key_text(key), value)
        otherwise = _OTHERWISE.get(slot.name, "''")
        text = f"{name} = {opening}{extra} if {slot.local} is not None else {otherwise}"
        if slot.group is None or slot.name in _OTHERWISE:
            draft.code.add(text)
        else:
            groups.setdefault(slot.group, []).append((name, text))
        shape.put_optional(parent, Part("event", name))
    for group, texts in groups.items():
        draft.code.add(" = ".join(name for name, _ in texts) + " = ''")
        with draft.code.block(f"if {group} is not None:"):
            draft.code.add(*(text for _, text in texts))


def _write_chain(draft: Draft, shape: Shape, slot: Slot, value: str) -> None:
    """Who acted, as the event says; with those behind it where more is known."""
    session = draft.slots.get("identity.session")
    key = session.local if session is not None and session.touched else "None"
    own, name, more = (draft.code.local(slot.name, "e") for _ in range(3))
    member, chain = key_text("chain"), slot.local
    # What the event says by itself is worked out once for a caller; what else is known is looked for each time.
    draft.code.add(f"{own} = {member!r} + {value} if {chain} is not None else ''", f"{name} = {own}")
    known = f"{chain}[-1] in told or (len({chain}) > 1 and {chain}[-2] in told)"
    with draft.code.block(f"if {own} and ({known if key == 'None' else f'{key} in told or {known}'}):"):
        draft.code.add(f"{more} = chain_of({key}, {chain})", f"if {more} is not None: {name} = {member!r} + {more}")
    shape.put_optional("identity", Part("event", name))


def _pieces(draft: Draft, slot: Slot, value: str, extra: str) -> list[Part]:
    """Parts of a value that is always there: only what differs between events is left to them."""
    quotes = Part("const", '"')
    if value == f"'\"' + {slot.local}[0] + '\"'" or value == f"'\"' + {slot.local} + '\"'":
        inner = [quotes, Part("event", slot.local if slot.kind == "str" else f"{slot.local}[0]"), quotes]
    elif slot.kind in ("int", "float"):
        inner = [Part("event", slot.digits or slot.local)]
    elif value.isidentifier() or value == f"{slot.local}.text":
        inner = [Part("event", value)]
    else:
        name = draft.code.local(slot.name, "e")
        draft.code.add(f"{name} = {value}")
        inner = [Part("event", name)]
    return [*inner, Part("event", extra.removeprefix(" + "))] if extra else inner


def _opening(head: str, value: str) -> str:
    if value.startswith("'\"' + "):
        return repr(head + '"') + value[3:]
    if value.startswith("'[\"' + "):
        return repr(head + '["') + value[4:]
    return f"{head!r} + {value}"


def write_service_fields(draft: Draft, shape: Shape, file: PipelineFile, version: str) -> None:
    """Dataset, provenance, project, account, time of ingestion: constant or known per slice."""
    module = file.dataset.partition(".")[0]
    for name, value in (
        ("ecs.version", ECS_VERSION),
        ("event.dataset", file.dataset),
        ("event.module", module),
        ("siem.pipeline.version", version),
    ):
        shape.put(name, Part("const", json.dumps(value)))
    for key, label in sorted(file.labels.items()):
        shape.put(f"labels.{key}", Part("const", json.dumps(label)))
    shape.put("@timestamp", Part("event", "timestamp"))
    shape.put("event.ingested", Part("slice", "ingested"))
    shape.put("project.id", Part("slice", "quote(slice_.project)"))
    shape.put("project.environment", Part("slice", "quote(slice_.environment)"))
    for name, fact in _SLICE_FACTS.items():
        shape.put(name, Part("slice", f"quote(slice_.{fact})"))
    shape.put("siem.subsequence_number", Part("slice", "str(slice_.subsequence)"))
    shape.put_optional("siem", Part("slice", "arrived"))
    shape.put_optional("aws.cloudwatch", Part("slice", "cloudwatch"))
    shape.put_optional("aws", Part("slice", "envelope"))
    if not _touched(draft, "cloud.region"):
        shape.put_optional("cloud", Part("slice", "region_member"))
    if not _touched(draft, "cloud.provider") and module == "aws":
        shape.put("cloud.provider", Part("const", '"aws"'))
    shape.put_optional("project", Part("event", "view[1]" if file.owner is None else "owner[1]"))
    shape.put_optional("cloud.account", Part("event", "view[0]"))
    if file.sink.original:
        shape.put_optional("event", Part("event", "original"))


def write_enrichment(draft: Draft, shape: Shape, file: PipelineFile) -> None:
    """Enrichment that joins several fields: community id, network type, threat lists."""
    source, destination = draft.slots.get("source.ip"), draft.slots.get("destination.ip")
    if "community_id" in file.enrich and source is not None and destination is not None:
        ports = [
            draft.slots.get("source.port"),
            draft.slots.get("destination.port"),
            draft.slots.get("network.iana_number"),
        ]
        if all(ports) and "network.community_id" not in draft.slots:
            protocol = ports[2]
            needed = [slot.local for slot in (source, destination, protocol) if slot is not None and not slot.sure]
            if draft.careful and protocol is not None and protocol.kind != "int":
                # A protocol by its name has no number.
                needed.append(f"{draft.constants.name(to_long, 'to_long')}({protocol.local} or 0)")
            test = f" if {' and '.join(f'{each} is not None' for each in needed)} else ''" if needed else ""
            ports_ = ", ".join(_number(draft, slot) for slot in ports if slot is not None)
            draft.code.add(
                f"community = community_id({source.local}, {destination.local}, {ports_}){test}",
                """community = ',"community_id":"' + community + '"' if community else ''""",
            )
            shape.put_optional("network", Part("event", "community"))
    if source is not None and "network.transport" in draft.slots and "network.type" not in draft.slots:
        absent = "" if source.sure else f"'' if {source.local} is None else "
        draft.code.add(
            f"""network_type = {absent}',"type":"ipv4"' if {source.local}[3] == 4 """
            """else ',"type":"ipv6"'"""
        )
        shape.put_optional("network", Part("event", "network_type"))
    if "threat_intel" in file.enrich and "threat.enrichments" not in draft.slots:
        _threats(draft, shape)


def _number(draft: Draft, slot: Slot) -> str:
    if draft.careful and slot.kind != "int":
        return f"{draft.constants.name(to_long, 'to_long')}({slot.local}) or 0"
    number = slot.local if slot.kind == "int" else f"int({slot.local})" if slot.sure else f"int({slot.local} or 0)"
    return number if slot.sure else f"{number} or 0"


def _threats(draft: Draft, shape: Shape) -> None:
    hits: list[tuple[str, str]] = []
    for slot in draft.slots.values():
        if not slot.touched:
            continue
        if slot.kind == "ip":
            hits.append((f"{slot.local} is not None and {slot.local}[5]", f"({slot.name!r}, {slot.local})"))
        elif slot.name in _DOMAIN_FIELDS:
            hits.append((f"{slot.local} is not None and domain_threats[{slot.local}]", f"({slot.name!r}, {slot.local})"))
        elif ".hash." in slot.name and slot.kind == "str":
            hits.append((f"{slot.local} is not None and hash_threats[{slot.local}]", f"({slot.name!r}, {slot.local})"))
    if hits:
        tests, pairs = " or ".join(f"({test})" for test, _ in hits), ", ".join(pair for _, pair in hits)
        draft.code.add(f"threats = threat_members(({pairs},), domain_threats, hash_threats) if {tests} else ''")
        shape.put_optional("threat", Part("event", "threats"))
        draft.asks_lists = True


def threat_members(
    values: tuple[tuple[str, Address | str | None], ...], domains: Mapping[str, str], hashes: Mapping[str, str]
) -> str:
    """``,"enrichments":[…]`` of the fields that a threat list names; there is at least one."""
    found = []
    for name, value in values:
        if value is None:
            continue
        if isinstance(value, str):
            atomic, indicator = value, (hashes if ".hash." in name else domains)[value]
        else:
            atomic, indicator = value.text, value.threat
        if indicator:
            matched = dumps({"field": name, "atomic": atomic, "type": "indicator_match_rule"})
            found.append(f'{{"indicator":{indicator},"matched":{matched}}}')
    return f',"enrichments":[{",".join(found)}]'


def listed(threats: str, keys: tuple[str, ...]) -> object:
    """What the enrichments in the members of ``threat`` hold under these keys."""
    return descend(orjson.loads("{" + threats[1:] + "}")["enrichments"], keys)


def emitted(draft_slots: dict[str, Slot], catalogue_get: dict[str, FieldSpec], file: PipelineFile) -> set[str]:
    """Names of all fields that a document of this pipeline may carry and the catalogue knows."""
    names = {slot.name for slot in draft_slots.values() if slot.touched} | set(AUTOMATIC)
    names.add(f"{file.dataset.partition('.')[0]}.unmapped")
    if "s3" in file.delivery:
        names |= {"aws.s3.bucket.name", "aws.s3.object.key"}
    names |= {f"labels.{key}" for key in file.labels}
    members = []
    if {"geoip", "asn"} & set(file.enrich):
        members += [(f"{parent}.geo.", f"{parent}.as.") for parent in GEO_PARENTS if f"{parent}.ip" in draft_slots]
    prefixes = [prefix for pair in members for prefix in pair]
    if "user_agent" in file.enrich and "user_agent.original" in draft_slots:
        prefixes.append("user_agent.")
    if "threat_intel" in file.enrich:
        prefixes.append("threat.enrichments.")
    if "community_id" in file.enrich:
        names |= {"network.community_id", "network.type"}
    if "domain" in file.enrich:
        for field in _DOMAIN_FIELDS:
            if field in draft_slots:
                parent = field.rpartition(".")[0]
                names |= {f"{parent}.{part}" for part in ("registered_domain", "subdomain", "top_level_domain")}
    # What passes through as an object carries the fields declared below it.
    prefixes += [f"{slot.name}." for slot in draft_slots.values() if slot.touched and slot.kind == "json"]
    names |= {name for name in catalogue_get if name.startswith(tuple(prefixes))} if prefixes else set()
    return {name for name in names if name in catalogue_get}


def _touched(draft: Draft, name: str) -> bool:
    slot = draft.slots.get(name)
    return slot is not None and slot.touched
