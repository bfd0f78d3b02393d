"""Replays: what was read before goes once more through Kafka and today's pipelines, behind live traffic, watched to the end."""
