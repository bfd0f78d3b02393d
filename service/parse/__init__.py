"""Text → raw fields: JSON, columns, patterns, named parse steps."""
