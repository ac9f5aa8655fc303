"""The trust store: certificates and lists that an inspection relies on, and their import."""
