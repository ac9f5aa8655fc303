"""X.509 certificates and CRLs of the profile of Doc 9303-12, read and written."""
