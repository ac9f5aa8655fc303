"""What every test shares: slowness is no failure (`timeout` in pyproject.toml ends a hang)."""

from hypothesis import settings

settings.register_profile("chipseal", deadline=None)
settings.load_profile("chipseal")
