"""What stands above the three actors: the common command line."""
