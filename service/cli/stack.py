"""``siem stack``: a local stack that stays up between commands."""

from __future__ import annotations

import click
import msgspec

from service.local import shared


@click.command()
@click.argument("action", type=click.Choice(["up", "down", "status"]))
def command(action: str) -> None:
    """Start, stop or show the shared local stack; its endpoints as JSON."""
    if action == "down":
        click.echo("stopped" if shared.down() else "none is up")
        return
    endpoints = shared.up() if action == "up" else shared.running()
    if endpoints is None:
        raise click.ClickException("none is up; start it with: siem stack up")
    click.echo(msgspec.json.format(msgspec.json.encode(endpoints)).decode())
