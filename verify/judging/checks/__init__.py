"""The checks, one module for each subject; each check is a pure function of the case."""
