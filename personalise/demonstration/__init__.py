"""The demonstration `personalise demo`: issue documents and inspect them."""
