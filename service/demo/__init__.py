"""What ``siem demo`` shows: three projects with realistic traffic of all datasets, an attack, and whether all of it arrived."""
