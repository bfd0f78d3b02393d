"""The pipeline language: schema, loading, and the compiler to straight-line Python."""
