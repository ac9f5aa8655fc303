"""Kinds of cards: one module for each set of commands that personalises a card."""
