"""Sigma rules over ECS documents; see README.md."""
