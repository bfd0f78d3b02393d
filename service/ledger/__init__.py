"""The ledger: what was read and what became of it, exact across crashes, redeliveries and replays."""
