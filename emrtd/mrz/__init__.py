"""The machine readable zone of Doc 9303-3 to -6."""
