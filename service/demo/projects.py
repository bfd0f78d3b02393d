"""The three projects that the demo plays: who they are, what they own. All of it from documentation ranges."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random


@dataclass(frozen=True, slots=True)
class DemoProject:
    """One project and environment with its account, people, machines and stream."""

    id: str
    environment: str
    account: str
    region: str
    owner: str
    stream: str
    share: float
    """Its part of the traffic."""
    vpc: str
    people: tuple[str, ...]
    roles: tuple[str, ...]
    hosts: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """``shop-prod``."""
        return f"{self.id}-{self.environment}"


PROJECTS = (
    DemoProject(
        "shop", "prod", "111122223333", "eu-west-1", "shop-team@example.com", "shop-prod-security", 0.5, "vpc-0a1b2c3d4e5f60001",
        ("alice", "bob", "deploy-bot"), ("web-frontend", "order-worker", "ci-deploy"), ("web-1", "web-2", "orders-1"),
    ),
    DemoProject(
        "shop", "nonprod", "123456789012", "eu-west-1", "shop-team@example.com", "shop-nonprod-security", 0.2, "vpc-0a1b2c3d4e5f60002",
        ("alice", "carol", "tester"), ("web-frontend", "sandbox"), ("dev-1",),
    ),
    DemoProject(
        "pay", "prod", "444455556666", "eu-central-1", "payments@example.com", "pay-prod-security", 0.3, "vpc-0a1b2c3d4e5f60003",
        ("dave", "erin", "settlement-bot"), ("ledger-api", "fraud-scoring"), ("ledger-1", "ledger-2"),
    ),
)  # fmt: skip

ATTACKER = "198.51.100.66"
VISITORS = ("203.0.113.", "198.51.100.", "2001:db8:1::", "192.0.2.")
"""Documentation networks the public side comes from; ``places.mmdb`` knows where each of them is."""
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari/604.1",
    "curl/8.5.0",
)
SDKS = (
    "aws-cli/2.17.9 md/awscrt#0.20.11 ua/2.0 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.8",
    "Boto3/1.35.10 md/Botocore#1.35.10 ua/2.0 os/linux#5.10 md/arch#x86_64 lang/python#3.11",
    "aws-sdk-go-v2/1.30.4 os/linux lang/go#1.23.1",
    "console.amazonaws.com",
)


def visitor(rng: Random) -> str:
    """An address from outside, never the attacker's: everyday traffic raises no alert about it."""
    address = f"{rng.choice(VISITORS)}{rng.randrange(1, 250)}"
    return address if address != ATTACKER else "198.51.100.67"


def inside(rng: Random) -> str:
    """An address inside a VPC."""
    return f"10.0.{rng.randrange(8)}.{rng.randrange(4, 250)}"


def identifier(rng: Random, digits: int = 17) -> str:
    """Hex digits as AWS puts them behind a resource's prefix."""
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def uuid(rng: Random) -> str:
    """A random UUID from the demo's own generator, so that a seed repeats a run."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def iso(now_ms: int, *, milliseconds: bool = False) -> str:
    """ISO 8601 in UTC."""
    when = datetime.fromtimestamp(now_ms / 1000, UTC)
    return when.isoformat(timespec="milliseconds" if milliseconds else "seconds").replace("+00:00", "Z")
