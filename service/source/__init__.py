"""Bytes arrive: from Kinesis streams of many projects."""
