"""The test cases of TR-03105-5.1, for inspection systems."""
