"""Password Authenticated Connection Establishment (Doc 9303-11, 4.4; TR-03110-2, 3.2)."""
