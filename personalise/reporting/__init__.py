"""The monthly report of the service: what was signed, issued and rejected, and what is due."""
