"""Device tests insert cards into virtual readers of a real pcscd."""

from tests.device.private_pcscd import private_pcscd
from tests.readers import claims, insert, reader, virtual_readers

__all__ = ["claims", "insert", "private_pcscd", "reader", "virtual_readers"]
