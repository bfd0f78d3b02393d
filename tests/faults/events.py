"""Events that say who they are: each carries (run, stream, n) where normalisation keeps it, and is a function of the seed.

So the oracle needs no file of payloads: from ``n`` it makes the event again and compares every byte.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass, field
from hashlib import blake2b

from service.demo.projects import iso

DATASETS = ("aws.cloudtrail", "aws.cloudwatch", "aws.vpcflow")
_MARK = re.compile(r"\b(?:eni|kf)-([0-9a-f]{8})([0-9a-f]{2})([0-9a-f]{8})")

Mark = tuple[int, int]
"""Stream number and n within the stream."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the events of one run; the time of event n is ``start_ms`` + n, and ``shifts`` away where that holds it."""

    seed: int
    start_ms: int
    shifts: dict[Mark, int] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """Eight hex digits that no other run has: documents of another run are strangers."""
        return blake2b(f"{self.seed}/{self.start_ms}".encode(), digest_size=4).hexdigest()

    def mark(self, stream: int, n: int) -> str:
        """What is written into the event."""
        return f"{self.run}{stream:02x}{n:08x}"

    def read(self, text: str) -> Mark | None:
        """The mark in an event's text; None when there is none of this run."""
        found = _MARK.search(text)
        return None if found is None or found[1] != self.run else (int(found[2], 16), int(found[3], 16))

    def text(self, dataset: str, account: str, stream: int, n: int) -> str:
        """The raw event; ``dataset`` decides its shape."""
        noise = blake2b(f"{self.seed}/{stream}/{n}".encode(), digest_size=16).digest()
        mark, now_ms = self.mark(stream, n), self.start_ms + n + self.shifts.get((stream, n), 0)
        match dataset:
            case "aws.vpcflow":
                action = "ACCEPT" if noise[0] & 1 else "REJECT"
                return (
                    f"2 {account} eni-{mark} 10.0.{noise[1]}.{noise[2]} 203.0.113.{noise[3]} {1024 + noise[4] * 64} 443 6 "
                    f"{1 + noise[5]} {40 + noise[6] * 1000} {now_ms // 1000 - 60} {now_ms // 1000} {action} OK"
                )
            case "aws.cloudtrail":
                event_id = f"{noise[:4].hex()}-{mark[:4]}-4{mark[4:7]}-8{mark[7:10]}-{mark[8:]}{noise[4:5].hex()}"
                return json.dumps(
                    {
                        "eventVersion": "1.11", "userIdentity": {"type": "IAMUser", "accountId": account, "userName": "alice"},
                        "eventTime": iso(now_ms), "eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances",
                        "awsRegion": "eu-west-1", "sourceIPAddress": f"198.51.100.{noise[3]}", "userAgent": "aws-cli/2.17.9",
                        "requestParameters": {"filter": noise.hex()}, "requestID": f"kf-{mark}", "eventID": event_id,
                        "readOnly": True, "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": account,
                        "eventCategory": "Management",
                    }
                )  # fmt: skip
            case _:
                return json.dumps({"level": "info", "message": f'order {noise.hex()} ☃ "paid"', "request_id": f"kf-{mark}"})

    def record(self, dataset: str, account: str, stream: int, first: int, count: int) -> bytes:
        """A Kinesis record with the events ``first`` … as this log travels: envelope, lines, or one object after another."""
        texts = [self.text(dataset, account, stream, first + k) for k in range(count)]
        if dataset == "aws.cloudwatch":
            return self.envelope(account, "/app/shop/orders", texts, stream, first)
        return "\n".join(texts).encode()

    def envelope(self, account: str, group: str, texts: list[str], stream: int, first: int) -> bytes:
        """What a CloudWatch Logs subscription filter delivers."""
        message = {
            "messageType": "DATA_MESSAGE", "owner": account, "logGroup": group, "logStream": "container/web/0123",
            "subscriptionFilters": ["siem"],
            "logEvents": [
                {"id": f"{stream:02d}{first:027d}{k:027d}", "timestamp": self.start_ms + first + k, "message": text}
                for k, text in enumerate(texts)
            ],
        }  # fmt: skip
        return packed(json.dumps(message, ensure_ascii=False).encode())


def packed(data: bytes) -> bytes:
    """gzip."""
    packer = zlib.compressobj(level=1, wbits=31)
    return packer.compress(data) + packer.flush()
