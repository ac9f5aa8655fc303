"""The personalisation station: write LDS images to cards."""
