"""The virtual chip: `Chip.process(bytes) -> bytes`, pure but for the randomness it is given."""
