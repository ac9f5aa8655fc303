"""Data preparation: from an application to a signed LDS image."""
