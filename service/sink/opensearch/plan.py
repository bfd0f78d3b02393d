"""The difference between what the cluster holds and what it should, and carrying it out; twice is once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, assert_never

from opensearchpy import AsyncOpenSearch
from opensearchpy import exceptions as oe

from service.cluster import Kind, Wanted, holds, same
from service.sink.opensearch.older import SEARCHES_COLUMNS, fitted, version_of

_ISM = "/_plugins/_ism"
_SECURITY = "/_plugins/_security/api"
_AUTO_CREATE = "action.auto_create_index"


class Step(StrEnum):
    """What has to be done about an object."""

    CREATE = "create"
    UPDATE = "update"
    NOTHING = "unchanged"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Change:
    """One object and what has to be done about it; ``note`` says what differs, or why nothing can be done."""

    step: Step
    wanted: Wanted
    note: str = ""
    version: tuple[int, int] | None = None
    """Sequence number and primary term of the ISM policy that is there."""


@dataclass(slots=True)
class Plan:
    """All changes, and ``notices`` of what this cluster has no place for."""

    changes: list[Change] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def pending(self) -> list[Change]:
        """What is not as it should be and can be made so."""
        return [change for change in self.changes if change.step in {Step.CREATE, Step.UPDATE}]


class Cluster:
    """Compares and puts objects through a client; raises opensearchpy's exceptions when the cluster does not answer."""

    def __init__(self, client: AsyncOpenSearch) -> None:
        """Use ``client``."""
        self._client = client

    async def plan(self, wanted: Iterable[Wanted]) -> Plan:
        """What would have to be done; changes nothing."""
        plan = Plan()
        objects = sorted(wanted, key=lambda one: list(Kind).index(one.kind))
        plugins = await self._plugins()
        number = str((await self._client.info())["version"]["number"])
        if version_of(number) < SEARCHES_COLUMNS:
            plan.notices.append(f"OpenSearch {number} does not search columns (2.19 does): every field is indexed, at a price")
            objects = [fitted(one, version_of(number)) for one in objects]
        plan.changes.append(await self._auto_create())
        if not any("index-management" in plugin for plugin in plugins):
            objects = _without(
                objects, Kind.POLICY, plan, "the index management plugin is not installed: nothing deletes old indices"
            )
        if not any("security" in plugin for plugin in plugins):
            objects = _without(objects, Kind.ROLE, plan, "the security plugin is not installed: roles are not applied")
        for one in objects:
            plan.changes.append(await self._compare(one))
            if one.kind is Kind.TEMPLATE:
                plan.changes += await self._mappings(one)
        return plan

    async def carry_out(self, change: Change) -> None:
        """Make it so."""
        wanted, request = change.wanted, self._client.transport.perform_request
        match wanted.kind:
            case Kind.SETTING:
                await self._client.cluster.put_settings(body={"persistent": wanted.body})
            case Kind.COMPONENT:
                await request("PUT", f"/_component_template/{wanted.name}", body=wanted.body)
            case Kind.TEMPLATE:
                await request("PUT", f"/_index_template/{wanted.name}", body=wanted.body)
            case Kind.MAPPING:
                await self._client.indices.put_mapping(index=wanted.name, body=wanted.body)
            case Kind.POLICY:
                params: dict[str, Any] = {}
                if change.version is not None:
                    params = {"if_seq_no": change.version[0], "if_primary_term": change.version[1]}
                await request("PUT", f"{_ISM}/policies/{wanted.name}", params=params, body=wanted.body)
                # A policy's own patterns only reach indices that are created from now on.
                patterns = wanted.body["policy"]["ism_template"][0]["index_patterns"]
                await request("POST", f"{_ISM}/add/{','.join(patterns)}", body={"policy_id": wanted.name})
            case Kind.ROLE:
                await request("PUT", f"{_SECURITY}/roles/{wanted.name}", body=wanted.body)
            case Kind.SAVED_OBJECT:
                raise ValueError("saved objects are imported by OpenSearch Dashboards")
            case never:
                assert_never(never)

    async def apply(self, wanted: Iterable[Wanted]) -> Plan:
        """Plan and carry out; returns what was done."""
        plan = await self.plan(wanted)
        await self.carry(plan)
        return plan

    async def carry(self, plan: Plan) -> int:
        """Carry out what is pending; returns how many changes. What only a cluster's owner may do becomes a notice."""
        done = 0
        for change in plan.pending:
            try:
                await self.carry_out(change)
                done += 1
            except (oe.AuthorizationException, oe.RequestError) as refused:
                if change.wanted.kind not in {Kind.SETTING, Kind.ROLE}:
                    raise
                plan.notices.append(f"{change.wanted.kind} {change.wanted.name} was refused ({refused.error})")
        return done

    async def _plugins(self) -> list[str]:
        rows = await self._client.cat.plugins(params={"format": "json", "h": "component"})
        return [row["component"] for row in rows]

    async def _auto_create(self) -> Change:
        """Indices of ours must come from their template, so OpenSearch itself must not create them."""
        reply = await self._client.cluster.get_settings(params={"flat_settings": "true", "include_defaults": "true"})
        layers = ("transient", "persistent", "defaults")
        current = next((str(reply[layer][_AUTO_CREATE]) for layer in layers if _AUTO_CREATE in reply.get(layer, {})), "true")
        rules = [rule.strip() for rule in current.strip("[]").split(",")]
        if rules == ["false"] or rules[0] == "-siem-*":
            return Change(Step.NOTHING, Wanted(Kind.SETTING, _AUTO_CREATE, {_AUTO_CREATE: current}))
        rest = "+*" if rules == ["true"] else ",".join(rules)
        body = {_AUTO_CREATE: f"-siem-*,{rest}"}
        return Change(Step.UPDATE, Wanted(Kind.SETTING, _AUTO_CREATE, body), f"is {current}: siem-* without a template")

    async def _compare(self, wanted: Wanted) -> Change:
        found = await self._found(wanted)
        if found is None:
            return Change(Step.CREATE, wanted)
        body, version = found
        match wanted.kind:
            case Kind.COMPONENT | Kind.TEMPLATE:
                equal = _template_same(body, wanted.body)
            case _:
                equal = holds(body, wanted.body)
        if equal:
            return Change(Step.NOTHING, wanted)
        return Change(Step.UPDATE, wanted, f"differs in {', '.join(differences(body, wanted.body)[:4])}", version)

    async def _found(self, wanted: Wanted) -> tuple[dict[str, Any], tuple[int, int] | None] | None:
        request = self._client.transport.perform_request
        try:
            match wanted.kind:
                case Kind.COMPONENT:
                    reply = await request("GET", f"/_component_template/{wanted.name}")
                    return reply["component_templates"][0]["component_template"], None
                case Kind.TEMPLATE:
                    reply = await request("GET", f"/_index_template/{wanted.name}")
                    return reply["index_templates"][0]["index_template"], None
                case Kind.POLICY:
                    reply = await request("GET", f"{_ISM}/policies/{wanted.name}")
                    return {"policy": reply["policy"]}, (reply["_seq_no"], reply["_primary_term"])
                case Kind.ROLE:
                    reply = await request("GET", f"{_SECURITY}/roles/{wanted.name}")
                    return reply[wanted.name], None
                case _:
                    return None
        except oe.NotFoundError:
            return None

    async def _mappings(self, template: Wanted) -> list[Change]:
        """Indices made from an older template: fields they lack can be added, types they have cannot be changed."""
        pattern = template.body["index_patterns"][0]
        reply = await self._client.indices.get_mapping(index=pattern, params={"allow_no_indices": "true"})
        wanted = template.body["template"]["mappings"]["properties"]
        changes = []
        for index, found in sorted(reply.items()):
            missing, conflicts = _missing(found["mappings"].get("properties", {}), wanted, "")
            if missing:
                changes.append(Change(Step.UPDATE, Wanted(Kind.MAPPING, index, {"properties": missing}), "lacks fields"))
            if conflicts:
                note = f"other types, until the next period: {', '.join(conflicts[:4])}"
                changes.append(Change(Step.CONFLICT, Wanted(Kind.MAPPING, index, {}), note))
        return changes


