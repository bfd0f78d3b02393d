"""``siem``: the command line."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

from service import early

if sys.argv[1:2] in (["run"], ["forward"]):
    early.listen()  # before what takes a second: a container may be told to stop at once

import click

from service.cli import VERBS

# pydantic looks through every installed distribution for plugins, which costs more than reading a pipeline.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
early.calm()


class Verbs(click.Group):
    """A group that imports a verb's module only when that verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs that are installed, in the order of ``VERBS``."""
        return [verb for verb in VERBS if importlib.util.find_spec(_module(verb)) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The verb's click command, or None when there is no such verb."""
        if cmd_name not in VERBS or importlib.util.find_spec(_module(cmd_name)) is None:
            return None
        command = importlib.import_module(_module(cmd_name)).command
        assert isinstance(command, click.Command), "a verb's module holds one click command"  # noqa: S101 - our own modules, not input
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            verbs = self.list_commands(ctx)
            formatter.write_dl([(verb, VERBS[verb]) for verb in verbs] or [("-", "none is installed")])


def _module(verb: str) -> str:
    return f"service.cli.{verb.replace('-', '_')}"


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="kinesiem")
def main() -> None:
    """AWS security logs of many accounts, from Kinesis into OpenSearch."""


if __name__ == "__main__":
    sys.exit(main())
