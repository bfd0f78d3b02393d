"""The bundle of everything that is known from memory, and how it follows its files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from service.enrich import agents, domains
from service.enrich.accounts import AccountTable, Project, read_projects
from service.enrich.addresses import Address, is_public, pack, spell
from service.enrich.community import community_id
from service.enrich.followed import Followed, Read
from service.enrich.geo import UNREADABLE, GeoFile
from service.enrich.geo import fragment_of as geo_fragment
from service.enrich.identities import Identities
from service.enrich.memo import Memo
from service.enrich.threat_files import ListFile, load_list, read_lists
from service.enrich.threats import ThreatList, ThreatLists

ENRICHERS: dict[str, str] = {
    "geoip": "Where public addresses are: geo of source, destination, client and server, from MMDB files.",
    "asn": "Whose network public addresses belong to: their autonomous system, from MMDB files.",
    "user_agent": "Program, version, operating system and device out of user_agent.original.",
    "threat_intel": "Addresses, domains and hashes that a threat list names become threat.indicator.",
    "community_id": "network.community_id, version 1, of flows.",
    "identity": "identity.chain goes on beyond the session, to whom AWS gave its credentials: the first human or workload.",
    "domain": "Registered domain, subdomain and top-level domain of domain names.",
}
"""What a pipeline may ask for under ``enrich``."""

Listed = tuple[ListFile, Followed[ThreatList]]

REMEMBERED = 65_536
"""Addresses, agents and names remembered by default, of each kind; an older generation as large comes on top."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How one file is doing, for metrics and the status page."""

    kind: str
    """geoip, threat_list, lists, projects."""
    path: str
    built: int | None
    """When what is in use was made, seconds since the epoch: an MMDB's build, else the file's change. None: nothing."""
    entries: int | None
    """Entries of a threat list."""
    error: str | None
    """Why it, or its newest version, or a part of it is not in use."""


