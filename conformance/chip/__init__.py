"""The test cases of TR-03105-3.2, for chips."""
