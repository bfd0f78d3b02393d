"""``places.mmdb``: where the demo's documentation networks pretend to be. ``python -m service.demo.places`` writes it anew.

Needs ``mmdb-writer`` of the development tools; the file is committed, since the demo runs without them.
"""

from __future__ import annotations

from pathlib import Path

PLACES: dict[str, tuple[str, str, str, str, float, float, int, str]] = {
    "192.0.2.0/25": ("IE", "Ireland", "Dublin", "EU", 53.35, -6.26, 64496, "Example Broadband"),
    "192.0.2.128/25": ("DE", "Germany", "Berlin", "EU", 52.52, 13.4, 64497, "Example Telekom"),
    "198.51.100.0/26": ("US", "United States", "Ashburn", "NA", 39.04, -77.49, 64498, "Example Hosting"),
    "198.51.100.64/26": ("BR", "Brazil", "São Paulo", "SA", -23.55, -46.63, 64499, "Bulletproof Example"),
    "198.51.100.128/25": ("IN", "India", "Mumbai", "AS", 19.08, 72.88, 64500, "Example Net India"),
    "203.0.113.0/25": ("FR", "France", "Paris", "EU", 48.86, 2.35, 64501, "Example Télécom"),
    "203.0.113.128/25": ("JP", "Japan", "Tokyo", "AS", 35.68, 139.69, 64502, "Example KK"),
    "2001:db8::/32": ("NL", "Netherlands", "Amsterdam", "EU", 52.37, 4.9, 64503, "Example IX"),
}
"""Network → country code, country, city, continent code, latitude, longitude, AS number and organisation."""
_CONTINENTS = {"EU": "Europe", "NA": "North America", "SA": "South America", "AS": "Asia"}


def write(path: Path) -> None:
    """Write the database in MaxMind's City layout, with the members of its ASN layout beside them."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    # Of a type that is called after cities, nobody would ask for networks.
    writer = MMDBWriter(
        6, "Documentation-Networks", languages=["en"], description="Documentation networks for siem demo", ipv4_compatible=True
    )
    for network, (code, country, city, continent, latitude, longitude, number, organisation) in PLACES.items():
        writer.insert_network(
            IPSet([network]),
            {
                "country": {"iso_code": code, "names": {"en": country}},
                "city": {"names": {"en": city}},
                "continent": {"code": continent, "names": {"en": _CONTINENTS[continent]}},
                "location": {"latitude": latitude, "longitude": longitude},
                "autonomous_system_number": number,
                "autonomous_system_organization": organisation,
            },
        )
    writer.to_db_file(str(path))


if __name__ == "__main__":
    write(Path(__file__).with_name("places.mmdb"))
