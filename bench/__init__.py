"""Benchmarks: each is a ratio to a physical or OpenSSL limit measured in the same run."""
