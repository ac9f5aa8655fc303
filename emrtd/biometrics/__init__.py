"""Biometric data blocks and the images in them."""
