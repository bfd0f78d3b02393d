"""Documents leave: into OpenSearch, and what cannot be used among the dead letters."""
