"""Curves, domain parameters, key derivation, ciphers, MACs and signatures."""
