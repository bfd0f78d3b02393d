"""Format drift: columns, keys and values that a pipeline does not know, counted by project and dataset."""
