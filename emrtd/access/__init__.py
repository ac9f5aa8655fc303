"""Chip access and authentication protocols of Doc 9303-11 and TR-03110, both roles."""
