"""Benchmarks: each a ratio to a physical or OpenSSL limit that is measured in the same run."""
