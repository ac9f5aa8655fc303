"""Reads EF.COM, EF.SOD and DG1 of the passport in a PC/SC reader, with pyscard.

    python read_chip.py READER DOCUMENT-NUMBER DATE-OF-BIRTH DATE-OF-EXPIRY        (dates: YYMMDD)

It opens the chip with PACE (Generic Mapping, AES-128, brainpoolP256r1) or else with Basic Access
Control, and prints name, size and SHA-256 of each file.  It is an example of a reader that is
tested with Chipseal, and does not judge what it reads.
"""

import hashlib
import hmac
import itertools
import secrets
import sys

from Crypto.Cipher import AES, DES, DES3
from Crypto.Hash import CMAC
from smartcard.System import readers

APPLICATION = bytes.fromhex("A0000002471001")
FILES = {"EF.COM": 0x011E, "EF.SOD": 0x011D, "DG1": 0x0101}
CARD_ACCESS = 0x011C
PACE_OID = bytes.fromhex("04007F00070202040202")  # id-PACE-ECDH-GM-AES-CBC-CMAC-128
LARGEST_READ = 0x70  # as much as the smallest buffers hold with secure messaging around it

# brainpoolP256r1 (RFC 5639, 3.4)
P = 0xA9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377
A = 0x7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9
B = 0x26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6
N = 0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7
G = (
    0x8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262,
    0x547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997,
)


class ReadingError(Exception):
    """The chip refused a command, or did not prove that it knows the keys."""


def der(tag, *parts):
    value = b"".join(parts)
    size = len(value)
    length = bytes([size]) if size < 0x80 else (
        bytes([0x81, size]) if size < 0x100 else bytes([0x82, size >> 8, size & 0xFF])
    )  # fmt: skip
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + value


def read_der(octets):
    """Split octets into data objects: pairs of tag and value."""
    found = []
    while octets:
        size, start = octets[1], 2
        if size > 0x80:
            start += size & 0x7F
            size = int.from_bytes(octets[2:start], "big")
        found.append((octets[0], octets[start : start + size]))
        octets = octets[start + size :]
    return found


def pad(octets, block):
    return octets + b"\x80" + bytes(-(len(octets) + 1) % block)


def unpad(octets):
    return octets.rstrip(b"\x00")[:-1]


def kdf(secret, counter):
    return hashlib.sha1(secret + counter.to_bytes(4, "big")).digest()[:16]


class TripleDes:
    block = 8

    def __init__(self, enc, mac):
        self.enc, self.mac_key = enc, mac

    def cbc(self, _ssc):
        return DES3.new(self.enc + self.enc[:8], DES3.MODE_CBC, bytes(8))

    def mac(self, octets):  # ISO/IEC 9797-1, algorithm 3
        one, other = (DES.new(key, DES.MODE_ECB) for key in (self.mac_key[:8], self.mac_key[8:]))
        last = DES.new(self.mac_key[:8], DES.MODE_CBC, bytes(8)).encrypt(octets)[-8:]
        return one.encrypt(other.decrypt(last))


class Aes:
    block = 16

    def __init__(self, enc, mac):
        self.enc, self.mac_key = enc, mac

    def cbc(self, ssc):
        return AES.new(self.enc, AES.MODE_CBC, AES.new(self.enc, AES.MODE_ECB).encrypt(ssc))

    def mac(self, octets):
        return CMAC.new(self.mac_key, octets, AES).digest()[:8]


