"""Checks of everything people write: one function a rule, every finding with its place."""