def differences(found: Any, wanted: Any, path: str = "") -> list[str]:
    """Dotted paths at which the two differ, the deepest that say it."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return [] if holds(found, wanted) else [path or "everything"]
    changed: list[str] = []
    for key in sorted({*wanted} | ({*found} if path.endswith("properties") else set())):
        inner = f"{path}.{key}" if path else key
        if key not in found or key not in wanted:
            changed.append(inner)
        else:
            changed += differences(found[key], wanted[key], inner)
    return changed


def _template_same(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Templates come back as they were put, but for settings (prefixed, strings) and empty parts."""
    inner_found, inner_wanted = dict(found.get("template", {})), dict(wanted.get("template", {}))
    settings_equal = holds(inner_found.pop("settings", {}), inner_wanted.pop("settings", {}))
    rest = {key: value for key, value in wanted.items() if key != "template"}
    return settings_equal and same(inner_found, inner_wanted) and holds(found, rest)


def _missing(found: dict[str, Any], wanted: dict[str, Any], path: str) -> tuple[dict[str, Any], list[str]]:
    """Properties to add, and names of fields whose type is another."""
    missing: dict[str, Any] = {}
    conflicts: list[str] = []
    for name, mapping in wanted.items():
        inner = f"{path}{name}"
        if name not in found:
            missing[name] = mapping
        elif found[name].get("type", "object") != mapping.get("type", "object"):
            conflicts.append(inner)
        elif "properties" in mapping:
            below, wrong = _missing(found[name].get("properties", {}), mapping["properties"], f"{inner}.")
            conflicts += wrong
            if below:
                missing[name] = {**({"type": "nested"} if mapping.get("type") == "nested" else {}), "properties": below}
    return missing, conflicts


def _without(objects: list[Wanted], kind: Kind, plan: Plan, notice: str) -> list[Wanted]:
    if any(one.kind is kind for one in objects):
        plan.notices.append(notice)
    return [one for one in objects if one.kind is not kind]
