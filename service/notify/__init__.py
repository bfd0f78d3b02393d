"""Telling people and machines of alerts: text, ways out, and what becomes of what cannot be told."""
