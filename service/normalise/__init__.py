"""Fields → ECS: time, move, set, first, translate, classify, step, related; compiled, never interpreted."""
