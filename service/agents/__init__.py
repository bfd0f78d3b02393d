"""Faust, and nothing but Faust: the only package that imports it."""
