"""CMS: SignedData, and EnvelopedData (RFC 5652)."""
