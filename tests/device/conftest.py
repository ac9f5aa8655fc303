"""Device tests put cards into virtual readers of a real pcscd."""

from tests.readers import insert, virtual_readers

__all__ = ["insert", "virtual_readers"]
