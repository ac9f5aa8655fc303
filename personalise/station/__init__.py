"""The personalisation station: writes LDS images to cards."""
