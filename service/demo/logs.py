"""One raw event of each of the other datasets, as every day brings them."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from service.demo.api_calls import api_call
from service.demo.projects import AGENTS, DemoProject, identifier, inside, iso, uuid, visitor

_PATHS = ("/", "/cart", "/cart/item?id=7", "/login", "/api/v1/orders", "/img/logo.png", "/checkout?step=2", "/search?q=boots")
_NAMES = ("www.example.com.", "api.example.net.", "s3.eu-west-1.amazonaws.com.", "updates.example.org.", "db.internal.example.")
_MESSAGES = (
    "order accepted",
    "cache refreshed",
    "payment captured",
    "slow query: 812 ms",
    "retrying upstream",
    "session expired",
)


def flow(rng: Random, project: DemoProject, now_ms: int) -> str:
    """A default-format flow record; one in eight is refused."""
    rejected = rng.random() < 0.12
    port = rng.choice((443, 443, 443, 80, 5432, 6379)) if not rejected else rng.choice((22, 23, 3389, 445, 8080))
    packets, now = rng.randrange(1, 400), now_ms // 1000
    source, target = (visitor(rng), inside(rng)) if rng.random() < 0.6 else (inside(rng), inside(rng))
    verdict = "REJECT" if rejected else "ACCEPT"
    return (
        f"2 {project.account} eni-0{identifier(rng, 16)} {source} {target} {rng.randrange(1024, 65535)} {port} 6 "
        f"{packets} {packets * rng.randrange(60, 1400)} {now - 60} {now} {verdict} OK"
    )


def query(rng: Random, project: DemoProject, now_ms: int) -> str:
    """A DNS query that the Resolver answered."""
    name, failed = rng.choice(_NAMES), rng.random() < 0.05
    made = {
        "version": "1.100000", "account_id": project.account, "region": project.region, "vpc_id": project.vpc,
        "query_timestamp": iso(now_ms), "query_name": name, "query_type": rng.choice(("A", "A", "AAAA")), "query_class": "IN",
        "rcode": "NXDOMAIN" if failed else "NOERROR",
        "answers": [] if failed else [{"Rdata": visitor(rng), "Type": "A", "Class": "IN"}],
        "srcaddr": inside(rng), "srcport": str(rng.randrange(1024, 65535)), "transport": "UDP",
        "srcids": {"instance": f"i-0{identifier(rng, 16)}"},
    }  # fmt: skip
    return json.dumps(made, separators=(",", ":"))


def request(rng: Random, project: DemoProject, now_ms: int) -> str:
    """A request that went through the load balancer."""
    status = rng.choice((200, 200, 200, 200, 302, 304, 404, 500, 503))
    target = f"{inside(rng)}:8443"
    host = f"{project.id}.example.com"
    return (
        f"https {iso(now_ms, milliseconds=True)[:-1]}123Z app/{project.name}/4c1d7e90ab35f268 {_with_port(visitor(rng))}:"
        f"{rng.randrange(1024, 65535)} {target} 0.001 0.0{rng.randrange(10, 99)} 0.000 {status} {status} {rng.randrange(90, 900)} "
        f'{rng.randrange(200, 90000)} "GET https://{host}:443{rng.choice(_PATHS)} HTTP/2.0" "{rng.choice(AGENTS)}" '
        f"TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:{project.region}:{project.account}:targetgroup/web/9b20fd6371ce84a5 "
        f'"Root=1-{identifier(rng, 8)}-{identifier(rng, 24)}" "{host}" "session-reused" 1 {iso(now_ms, milliseconds=True)[:-1]}000Z '
        f'"forward" "-" "-" "{target}" "{status}" "-" "-" TID_{identifier(rng, 16)}'
    )


def _with_port(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def audit(rng: Random, project: DemoProject, now_ms: int) -> str:
    """A call on the Kubernetes API."""
    verb, resource = rng.choice(
        (("get", "pods"), ("list", "pods"), ("watch", "endpoints"), ("create", "events"), ("get", "configmaps"))
    )
    account = f"system:serviceaccount:{project.id}:{rng.choice(project.roles)}"
    made = {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": uuid(rng), "stage": "ResponseComplete",
        "requestURI": f"/api/v1/namespaces/{project.id}/{resource}", "verb": verb,
        "user": {"username": account, "uid": uuid(rng), "groups": ["system:serviceaccounts", "system:authenticated"]},
        "sourceIPs": [inside(rng)], "userAgent": "kube-probe/1.30",
        "objectRef": {"resource": resource, "namespace": project.id, "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": iso(now_ms, milliseconds=True), "stageTimestamp": iso(now_ms, milliseconds=True),
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    }  # fmt: skip
    return json.dumps(made, separators=(",", ":"))


def login(rng: Random, project: DemoProject, now_ms: int) -> str:
    """A line of /var/log/secure."""
    host, stamp, pid = rng.choice(project.hosts), iso(now_ms, milliseconds=True), rng.randrange(900, 30000)
    name = rng.choice(project.people)
    key = "ED25519 SHA256:uNiVztksCsDhcc0u9e8BrqXckvhQXKJPhqUZDwNfVgk"
    lines = (
        f"{stamp} {host} sshd[{pid}]: Accepted publickey for {name} from {visitor(rng)} port {rng.randrange(1024, 65535)} ssh2: {key}",
        f"{stamp} {host} sshd[{pid}]: Failed password for invalid user admin from {visitor(rng)} port {rng.randrange(1024, 65535)} ssh2",
        f"{stamp} {host} sudo[{pid}]: {name} : TTY=pts/0 ; PWD=/home/{name} ; USER=root ; COMMAND=/usr/bin/systemctl restart web",
        f"{stamp} {host} sshd[{pid}]: pam_unix(sshd:session): session opened for user {name} by (uid=0)",
    )
    return rng.choice(lines)


def application(rng: Random, project: DemoProject, now_ms: int) -> str:
    """A line of an application of the project, plain or JSON."""
    level = rng.choice(("INFO", "INFO", "INFO", "WARN", "ERROR"))
    if rng.random() < 0.5:
        return f"{iso(now_ms, milliseconds=True)} {level} [{rng.choice(project.roles)}] {rng.choice(_MESSAGES)} order={identifier(rng, 8)}"
    made = {
        "level": level.lower(),
        "message": rng.choice(_MESSAGES),
        "service": rng.choice(project.roles),
        "trace_id": identifier(rng, 32),
    }
    return json.dumps(made)


_FINDINGS = (
    ("Recon:EC2/PortProbeUnprotectedPort", 2.0, "An unprotected port is being probed."),
    ("UnauthorizedAccess:EC2/SSHBruteForce", 5.0, "SSH brute force attacks against an instance."),
)


def finding(rng: Random, project: DemoProject, now_ms: int) -> str:
    """A GuardDuty finding about an instance."""
    kind, severity, title = rng.choice(_FINDINGS)
    return finding_of(rng, project, now_ms, kind, severity, title, visitor(rng))


def finding_of(rng: Random, project: DemoProject, now_ms: int, kind: str, severity: float, title: str, source: str) -> str:
    """A finding of a given type, for the attack."""
    made = {
        "schemaVersion": "2.0", "accountId": project.account, "region": project.region, "partition": "aws", "id": identifier(rng, 32),
        "arn": f"arn:aws:guardduty:{project.region}:{project.account}:detector/1234/finding/{identifier(rng, 32)}", "type": kind,
        "resource": {
            "resourceType": "Instance",
            "instanceDetails": {
                "instanceId": f"i-0{identifier(rng, 16)}", "instanceType": "t3.micro", "launchTime": iso(now_ms - 86_400_000),
                "networkInterfaces": [{"networkInterfaceId": f"eni-0{identifier(rng, 16)}", "privateIpAddress": inside(rng),
                                       "vpcId": project.vpc, "subnetId": "subnet-0123"}],
            },
        },
        "service": {
            "serviceName": "guardduty", "detectorId": "1234", "count": 1, "archived": False,
            "action": {
                "actionType": "NETWORK_CONNECTION",
                "networkConnectionAction": {
                    "connectionDirection": "INBOUND", "protocol": "TCP", "blocked": False,
                    "localPortDetails": {"port": 22, "portName": "SSH"}, "remotePortDetails": {"port": 40_000, "portName": "Unknown"},
                    "remoteIpDetails": {"ipAddressV4": source if ":" not in source else "203.0.113.66"},
                },
            },
            "eventFirstSeen": iso(now_ms - 60_000), "eventLastSeen": iso(now_ms),
        },
        "severity": severity, "createdAt": iso(now_ms, milliseconds=True), "updatedAt": iso(now_ms, milliseconds=True),
        "title": title, "description": title,
    }  # fmt: skip
    return json.dumps(made, separators=(",", ":"))


EVENTS: dict[str, tuple[Callable[[Random, DemoProject, int], str], float]] = {
    "aws.cloudtrail": (api_call, 0.27),
    "aws.vpcflow": (flow, 0.3),
    "aws.alb": (request, 0.13),
    "aws.route53_resolver": (query, 0.12),
    "aws.eks_audit": (audit, 0.07),
    "system.auth": (login, 0.04),
    "aws.cloudwatch": (application, 0.06),
    "aws.guardduty": (finding, 0.01),
}
"""Dataset → what makes one raw event of it, and its part of the traffic."""