class Enrichers:
    """Memo tables for generated code. ``refresh`` follows the files behind them; nothing else here does I/O."""

    def __init__(self, geoip: Sequence[Path], lists: Path | None, projects: Path | None, remembered: int) -> None:
        """Know nothing yet; use ``load`` or ``empty``."""
        self._geoip = [Followed("geoip", path, _read_geo, UNREADABLE) for path in geoip]
        self._lists = None if lists is None else Followed("lists", lists, _read_lists, ())
        self._listed: dict[str, Listed] = {}
        self._next_listed: dict[str, Listed] = {}
        self._projects = None if projects is None else Followed("projects", projects, _read_projects, ())
        self._files: list[GeoFile] = []
        self._threats = ThreatLists([])
        self._places: Memo[str] = Memo(str, remembered)
        self.failed_look_ups = 0
        """Look-ups that a damaged database could not answer."""
        self.addresses: Memo[Address | None] = Memo(self._address, remembered)
        """Text → Address; None when it is no IP address."""
        self.agents: Memo[str] = Memo(agents.fragment_of, remembered)
        """User agent → ``,"name":…,"version":…,"os":{…},"device":{…}``."""
        self.domains: Memo[str] = Memo(domains.fragment_of, remembered)
        """Domain name → ``,"registered_domain":…,"subdomain":…,"top_level_domain":…``."""
        self.domain_threats: Memo[str] = Memo(self._domain_threat, remembered)
        """Domain name → JSON object like ECS ``threat.indicator``, or ""."""
        self.hash_threats: Memo[str] = Memo(self._hash_threat, remembered)
        """File hash → JSON object like ECS ``threat.indicator``, or ""."""
        self.accounts = AccountTable({})
        self.identities = Identities(self.accounts)
        """Who is behind sessions."""
        self.community_id = community_id

    @classmethod
    def empty(cls) -> Enrichers:
        """Enrichers without files: user agents, domains and community ids work, everything else is unknown."""
        return cls([], None, None, REMEMBERED)

    @classmethod
    def load(
        cls,
        geoip: Sequence[Path] = (),
        lists: Path | None = None,
        projects: Path | None = None,
        remembered: int = REMEMBERED,
    ) -> Enrichers:
        """Enrichers with their files read.

        Raises ContentErrors for a bad ``lists.yml`` or ``projects.yml``. MMDB and list files that are missing or
        damaged are only reported by ``status``: events flow without them, and they are taken up when they come.
        """
        made = cls(geoip, lists, projects, remembered)
        for followed in (made._lists, made._projects):
            error = followed.reload() if followed is not None else None
            if error is not None:
                raise error
        made.refresh()
        return made

    def refresh(self) -> bool:
        """Take up changed files; True when something changed. Reads in the caller's thread."""
        self.reload()
        return self.adopt()

    def reload(self) -> None:
        """Read changed files without using them yet; slow, for any thread, one call at a time."""
        for geo in self._geoip:
            geo.reload()
        if self._projects is not None:
            self._projects.reload()
        if self._lists is not None:
            self._lists.reload()
            self._next_listed = self._relisted(self._lists.newest or {}, self._lists.path.parent)
            for _, followed in self._next_listed.values():
                followed.reload()

    def adopt(self) -> bool:
        """Use what ``reload`` read; fast, for the thread that uses the tables. True when something changed."""
        before = [geo.current for geo in self._geoip]
        geo_changed = bool(sum(geo.adopt() for geo in self._geoip))  # all of them, not up to the first
        if geo_changed:
            self._files = [geo.current.value for geo in self._geoip if geo.current is not None]
            for old in before:
                if old is not None and old.value not in self._files:
                    old.value.close()
        lists_changed = self._adopt_lists()
        if geo_changed or lists_changed:
            self.addresses.forget()
            self._places.forget()
        projects_changed = self._projects is not None and self._projects.adopt()
        if projects_changed and self._projects is not None:
            self.accounts.replace(self._projects.newest or {})
        return geo_changed or lists_changed or projects_changed

    @property
    def missing(self) -> frozenset[str]:
        """Kinds of files that are configured but of which at least one has never been read: geoip, threat_list."""
        return frozenset(status.kind for status in self.status() if status.built is None)

    def status(self) -> list[SourceStatus]:
        """One entry for each file."""
        found = [_status(geo) for geo in self._geoip]
        if self._projects is not None:
            found.append(_status(self._projects))
        if self._lists is not None:
            found.append(_status(self._lists))
        found.extend(_status(followed) for _, followed in self._listed.values())
        return found

    def _adopt_lists(self) -> bool:
        if self._lists is None:
            return False
        changed = self._lists.adopt()
        self._listed = self._next_listed
        changed = bool(sum(followed.adopt() for _, followed in self._listed.values())) or changed
        if changed:
            lists = (followed.newest for _, followed in self._listed.values())
            self._threats = ThreatLists([each for each in lists if each is not None])
            self.domain_threats.forget()
            self.hash_threats.forget()
        return changed

    def _relisted(self, wanted: dict[str, ListFile], folder: Path) -> dict[str, Listed]:
        listed = {}
        for name, file in wanted.items():
            known = self._listed.get(name)
            if known is not None and known[0] == file:
                listed[name] = known
            else:
                read = partial(_read_list, name, file)
                listed[name] = (file, Followed("threat_list", folder / file.path, read, (ValueError, csv.Error)))
        return listed

    def _address(self, text: str) -> Address | None:
        packed = pack(text)
        if packed is None:
            return None
        spelled = spell(packed)
        public = is_public(packed)
        # Many addresses are in one place: the tables hold its text once.
        fragment = self._places[geo_fragment(spelled, self._files, self._failed)] if public else ""
        threat = self._threats.address(packed, spelled)
        return Address(spelled, fragment, packed, 4 if len(packed) == 4 else 6, public, threat)

    def _domain_threat(self, name: str) -> str:
        return self._threats.domain(name)

    def _hash_threat(self, text: str) -> str:
        return self._threats.file_hash(text)

    def _failed(self, file: GeoFile, error: Exception) -> None:
        self.failed_look_ups += 1
        for geo in self._geoip:
            if geo.current is not None and geo.current.value is file:
                geo.error = f"damaged: {str(error)[:300]}"


def _status(followed: Followed[Any]) -> SourceStatus:
    current = followed.current
    return SourceStatus(
        followed.kind,
        str(followed.path),
        None if current is None else current.built,
        None if current is None else current.entries,
        followed.error,
    )


def _modified(path: Path) -> int:
    return int(path.stat().st_mtime)


def _read_geo(path: Path) -> Read[GeoFile]:
    file = GeoFile(path)
    return Read(file, file.built)


def _read_lists(path: Path) -> Read[dict[str, ListFile]]:
    return Read(read_lists(path), _modified(path))


def _read_list(name: str, file: ListFile, path: Path) -> Read[ThreatList]:
    found, complaint = load_list(name, file, path)
    return Read(found, _modified(path), len(found), complaint)


def _read_projects(path: Path) -> Read[dict[str, Project]]:
    return Read(read_projects(path), _modified(path))
