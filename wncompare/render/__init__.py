"""What an experiment found, for people and for scripts."""
