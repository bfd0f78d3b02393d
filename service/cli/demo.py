"""``siem demo``: everything on this machine, to see it work."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from service.demo.show import Outcome


@click.command()
@click.option(
    "--exit",
    "leave",
    is_flag=True,
    help="End when the show is over; status 0: every event arrived exactly once, and the attack raised its alerts and no others.",
)
@click.option("--seconds", default=60.0, show_default=True, help="Length of the show.")
@click.option("--rate", default=400, show_default=True, help="Events a second, all projects together.")
@click.option("--workers", default=1, show_default=True, help="Processes of the service.")
@click.option("--seed", default=1, show_default=True, help="The same seed plays the same events.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Keep configuration, logs and data there.")
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON, no pictures.")
def command(*, leave: bool, seconds: float, rate: int, workers: int, seed: int, folder: Path | None, as_json: bool) -> None:
    """Real Kafka and OpenSearch on loopback, three projects, traffic of every dataset, a scripted attack, a live table.

    At the end: what is in OpenSearch, the timeline of alerts, searches to paste, and every event sent against every event
    found. Stays up until
    Ctrl-C. Kill the service while it runs (its pid is in the log): it comes back, and nothing is lost or doubled.
    """
    from rich.console import Console
    from rich.live import Live

    from service.clock import SystemClock
    from service.demo.screen import summary
    from service.demo.show import Options, Show
    from service.local.child import ServerFailed
    from service.local.download import PartMissing

    console = Console(stderr=as_json)
    live = Live(console=console, refresh_per_second=4, transient=True)

    async def after(outcome: Outcome) -> None:
        live.stop()
        if as_json:
            click.echo(json.dumps(_as_json(outcome)))
        else:
            # Nothing is cut off at the terminal's edge: the searches are there to be pasted.
            console.print(
                summary(outcome.verdict, outcome.alarms, outcome.opensearch_url, outcome.status_url, restarts=outcome.restarts),
                crop=False,
            )
        if not leave:
            console.print("\nEverything stays up until Ctrl-C.")
            await asyncio.Event().wait()

    def watch(picture: Any) -> None:
        if console.is_terminal and not as_json:
            if not live.is_started:
                live.start()
            live.update(picture)

    options = Options(rate=rate, seconds=seconds, workers=workers, seed=seed, folder=folder)
    show = Show(options, SystemClock(), lambda line: console.print(f"• {line}", style="dim"), watch)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            outcome = asyncio.run(show.run(after))
            sys.exit(0 if outcome.verdict.exact and outcome.alarms.exact else 1)
    except (ServerFailed, PartMissing, RuntimeError, ExceptionGroup) as error:
        raise click.ClickException("\n".join(_reasons(error))) from error
    finally:
        live.stop()


def _reasons(error: Exception) -> list[str]:
    """What went wrong, one line a cause: servers start side by side and may fail so."""
    if isinstance(error, ExceptionGroup):
        return [reason for each in error.exceptions for reason in _reasons(each)]
    return [str(error)]


def _as_json(outcome: Outcome) -> dict[str, Any]:
    verdict, alarms = outcome.verdict, outcome.alarms
    return {
        "exact": verdict.exact,
        "sent": verdict.sent.total(),
        "found": verdict.found.total(),
        "missing": verdict.missing,
        "surplus": verdict.surplus,
        "restarts": outcome.restarts,
        "alerts": {
            "raised": [{"rule": one["rule"]["name"], "severity": one["alert"]["severity"]} for one in alarms.alerts],
            "missing": alarms.missing,
            "surplus": alarms.surplus,
        },
        "by_dataset": [
            {"project": key[0], "dataset": key[1], "sent": verdict.sent[key], "found": verdict.found[key]}
            for key in sorted(verdict.sent | verdict.found)
        ],
        "folder": str(outcome.folder),
    }
