"""Certificates, CMS, lists, card-verifiable certificates and path validation (Doc 9303-12)."""
