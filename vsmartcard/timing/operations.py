"""What a chip does that takes time: operations of cryptography, each with its size."""

from enum import StrEnum, unique

import msgspec


@unique
class Work(StrEnum):
    """A kind of operation, by its name in a chip profile."""

    TDES = "3des"
    AES128 = "aes-128"
    AES192 = "aes-192"
    AES256 = "aes-256"
    SHA1 = "sha-1"
    SHA256 = "sha-256"
    SHA384 = "sha-384"
    SHA512 = "sha-512"
    RANDOM = "random"
    EC_MULTIPLY = "ec-multiply"
    EC_SIGN = "ec-sign"
    EC_VERIFY = "ec-verify"
    DH = "dh"
    RSA_PRIVATE = "rsa-private"
    RSA_PUBLIC = "rsa-public"


BY_OCTETS = (
    Work.TDES, Work.AES128, Work.AES192, Work.AES256,
    Work.SHA1, Work.SHA256, Work.SHA384, Work.SHA512, Work.RANDOM,
)  # fmt: skip
"""Kinds whose size is the octets that are processed; the others' is the bits of the key."""

BY_BITS = tuple(each for each in Work if each not in BY_OCTETS)


class Operation(msgspec.Struct, frozen=True):
    """An operation of a chip: its kind, and its size in octets or bits."""

    work: Work
    size: int
