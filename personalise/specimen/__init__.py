"""Specimen applications: invented holders, with synthetic portraits and fingerprints."""
