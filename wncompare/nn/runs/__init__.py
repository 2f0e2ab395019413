"""One run in a worker, from its place in the plan to its record."""
