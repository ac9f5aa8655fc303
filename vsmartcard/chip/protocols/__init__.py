"""BAC, PACE, Chip, Active and Terminal Authentication: the side of the chip."""
