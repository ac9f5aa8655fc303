"""The trust store: what an inspection rests on, and how it gets there."""
