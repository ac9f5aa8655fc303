"""What each case of TR-03105-5.1 is about, in our own words and in the order of its units."""

from typing import Final

_WITHDRAWN: Final = ""
"""The title of a case that is deleted."""

_BAC: Final = (
    "the chip's MAC in Mutual Authentication is wrong",
    "the chip's cryptogram in Mutual Authentication is wrong",
    "the chip refuses Mutual Authentication",
    "the chip reports an error of secure messaging while DG1 is read",
    "a protected response has no MAC",
    "a protected response has no cryptogram",
    "a protected response has no protected status word",
    "the MAC of a protected response is wrong",
    "the cryptogram of a protected response decrypts to no padded data",
    "the Document Signer is revoked",
)

_READING: Final = (
    "a data group that EF.SOD lists cannot be selected",
    "a file of more than 32,767 octets",
    "a chip that answers beyond the end of a file with a warning",
    "a chip that ends a file with 6B00",
    "a chip that ends a file with 6282",
    "a chip that ends a file with 6Cxx",
    "a file that is read with odd INS",
    "a DG2 whose image is empty",
)

_CHIP_AUTHENTICATION: Final = (
    "Chip Authentication with DH",
    "Chip Authentication with ECDH",
    "DG14 has one key, with a reference",
    "DG14 has two keys, with references",
    "DG14 has three keys, with references",
    "DG14 has a reference that the chip does not know",
    "the DH key in DG14 is not the chip's",
    "the ECDH key in DG14 is not the chip's",
    "the chip stays in the old session after Chip Authentication",
    "an ephemeral key is used once only",
    "the DH key in DG14 is said to be an ECDH key",
    "the ECDH key in DG14 is said to be a DH key, or has another algorithm",
    "the references in ChipAuthenticationPublicKeyInfo and ChipAuthenticationInfo differ",
    "a public key that needs a command of extended length",
    "the chip refuses the key reference with any status word",
)

_TERMINAL_AUTHENTICATION: Final = (
    "id-TA-RSA-v1-5-SHA-1",
    "id-TA-RSA-v1-5-SHA-256",
    "id-TA-RSA-PSS-SHA-1",
    "id-TA-RSA-PSS-SHA-256",
    "id-TA-ECDSA-SHA-1",
    "id-TA-ECDSA-SHA-224",
    "id-TA-ECDSA-SHA-256",
    "EF.CVCA names a CVCA that the inspection system has no certificates of",
    "EF.CVCA names no CVCA",
    "EF.CVCA names three CVCAs",
    "the chip authenticates the terminal with another document number",
    "the chip's challenge has 7 octets",
    "the chip's challenge has 9 octets",
    "the certificates do not allow DG3, which is not read",
    "the certificates do not allow DG4, which is not read",
    "the certificates allow neither DG3 nor DG4",
    "the signature of the DV certificate is wrong",
    "the signature of the terminal's certificate is wrong",
    "the certificates have expired on the chip's date",
    _WITHDRAWN,
    _WITHDRAWN,
    "EF.CVCA is not at the file identifier that DG14 states",
    "EF.CVCA is not at the short file identifier that DG14 states",
    "the inspection system lacks certificates that lead to its own",
    _WITHDRAWN,
    "a document with DG11 and DG12 beside DG3 and DG4",
    "Chip Authentication with 2,048 bits, Terminal Authentication with RSA of 1,024",
    "Chip Authentication with 224 bits, Terminal Authentication with ECDSA of 256",
    "a document with DG3, and without DG4",
    "a document with DG4, and without DG3",
    "Terminal Authentication after PACE, bound to its key",
    "the chip must be given one link certificate first",
    "the chip must be given two link certificates first",
    "a link certificate that the chip does not need",
    "id-TA-RSA-v1-5-SHA-512",
    "id-TA-RSA-PSS-SHA-512",
    "id-TA-ECDSA-SHA-384",
    "id-TA-ECDSA-SHA-512",
)

