"""The chip's side of BAC, PACE, Chip, Active and Terminal Authentication."""
