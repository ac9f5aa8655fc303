"""ASN.1: DER writer and reader, lenient BER reader, and the structures of X.509 and CMS."""
