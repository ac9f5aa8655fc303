"""The checks, one module a family; each is a pure function of the case."""
