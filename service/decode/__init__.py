"""Bytes → raw events: compression, CloudWatch Logs, EventBridge, JSON however it is laid out, Parquet, tables, lines of text."""

from service.decode.limits import Limits
from service.decode.record import Decoded, decode_record, split
from service.decode.tables import Table, Tables
from service.decode.units import Broken, Run, Units

__all__ = ["Broken", "Decoded", "Limits", "Run", "Table", "Tables", "Units", "decode_record", "split"]
