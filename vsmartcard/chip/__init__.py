"""The virtual chip: `Chip.process(bytes) -> bytes`, without input, output or clock."""