class Chip:
    """A chip behind a function that sends a command and returns response and status word."""

    def __init__(self, transmit):
        self._transmit = transmit
        self._cipher = None
        self._ssc = 0

    def open_session(self, cipher, ssc):
        self._cipher, self._ssc = cipher, ssc

    def send(self, header, data=b"", le=None, *, accept=(0x9000,)):
        response, sw = self._exchange(header, data, le)
        if sw not in accept:
            raise ReadingError(f"{header.hex()}: the chip answered {sw:04X}")
        return response

    def _exchange(self, header, data, le):
        tail = b"" if le is None else bytes([le])
        if self._cipher is None:
            lc = bytes([len(data)]) if data else b""
            return self._transmit(header + lc + data + tail)
        cipher, size = self._cipher, self._cipher.block
        self._ssc += 1
        ssc = self._ssc.to_bytes(size, "big")
        header = bytes([header[0] | 0x0C]) + header[1:]
        body = b""
        if data:
            body += der(0x87, b"\x01", cipher.cbc(ssc).encrypt(pad(data, size)))
        if le is not None:
            body += der(0x97, tail)
        mac = cipher.mac(pad(ssc + pad(header, size) + body, size))
        body += der(0x8E, mac)
        response, sw = self._transmit(header + bytes([len(body)]) + body + b"\x00")
        if not response:
            raise ReadingError(f"{header.hex()}: the chip ended the session with {sw:04X}")
        return self._verified(response)

    def _verified(self, response):
        self._ssc += 1
        ssc, size = self._ssc.to_bytes(self._cipher.block, "big"), self._cipher.block
        objects = dict(read_der(response))
        expected = self._cipher.mac(pad(ssc + response[: -len(der(0x8E, bytes(8)))], size))
        if not hmac.compare_digest(expected, objects[0x8E]):
            raise ReadingError("the MAC of a response is wrong")
        data = b""
        if 0x87 in objects:
            data = unpad(self._cipher.cbc(ssc).decrypt(objects[0x87][1:]))
        return data, int.from_bytes(objects[0x99], "big")

    def read(self, identifier):
        header, accept = bytes.fromhex("00A4020C"), (0x9000, 0x6283)
        self.send(header, identifier.to_bytes(2, "big"), accept=accept)
        octets = self._read_at(0, 8)
        size = octets[1]
        if size > 0x80:
            size = int.from_bytes(octets[2 : 2 + (size & 0x7F)], "big") + (size & 0x7F)
        size += 2
        while len(octets) < size:
            octets += self._read_at(len(octets), min(size - len(octets), LARGEST_READ))
        return octets[:size]

    def _read_at(self, offset, le):
        command = bytes([0x00, 0xB0, offset >> 8, offset & 0xFF])
        data = self.send(command, le=le, accept=(0x9000, 0x6282, 0x6283))
        if not data:
            raise ReadingError(f"the file ends at {offset}")
        return data


def open_with_bac(chip, mrz_information):
    """Doc 9303-11, 4.3."""
    chip.send(bytes.fromhex("00A4040C"), APPLICATION)
    seed = hashlib.sha1(mrz_information).digest()[:16]
    keys = TripleDes(kdf(seed, 1), kdf(seed, 2))
    rnd_ic = chip.send(bytes.fromhex("00840000"), le=8)
    rnd_ifd, k_ifd = secrets.token_bytes(8), secrets.token_bytes(16)
    encrypted = keys.cbc(None).encrypt(rnd_ifd + rnd_ic + k_ifd)
    answer = chip.send(bytes.fromhex("00820000"), encrypted + keys.mac(pad(encrypted, 8)), le=40)
    if not hmac.compare_digest(keys.mac(pad(answer[:32], 8)), answer[32:]):
        raise ReadingError("the chip does not know the MRZ")
    plain = keys.cbc(None).decrypt(answer[:32])
    if plain[:16] != rnd_ic + rnd_ifd:
        raise ReadingError("the chip answered another challenge")
    seed = bytes(one ^ other for one, other in zip(k_ifd, plain[16:], strict=True))
    ssc = int.from_bytes(rnd_ic[4:] + rnd_ifd[4:], "big")
    chip.open_session(TripleDes(kdf(seed, 1), kdf(seed, 2)), ssc)


