"""Raw events find their dataset: by the facts of their slice, else by their content."""
