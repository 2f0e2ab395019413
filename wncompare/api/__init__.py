"""The public Python: an experiment on a network in your own code, and what records say, without the command line."""
