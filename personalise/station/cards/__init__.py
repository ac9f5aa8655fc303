"""Kinds of cards, one module each: which commands personalise them."""
