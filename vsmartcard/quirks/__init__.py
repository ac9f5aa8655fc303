"""Genuine documents with the quirks of real ones, by their names, to test readers with."""
