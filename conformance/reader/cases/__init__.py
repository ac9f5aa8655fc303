"""The cases of TR-03105-5.1, a module for each group of units."""
