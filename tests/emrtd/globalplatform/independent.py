"""SCP03 and KDF3 written a second time, with another library than the product's (pycryptodome).

Nothing here imports `emrtd`: keys and messages are octets, and APDUs are put together by hand.
"""

from Crypto.Cipher import AES
from Crypto.Hash import CMAC


def cmac(key: bytes, *parts: bytes) -> bytes:
    mac = CMAC.new(key, ciphermod=AES)
    for part in parts:
        mac.update(part)
    return mac.digest()


def kdf(key: bytes, constant: int, bits: int, context: bytes) -> bytes:
    """Amendment D, 4.1.5."""
    derived = b""
    counter = 0
    while len(derived) * 8 < bits:
        counter += 1
        label = b"\x00" * 11 + bytes([constant])
        derived += cmac(key, label, b"\x00", bits.to_bytes(2, "big"), bytes([counter]), context)
    return derived[: bits // 8]


def kdf3(master: bytes, number: int, diversification_data: bytes) -> bytes:
    label = bytes([0, 0, 0, number])
    blocks = [cmac(master, bytes([i]), label, b"\x00", diversification_data) for i in (1, 2)]
    return (blocks[0] + blocks[1])[: len(master)]


def key_check_value(key: bytes) -> bytes:
    return AES.new(key, AES.MODE_ECB).encrypt(b"\x01" * 16)[:3]


def encrypt_key(dek: bytes, padded: bytes) -> bytes:
    return AES.new(dek, AES.MODE_CBC, iv=b"\x00" * 16).encrypt(padded)


class Session:
    """A session of SCP03 seen from outside: makes what each side has to send."""

    def __init__(
        self, key_enc: bytes, key_mac: bytes, host: bytes, card: bytes, level: int
    ) -> None:
        self.mac_size = len(host)
        self.level = level
        bits = len(key_enc) * 8
        self.s_enc = kdf(key_enc, 4, bits, host + card)
        self.s_mac = kdf(key_mac, 6, bits, host + card)
        self.s_rmac = kdf(key_mac, 7, bits, host + card)
        self.card_cryptogram = kdf(self.s_mac, 0, self.mac_size * 8, host + card)
        self.host_cryptogram = kdf(self.s_mac, 1, self.mac_size * 8, host + card)
        self.chain = b"\x00" * 16
        self.counter = 0

    def external_authenticate(self, p2: int = 0x00) -> bytes:
        head = bytes([0x84, 0x82, self.level, p2, 2 * self.mac_size]) + self.host_cryptogram
        self.chain = cmac(self.s_mac, self.chain, head)
        return head + self.chain[: self.mac_size]

    def command(self, header: bytes, data: bytes, ne: int | None, *, long: bool = False) -> bytes:
        """Protect a command of class 80 or 00; `long` if it has extended length anyway."""
        self.counter += 1
        if data and self.level & 0x02:
            data = self.encrypted(0x00, self._pad(data))
        return self.command_with_mac(header, data, ne, long=long)

    def command_with_mac(
        self, header: bytes, data: bytes, ne: int | None, *, long: bool = False
    ) -> bytes:
        """Authenticate a command whose data is encrypted already."""
        size = len(data) + self.mac_size
        long = long or size > 255 or (ne or 0) > 256
        lc = b"\x00" + size.to_bytes(2, "big") if long else bytes([size])
        message = bytes([header[0] + 4]) + header[1:] + lc + data
        self.chain = cmac(self.s_mac, self.chain, message)
        le = b"" if ne is None else (ne % 65536).to_bytes(2, "big") if long else bytes([ne % 256])
        return message + self.chain[: self.mac_size] + le

    def response(self, data: bytes, sw: int) -> bytes:
        """Protect the response to the last command."""
        status = sw.to_bytes(2, "big")
        if not self.level & 0x10:
            return data + status
        if sw != 0x9000 and sw >> 8 not in {0x62, 0x63}:
            return status
        if data and self.level & 0x20:
            data = self.encrypted(0x80, self._pad(data))
        return self.response_with_mac(data, sw)

    def response_with_mac(self, data: bytes, sw: int) -> bytes:
        """Authenticate a response whose data is encrypted already."""
        status = sw.to_bytes(2, "big")
        return data + cmac(self.s_rmac, self.chain, data, status)[: self.mac_size] + status

    def encrypted(self, first: int, blocks: bytes) -> bytes:
        """Encrypt whole blocks; `first` is the first octet of the counter block."""
        block = bytes([first]) + self.counter.to_bytes(15, "big")
        icv = AES.new(self.s_enc, AES.MODE_ECB).encrypt(block)
        return AES.new(self.s_enc, AES.MODE_CBC, iv=icv).encrypt(blocks)

    @staticmethod
    def _pad(data: bytes) -> bytes:
        return data + b"\x80" + b"\x00" * (15 - len(data) % 16)
