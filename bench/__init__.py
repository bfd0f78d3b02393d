"""How fast it is: ``make bench``. Every number of docs/speed.md comes out of this package."""
