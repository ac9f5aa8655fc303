"""Specimen applications: holders nobody is, with portraits and fingerprints nobody has."""
