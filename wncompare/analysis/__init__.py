"""Runs in, numbers out: every number that a figure, a page or a table shows is computed here, once."""
