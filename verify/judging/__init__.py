"""Judge evidence: a pure function that uses no chip, no clock and no file."""
