"""Device tests put cards into virtual readers of a real pcscd."""

from tests.readers import claims, insert, reader, virtual_readers

__all__ = ["claims", "insert", "reader", "virtual_readers"]
