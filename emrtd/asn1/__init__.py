"""ASN.1: a DER writer and reader of our own, and the lenient structures of X.509 and CMS."""