_ACTIVE_AUTHENTICATION: Final = (
    "RSA with SHA-1",
    "ECDSA",
    _WITHDRAWN,
    "RSA with SHA-224",
    "RSA with SHA-256",
    "RSA with SHA-384",
    "RSA with SHA-512",
    "an RSA signature with an unknown trailer",
    "DG14 names an algorithm that does not exist",
)

_PACE: Final = (
    "PACE succeeds",
    "every set of standardised domain parameters, with Generic Mapping",
    "every set of standardised domain parameters, with Integrated Mapping",
    "every cipher, with both mappings",
    "EF.CardAccess has entries that nobody knows",
    "one of several sets of domain parameters is named in MSE:Set AT",
    "explicit domain parameters in EF.CardAccess",
    "the chip refuses MSE:Set AT",
    "the encrypted nonce is changed",
    "the chip refuses step 1 of GENERAL AUTHENTICATE",
    "the nonce has the tag 90",
    "the chip refuses step 2 of GENERAL AUTHENTICATE",
    "the mapping data have the tag 92",
    "the mapping data are empty (Generic Mapping)",
    "the mapping data are not empty (Integrated Mapping)",
    "the mapping data are no point of the curve",
    "the mapping data are no element of the group",
    "the chip refuses step 3 of GENERAL AUTHENTICATE",
    "the ephemeral key has the tag 94",
    "the ephemeral key is empty",
    "the ephemeral key is no point of the curve",
    "the ephemeral key is no element of the group",
    "the chip returns the terminal's own ephemeral key",
    "the chip refuses step 4 of GENERAL AUTHENTICATE",
    "the token has the tag 96",
    "the token is wrong",
    "EF.CardAccess is malformed",
    "EF.CardAccess has domain parameters that do not exist",
    "Chip Authentication Mapping without its data",
    "the data of Chip Authentication Mapping are malformed",
    "the data of Chip Authentication Mapping are not of the chip's key",
    "the data of Chip Authentication Mapping have the tag 8B",
    "the data of Chip Authentication Mapping are empty",
    "Chip Authentication Mapping proves the chip",
    "data of Chip Authentication Mapping after Generic Mapping",
    "EF.CardAccess has a mapping that does not exist beside another",
    _WITHDRAWN,
    "Chip Authentication Mapping, and DG14 without a copy of EF.CardAccess",
    "EF.CardSecurity has the key of another chip",
    "EF.CardSecurity has no key",
    "every set of standardised domain parameters, with Chip Authentication Mapping",
)

_TAG_AND_LENGTH: Final = (
    "{file} has the tag of another file",
    "the length of {file} is too small",
    "the length of {file} is too large",
)


def _tag_and_length(file: str) -> tuple[str, ...]:
    return tuple(each.format(file=file) for each in _TAG_AND_LENGTH)


_COM: Final = (
    *_tag_and_length("EF.COM"),
    "EF.COM has LDS version 3.0",
    "EF.COM has no LDS version",
    "EF.COM has Unicode version 5.0.0",
    "EF.COM has no Unicode version",
    "EF.COM does not list DG1",
    "EF.COM has no list of data groups",
    "EF.COM with LDS version 1.8",
)

_MRZ: Final = (
    "an MRZ with optional data",
    "a given name that is cut off",
    "a holder without a given name",
    "the check digit of absent optional data is 0",
    *_tag_and_length("DG1"),
    "a document code that its signer may not sign",
    "a digit in the issuing State",
    "no name",
    "another name than on the data page",
    "another document number than on the data page",
    "a wrong check digit of the document number",
    "a digit in the nationality",
    "a letter in the date of birth",
    "a date of birth that does not exist",
    "a wrong check digit of the date of birth",
    "a sex that does not exist",
    "a letter in the date of expiry",
    "a date of expiry that does not exist",
    "a wrong check digit of the date of expiry",
    "a wrong check digit of the optional data",
    "a wrong composite check digit",
    "DG1 without an MRZ",
    "a date of birth without the day",
    "a date of birth without the month",
    "a date of birth without the year",
    "an unknown date of birth",
)

