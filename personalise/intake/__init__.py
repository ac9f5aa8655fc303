"""Intake: encrypted packages of applications."""
