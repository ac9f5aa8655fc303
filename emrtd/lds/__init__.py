"""The Logical Data Structure of Doc 9303-10: its files, and what is in each."""