_FACE: Final = (
    "a portrait in JPEG 2000",
    "a portrait in JPEG",
    "a portrait in JPEG 2000 with feature points",
    *_tag_and_length("DG2"),
    "DG2 without the number of its templates",
    "a format owner that does not exist",
    "no format owner",
    "a format type that does not exist",
    "no format type",
    "a biometric type in an old form",
    "the biometric type of something else than a face",
    "a record that is no face record",
    "a face record of another version",
    "a facial image longer than its record",
    "a gender that does not exist",
    "an eye colour that does not exist",
    "a hair colour that does not exist",
    "a yaw that does not exist",
    "a pitch that does not exist",
    "a roll that does not exist",
    "an uncertainty of the yaw that does not exist",
    "an uncertainty of the pitch that does not exist",
    "an uncertainty of the roll that does not exist",
    "a type of face image that does not exist",
    "a type of image data that does not exist",
    "DG2 without a record",
)

_HEADERS: Final = (
    "{file} without the number of its templates",
    "{file} with a format owner that does not exist",
    "{file} without a format owner",
    "{file} with a format type that does not exist",
    "{file} without a format type",
    "{file} with a subtype that does not exist",
    "{file} without a subtype",
    "{file} with a record of another kind",
    "{file} with a template without a record",
)

_FINGERS: Final = (
    "two fingers in JPEG 2000",
    "two fingers in WSQ",
    "three fingers in WSQ",
    *_tag_and_length("DG3"),
    *(each.format(file="DG3") for each in _HEADERS),
    "two fingers that are not compressed",
)

_IRISES: Final = (
    "two irises in JPEG 2000",
    "two irises that are not compressed",
    *_tag_and_length("DG4"),
    *(each.format(file="DG4") for each in _HEADERS),
)

_DG14: Final = (
    *_tag_and_length("DG14"),
    "DG14 with a protocol of Chip Authentication that does not exist",
    "DG14 with a SecurityInfo without a protocol",
    "DG14 with a ChipAuthenticationInfo of another version",
    "DG14 with a ChipAuthenticationInfo without a version",
)

_HASHES: Final = ("SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512")


def _signatures(family: str, *hashes: str) -> tuple[str, ...]:
    return tuple(f"EF.SOD signed by {family} with {each}" for each in hashes)


