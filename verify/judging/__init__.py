"""From evidence to a verdict; pure: no chip, no clock, no file."""
