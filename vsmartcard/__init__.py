"""A virtual eMRTD chip, and virtual readers for it."""
