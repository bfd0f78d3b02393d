"""What a person sees while the demo runs, and at its end."""

from __future__ import annotations

from collections import deque
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from service.alerts.rule import FINDING
from service.demo.alarms import Alarms
from service.demo.sender import DEAD, SentLedger
from service.demo.verify import Verdict

_MOST_ALERTS = 40


class Screen:
    """The live picture: one row for each project and dataset, the attack as it unfolds, how far the show is."""

    def __init__(self, status_url: str) -> None:
        """``status_url`` is shown for people who want more."""
        self.status_url = status_url
        self.story: deque[str] = deque(maxlen=6)
        self.note = ""

    def picture(self, ledger: SentLedger, status: dict[str, Any], done: float) -> RenderableType:
        """The table of this moment; ``status`` is the service's status.json, {} while it does not answer."""
        table = Table(expand=True, header_style="bold", box=None, pad_edge=False)
        for name in ("project", "dataset"):
            table.add_column(name)
        for name in ("records", "events sent", "indexed", "dead letters", "behind"):
            table.add_column(name, justify="right")
        rows = {(f"{row['project']}-{row['environment']}", row["dataset"]): row for row in status.get("datasets", [])}
        last = ""
        for (project, dataset), sent in sorted(ledger.by_dataset().items()):
            row = rows.get((project, dataset), {})
            indexed = int(row.get("indexed", 0) + row.get("already_there", 0))
            dead = int(row.get("dead_lettered", 0))
            if dataset == DEAD:
                dead, indexed = int(sum(each["unrouted"] for each in status.get("streams", []) if _name(each) == project)), 0
            behind = row.get("behind_seconds")
            table.add_row(
                project if project != last else "", dataset, f"{ledger.records[project, dataset]:,}", f"{sent:,}",
                Text(f"{indexed:,}", style="green" if indexed >= sent else "yellow") if dataset != DEAD else "",
                f"{dead:,}" if dead else "", "" if behind is None else f"{behind:.1f} s",
            )  # fmt: skip
            last = project
        head = Text.assemble("status page ", (self.status_url, "cyan underline"), f"   {self.note}")
        story = Panel(
            "\n".join(self.story) or "all quiet", title="attack on pay-prod", border_style="red" if self.story else "dim"
        )
        bar = Table.grid(expand=True)
        bar.add_row(ProgressBar(total=1.0, completed=done))
        return Group(head, bar, table, story)


def _name(row: dict[str, Any]) -> str:
    return f"{row['project']}-{row['environment']}"


def summary(verdict: Verdict, alarms: Alarms, opensearch_url: str, status_url: str, *, restarts: int) -> RenderableType:
    """What is in OpenSearch now, what to look for in it, whether every event arrived exactly once, and the alerts."""
    table = Table(title="sent against found in OpenSearch", header_style="bold", box=None, pad_edge=False)
    table.add_column("project")
    table.add_column("dataset")
    for name in ("sent", "found", ""):
        table.add_column(name, justify="right")
    for key in sorted(verdict.sent | verdict.found):
        sent, found = verdict.sent[key], verdict.found[key]
        table.add_row(*key, f"{sent:,}", f"{found:,}", Text("=", style="green") if sent == found else Text("≠", style="bold red"))
    total = verdict.sent.total()
    word = (
        Text(f"{total:,} events sent, {verdict.found.total():,} found, every one exactly once.", style="bold green")
        if verdict.exact
        else Text(f"{total:,} events sent, {verdict.found.total():,} found: {verdict.missing:,} missing, {verdict.surplus:,} too many.",
                  style="bold red")
    )  # fmt: skip
    parts: list[RenderableType] = [table, word, *_timeline(alarms)]
    if restarts:
        parts.append(Text(f"The service was killed and started again {restarts} times."))
    parts += [
        Text("\nLook at it:", style="bold"),
        *(Text(f"  {line}", no_wrap=True, overflow="ignore") for line in _searches(opensearch_url, status_url)),
    ]
    return Group(*parts)


def _timeline(alarms: Alarms) -> list[RenderableType]:
    """The alerts as they came, and whether they are those that the script should raise."""
    table = Table(title="\nalerts, oldest first", header_style="bold", box=None, pad_edge=False)
    for name in ("when", "severity", "project", "rule", "who", "events"):
        table.add_column(name)
    colours = {"critical": "bold red", "high": "red", "medium": "yellow"}
    shown = [one for one in alarms.alerts if one["rule"]["id"] != FINDING or one["alert"]["severity"] in ("critical", "high")]
    for one in shown[:_MOST_ALERTS]:
        alert, project = one["alert"], one["project"]
        severity = str(alert["severity"])
        table.add_row(
            one["@timestamp"][11:19], Text(severity, style=colours.get(severity, "dim")),
            f"{project['id']}-{project['environment']}", Text(one["rule"]["name"]), Text(alert["principal"]["name"]), str(alert["count"]),
        )  # fmt: skip
    if alarms.exact:
        word = Text("The attack raised the alerts it should, and nothing else did.", style="bold green")
    else:
        said = [f"not raised: {name}" for name in alarms.missing] + [f"raised for nothing: {name}" for name in alarms.surplus]
        word = Text("; ".join(said), style="bold red")
    rest = len(alarms.alerts) - len(shown[:_MOST_ALERTS])
    return [table, *([Text(f"and {rest} more, everyday findings of GuardDuty among them", style="dim")] if rest else []), word]


def _searches(opensearch_url: str, status_url: str) -> list[str]:
    def search(index: str, query: str) -> str:
        return f"curl -s '{opensearch_url}/{index}/_search?q={query}&size=5&pretty'"

    return [
        f"status page    {status_url}",
        "the attacker   " + search("siem-*", "source.ip:198.51.100.66"),
        "trail stopped  " + search("siem-aws.cloudtrail", "event.action:StopLogging"),
        "rejected       " + search("siem-aws.vpcflow", "event.action:reject"),
        "alerts         " + search("siem-alerts-*", "alert.severity:critical"),
        "threat lists   " + search("siem-*", "threat.enrichments.indicator.provider:demo-attackers"),
        "dead letters   " + search("siem-dead-letters-*", "*"),
    ]
