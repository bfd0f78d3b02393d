"""Format drift of log files: what their pipelines do not know."""

from __future__ import annotations

from service.drift.finding import Finding, Owner, together
from service.drift.tally import Tally
from service.offline.play import Dead, Player


def drift_of(player: Player, inputs: list[bytes], dataset: str | None = None) -> tuple[list[Finding], int, int]:
    """The findings, the number of documents and that of dead letters. Raises ContentErrors for a pipeline that is wrong."""
    tally = Tally()
    documents = dead = 0
    for data in inputs:
        for played in player.play(data, dataset):
            if isinstance(played, Dead):
                dead += 1
                continue
            documents += len(played.documents)
            dead += len(played.dead)
            owner = Owner(played.slice.project, played.slice.environment, played.dataset)
            tally.hear(owner, player.pipeline(played.dataset).version, played.carried, player.now_ms)
    return together(tally.findings()), documents, dead
