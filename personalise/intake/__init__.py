"""Intake: read applications and encrypted packages of them."""
