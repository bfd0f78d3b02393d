"""``siem replay``: what was read before, once more through today's pipelines: dead letters, a time range, files."""

from __future__ import annotations

import importlib
from typing import ClassVar

import click

_DEFAULT = "dead-letters"


class Sources(click.Group):
    """What can be replayed, imported when called; without a word it is the dead letters."""

    modules: ClassVar[dict[str, str]] = {"dead-letters": "replay_letters", "stream": "replay_stream", "files": "replay_files"}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every source."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The source's command, or None when there is no such source."""
        if cmd_name not in self.modules:
            return None
        command = importlib.import_module(f"service.cli.{self.modules[cmd_name]}").command
        assert isinstance(command, click.Command), "a source's module holds one click command"  # noqa: S101 - our own modules, not input
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options without a source are those of the dead letters."""
        if not args or (args[0].startswith("-") and not set(args) & set(ctx.help_option_names)):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=Sources)
def command() -> None:
    """Send what was read before through today's pipelines once more.

    Ids and indices are functions of the event: what is there already stays as it is, what is missing is added, and doing it
    twice changes nothing. ``siem replay`` alone replays dead letters.
    """
