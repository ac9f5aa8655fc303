"""The images of eMRTDs: identified, measured, converted to PNG, and fitted to a profile."""

from emrtd.biometrics.images.headers import ImageFormat, ImageHeader, identify, sniff

__all__ = ["ImageFormat", "ImageHeader", "identify", "sniff"]
