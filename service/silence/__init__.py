"""Which source fell silent: its rhythm, the verdict, the call that caused it. Pure; the judge in ``agents`` asks and tells."""
