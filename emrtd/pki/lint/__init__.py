"""The linter: certificates and CRLs against the profiles of Doc 9303-12, 7."""
