"""Faults of cards and readers, for tests: composable, reproducible, from Python and as text."""
