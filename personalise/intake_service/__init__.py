"""Intake over HTTPS: packages from case-working systems, and how far their applications are."""
