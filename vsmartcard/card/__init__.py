"""Cards that a reader can hold: a stored chip, layers over it, and clones."""
