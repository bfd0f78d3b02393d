"""The product without servers: ``siem parse``, ``siem test``, ``siem explain`` and every test play input through this."""
