"""Measurements against other systems and the machine: `make bench` runs all; README.md says how to read them."""