def add(one, other):
    if one is None or other is None:
        return one or other
    if one[0] == other[0] and (one[1] + other[1]) % P == 0:
        return None
    if one == other:
        slope = (3 * one[0] ** 2 + A) * pow(2 * one[1], -1, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P)
    x = (slope**2 - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def multiply(number, point):
    result = None
    for bit in f"{number:b}":
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def encode_point(point):
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def decode_point(octets):
    x, y = int.from_bytes(octets[1:33], "big"), int.from_bytes(octets[33:], "big")
    if len(octets) != 65 or octets[0] != 4 or (y**2 - x**3 - A * x - B) % P:
        raise ReadingError("the chip sent no point of the curve")
    return x, y


def open_with_pace(chip, mrz_information):
    """Doc 9303-11, 4.4.1, with Generic Mapping."""
    password = hashlib.sha1(mrz_information).digest()
    parameters = der(0x84, b"\x0d")  # some chips require them, although there is no choice
    chip.send(bytes.fromhex("0022C1A4"), der(0x80, PACE_OID) + der(0x83, b"\x01") + parameters)

    def step(cla, *objects):
        answer = chip.send(bytes([cla, 0x86, 0, 0]), der(0x7C, *objects), le=0)
        return read_der(read_der(answer)[0][1])[0][1]

    encrypted = step(0x10)
    nonce = AES.new(kdf(password, 3), AES.MODE_CBC, bytes(16)).decrypt(encrypted)
    private = secrets.randbelow(N - 1) + 1
    peer = step(0x10, der(0x81, encode_point(multiply(private, G))))
    shared = multiply(private, decode_point(peer))
    generator = add(multiply(int.from_bytes(nonce, "big"), G), shared)
    private = secrets.randbelow(N - 1) + 1
    public = encode_point(multiply(private, generator))
    peer = step(0x10, der(0x83, public))
    if peer == public:
        raise ReadingError("the chip sent our own key back")
    secret = multiply(private, decode_point(peer))[0].to_bytes(32, "big")
    keys = Aes(kdf(secret, 1), kdf(secret, 2))

    def token(key):
        return keys.mac(der(0x7F49, der(0x06, PACE_OID), der(0x86, key)))

    if not hmac.compare_digest(step(0x00, der(0x85, token(peer))), token(public)):
        raise ReadingError("the chip does not know the MRZ")
    chip.open_session(keys, 0)
    chip.send(bytes.fromhex("00A4040C"), APPLICATION)


def check_digit(text):
    values = ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".find(each) for each in text)  # < is -1
    weights = itertools.cycle((7, 3, 1))
    return str(sum(max(0, value) * next(weights) for value in values) % 10)


def read_files(transmit, number, birth, expiry):
    """Read the files of a chip; return them by name."""
    elements = (number.ljust(9, "<"), birth, expiry)
    information = "".join(each + check_digit(each) for each in elements).encode()
    chip = Chip(transmit)
    try:
        offers_pace = PACE_OID in chip.read(CARD_ACCESS)
    except ReadingError:
        offers_pace = False
    (open_with_pace if offers_pace else open_with_bac)(chip, information)
    return {name: chip.read(identifier) for name, identifier in FILES.items()}


def main(name, number, birth, expiry):
    connection = next(each for each in readers() if each.name == name).createConnection()
    connection.connect()

    def transmit(command):
        data, sw1, sw2 = connection.transmit(list(command))
        while sw1 == 0x61:
            rest, sw1, sw2 = connection.transmit([0x00, 0xC0, 0x00, 0x00, sw2])
            data += rest
        return bytes(data), sw1 << 8 | sw2

    try:
        for file, octets in read_files(transmit, number, birth, expiry).items():
            print(file, len(octets), hashlib.sha256(octets).hexdigest())
    except ReadingError as error:
        sys.exit(f"not read: {error}")
    finally:
        connection.disconnect()


if __name__ == "__main__":
    main(*sys.argv[1:])
