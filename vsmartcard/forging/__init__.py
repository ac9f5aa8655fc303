"""Forgeries: a State of the forger's own, surgery on files, and the kinds of forgery."""
