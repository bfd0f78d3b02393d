"""Small MMDB files, as their publishers lay them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet

TROMSO = {
    "city": {"geoname_id": 1, "names": {"de": "Tromsø", "en": "Tromso"}},
    "continent": {"code": "EU", "geoname_id": 2, "names": {"en": "Europe"}},
    "country": {"iso_code": "NO", "geoname_id": 3, "names": {"en": "Norway"}},
    "location": {"accuracy_radius": 20, "latitude": 69.6489, "longitude": 18.9551, "time_zone": "Europe/Oslo"},
    "postal": {"code": "9008"},
    "subdivisions": [{"iso_code": "55", "names": {"en": "Troms"}}],
}
"""A row of GeoLite2-City."""

TROMSO_FLAT = {
    "country_code": "NO", "state1": "Troms", "state2": "", "city": "Tromso", "postcode": "9008", "latitude": 69.6489,
    "longitude": 18.9551, "timezone": "Europe/Oslo",
}  # fmt: skip
"""The same row of ip-location-db's city databases."""

CARRIER = {"autonomous_system_number": 64500, "autonomous_system_organization": 'Carrier "North" AS'}


def write(path: Path, database_type: str, rows: dict[str, dict[str, Any]], ip_version: int = 6) -> Path:
    """Write networks → rows as an MMDB file."""
    writer = MMDBWriter(ip_version=ip_version, ipv4_compatible=ip_version == 6, database_type=database_type, languages=["en"])
    for network, row in rows.items():
        writer.insert_network(IPSet([network]), row)
    writer.to_db_file(str(path))
    return path


def city(path: Path) -> Path:
    """GeoLite2-City with two documentation networks in Tromsø."""
    return write(path, "GeoLite2-City", {"203.0.113.0/24": TROMSO, "2001:db8:1::/48": TROMSO})


def asn(path: Path) -> Path:
    """GeoLite2-ASN with one documentation network."""
    return write(path, "GeoLite2-ASN", {"203.0.113.0/25": CARRIER})
