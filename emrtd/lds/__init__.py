"""The Logical Data Structure of Doc 9303-10: its files and their content."""