_SOD: Final = (
    *_signatures("RSA", "SHA-1"),
    *_signatures("RSA-PSS", "SHA-1", "SHA-256"),
    *_signatures("RSA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"),
    *_signatures("DSA", "SHA-1"),
    *_signatures("ECDSA", "SHA-1"),
    *_signatures("ECDSA in plain form", *_HASHES),
    "EF.SOD without the Document Signer's certificate, which the inspection system has",
    _WITHDRAWN,
    *_tag_and_length("EF.SOD"),
    "a wrong version of SignedData",
    "no version of SignedData",
    "MD5 among the digest algorithms of SignedData",
    "no digest algorithms of SignedData",
    "another content type",
    "no content type",
    "a wrong version of SignerInfo",
    "no version of SignerInfo",
    "the issuer and serial number of nobody",
    "the key identifier of nobody",
    "MD5 as the signer's digest algorithm",
    "no digest algorithm of the signer",
    "a wrong message digest",
    "no message digest",
    _WITHDRAWN,
    _WITHDRAWN,
    "a signature with MD5",
    "a wrong signature",
    "no signature",
    "a version of the LDS security object that does not exist",
    "no version of the LDS security object",
    "hashes of data groups with MD5",
    "no hash algorithm of the data groups",
    "a wrong hash of DG2",
    "no hash of DG1",
    "a hash of DG10, which the document does not have",
    "the hash of a data group 255",
    "a hash without the number of its data group",
    "a wrong version of the Document Signer's certificate",
    "no version of the certificate",
    "no serial number of the certificate",
    "the certificate names two algorithms of its signature",
    "no algorithm in the signed part of the certificate",
    "an issuer that is not named as Doc 9303 requires",
    "an issuer that is not the CSCA",
    "no issuer",
    "a validity in GeneralizedTime before 2050",
    "no validity",
    "a public key of RSA with MD5",
    "no public key",
    "an authority key identifier without a key identifier",
    "no authority key identifier",
    "a key usage that is not critical",
    "a key usage without digitalSignature",
    "no key usage",
    "certificates and EF.SOD signed with MD5",
    "no algorithm of the certificate's signature",
    "a wrong signature of the certificate",
    "no signature of the certificate",
    "a changed DG2, whose hash is wrong too",
    *_signatures("ECDSA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"),
    "data groups hashed with SHA-224, and SHA-256 in the signature",
    "a message digest with SHA-224, signed by RSA-PSS with SHA-256",
    "a message digest with SHA-224, signed by RSA with SHA-256, below an ECDSA CSCA",
    "RSA-PSS with SHA-256 below certificates with SHA-224",
    "RSA-PSS below certificates with RSA PKCS#1 v1.5",
    *(f"EF.SOD signed by RSA with {each}, under rsaEncryption" for each in _HASHES),
    "issuer and serial number in a SignerInfo of version 3",
    "a key identifier in a SignerInfo of version 1",
    "an EF.SOD of LDS 1.8",
    "an EF.SOD of LDS 1.8 with the version number of LDS 1.7",
    "an EF.SOD of LDS 1.7 with the version number of LDS 1.8",
    "an EF.SOD of LDS 1.9",
    "EF.SOD has a hash of DG3, which EF.COM does not list",
    "EF.SOD has no hash of DG2, which EF.COM lists",
    "EF.SOD has a hash of DG3 in the place of DG2",
    "the signature of EF.CardSecurity is wrong",
    *_signatures("RSA-PSS", "SHA-224", "SHA-384", "SHA-512"),
    *_signatures("DSA", "SHA-224", "SHA-256"),
)

_CARD_SECURITY: Final = (
    "EF.CardSecurity has more entries than EF.CardAccess",
    "EF.CardSecurity has fewer entries than EF.CardAccess",
    "EF.CardSecurity has other entries than EF.CardAccess",
    "EF.CardSecurity has no key for Chip Authentication Mapping",
)

_ATR_INFO: Final = (
    "EF.ATR/INFO with buffers in two octets",
    "EF.ATR/INFO with buffers in three octets",
    "EF.ATR/INFO with one buffer instead of two",
    "EF.ATR/INFO with the tag 7F65 in the place of 7F66",
)

UNITS: Final = {
    "ISO7816_A": (
        "a chip without access control",
        "a chip with Basic Access Control",
        "a chip whose application cannot be selected",
    ),
    "ISO7816_B": _BAC,
    "ISO7816_C": _READING,
    "ISO7816_D": _CHIP_AUTHENTICATION,
    "ISO7816_E": tuple(
        f"Terminal Authentication with {each}" if each[:6] == "id-TA-" else each
        for each in _TERMINAL_AUTHENTICATION
    ),
    "ISO7816_F": tuple(
        f"Active Authentication with {each}" if each[:4] in {"RSA ", "ECDS"} else each
        for each in _ACTIVE_AUTHENTICATION
    ),
    "ISO7816_G": _PACE,
    "LDS_A": _COM,
    "LDS_B": _MRZ,
    "LDS_C": _FACE,
    "LDS_D": _FINGERS,
    "LDS_E": _IRISES,
    "LDS_F": _DG14,
    "LDS_G": ("EF.CVCA begins with another tag", "EF.CVCA is empty"),
    "LDS_H": _SOD,
    "LDS_I": _tag_and_length("DG15"),
    "LDS_J": _CARD_SECURITY,
    "LDS_K": _ATR_INFO,
}
"""The titles of the cases of each unit; "" for one that is deleted."""

TITLES: Final = {
    f"{unit}_{number:02}": title
    for unit, titles in UNITS.items()
    for number, title in enumerate(titles, 1)
}
