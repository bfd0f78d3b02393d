"""GeoIP and ASN databases: MMDB files of several publishers, as ECS fragments."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import maxminddb

from service.enrich.countries import CONTINENTS, COUNTRIES
from service.enrich.fragments import members

Kind = Literal["geo", "as"]
Row = Mapping[str, object]

UNREADABLE = (OSError, ValueError, maxminddb.InvalidDatabaseError)


class GeoFile:
    """One open database; ``fragment`` says what it knows of an address."""

    def __init__(self, path: Path) -> None:
        """Open a private copy of ``path``: a file overwritten in place must not change, or vanish, under the mapping.

        Raises OSError, ValueError or maxminddb.InvalidDatabaseError when it is not a database we can read.
        """
        self._reader = _open(path)
        metadata = self._reader.metadata()
        self.database_type = metadata.database_type
        self.built = int(metadata.build_epoch)
        """When its publisher built it, seconds since the epoch."""
        self.six = metadata.ip_version == 6
        self.kinds = _kinds(metadata.database_type)

    def members(self, text: str) -> dict[str, dict[str, object]]:
        """``geo`` and ``as`` objects for an address, each only when known; raises what UNREADABLE names."""
        if not self.six and ":" in text:
            return {}
        row = self._reader.get(text)
        if not isinstance(row, dict):
            return {}
        found: dict[str, dict[str, object]] = {}
        if "geo" in self.kinds and (geo := geo_of(row)):
            found["geo"] = geo
        if "as" in self.kinds and (system := as_of(row)):
            found["as"] = system
        return found

    def close(self) -> None:
        """Give the mapping back."""
        self._reader.close()


def _open(path: Path) -> maxminddb.Reader:
    with path.open("rb") as source:
        try:
            copy = tempfile.NamedTemporaryFile(prefix="siem-geo-", suffix=".mmdb")  # noqa: SIM115 - entered below
        except OSError:  # nowhere to write: better the file itself than no locations
            return maxminddb.open_database(path, maxminddb.MODE_AUTO)
        with copy:  # its name goes away here, its bytes stay as long as they are mapped
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            return maxminddb.open_database(copy.name, maxminddb.MODE_AUTO)


def _kinds(database_type: str) -> frozenset[Kind]:
    """What a database may know, by its own name; one whose name says nothing is asked for both."""
    name = database_type.lower()
    if "asn" in name and not any(word in name for word in ("city", "country", "location", "enterprise")):
        return frozenset({"as"})
    if any(word in name for word in ("city", "country", "location")) and "asn" not in name:
        return frozenset({"geo"})
    return frozenset({"geo", "as"})


def _text(value: object) -> str | None:
    """A string that says something, else None."""
    return value if isinstance(value, str) and value else None


def _name(value: object) -> str | None:
    """The English name out of ``{"names": {"en": …}}``, else any, else the plain text."""
    if isinstance(value, dict):
        names = value.get("names")
        if isinstance(names, dict) and names:
            return _text(names.get("en")) or _text(next(iter(names.values())))
        return None
    return _text(value)


def _coordinate(value: object, limit: float) -> float | None:
    """A latitude or longitude, also when written as text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, (int, float)) and -limit <= value <= limit:
        # A tenth of an arc second, ten metres: databases that keep 32-bit floats know no more.
        return round(float(value), 4)
    return None


def geo_of(row: Row) -> dict[str, object]:
    """ECS ``geo`` of a row, in MaxMind's and DB-IP's nested layout or the flat one (``country_code``, ``state1`` …)."""
    country = row.get("country") or row.get("registered_country")
    nested = isinstance(country, dict)
    iso = _text(country.get("iso_code")) if isinstance(country, dict) else _text(row.get("country_code"))
    continent = row.get("continent")
    known_country, known_continent = COUNTRIES.get(iso or "", (None, None))
    code = (_text(continent.get("code")) if isinstance(continent, dict) else None) or known_continent
    location = row.get("location") if nested or "location" in row else row
    place = location if isinstance(location, dict) else {}
    divisions = row.get("subdivisions")
    region = divisions[0] if isinstance(divisions, list) and divisions else row.get("state1")
    region_iso = _text(region.get("iso_code")) if isinstance(region, dict) else None
    postal = row.get("postal")
    lat = _coordinate(place.get("latitude"), 90.0)
    lon = _coordinate(place.get("longitude"), 180.0)
    known: dict[str, object | None] = {
        "city_name": _name(row.get("city")),
        "continent_code": code,
        "continent_name": _name(continent) or CONTINENTS.get(code or ""),
        "country_iso_code": iso,
        "country_name": _name(country) or _text(row.get("country_name")) or known_country,
        "location": None if lat is None or lon is None else {"lat": lat, "lon": lon},
        "postal_code": _text(postal.get("code")) if isinstance(postal, dict) else _text(row.get("postcode")),
        "region_iso_code": f"{iso}-{region_iso}" if iso and region_iso else None,
        "region_name": _name(region),
        "timezone": _text(place.get("time_zone")) or _text(row.get("timezone")),
    }
    return {name: value for name, value in known.items() if value is not None}


def as_of(row: Row) -> dict[str, object]:
    """ECS ``as`` of a row: number and organization name."""
    number = row.get("autonomous_system_number", row.get("as_number"))
    if isinstance(number, str):
        number = int(number) if number.isascii() and number.isdigit() else None
    if not isinstance(number, int):
        return {}
    organization = _text(row.get("autonomous_system_organization")) or _text(row.get("as_organization"))
    return {"number": number} | ({"organization": {"name": organization}} if organization else {})


def fragment_of(text: str, files: list[GeoFile], failed: Callable[[GeoFile, Exception], None]) -> str:
    """``,"geo":{…},"as":{…}`` for an address; the first file to know a member wins; ``failed`` hears of broken ones."""
    found: dict[str, dict[str, object]] = {}
    for file in files:
        if file.kinds <= found.keys():
            continue
        try:
            known = file.members(text)
        except UNREADABLE as error:
            failed(file, error)
            continue
        for name, value in known.items():
            found.setdefault(name, value)
    return members(found)
