"""``siem new``: real lines in, a source folder out that passes ``siem check`` and ``siem test``."""
