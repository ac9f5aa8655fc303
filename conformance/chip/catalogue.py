"""The test cases of TR-03105-3.2, version 1.5.1, for chips of EAC version 1, by id.

The profiles are those of 2.2 and Table 2: TA Terminal Authentication, DG3 and DG4 the data groups,
OddIns READ BINARY with odd INS, DATE validation of dates, PACE and BAC the protocols, RSA and ECDSA
the trust point's kind of key, MIG a change of that kind, MF the master file, EFATR EF.ATR/INFO.
"""

from typing import Final

from conformance.case import Case

SUITE: Final = "TR-03105-3.2"

PROFILES: Final = (
    "TA", "DG3", "DG4", "OddIns", "DATE", "PACE", "BAC", "RSA", "ECDSA", "MIG", "MF", "EFATR",
)  # fmt: skip
"""Every profile."""

_DG3: Final = "TA, DG3"
_DG4: Final = "TA, DG4"
_ODD: Final = "TA, OddIns"

_CONDITIONS: Final = {
    1: ("SELECT or READ BINARY of DG3 before Terminal Authentication is refused", _DG3),
    2: ("SELECT or READ BINARY of DG4 before Terminal Authentication is refused", _DG4),
    3: ("READ BINARY of DG3 by short identifier is refused before TA", _DG3),
    4: ("READ BINARY of DG4 by short identifier is refused before TA", _DG4),
    5: (
        "READ BINARY of DG3 with odd INS and short identifier is refused before TA",
        "TA, DG3, OddIns",
    ),
    6: (
        "READ BINARY of DG4 with odd INS and short identifier is refused before TA",
        "TA, DG4, OddIns",
    ),
    7: ("SELECT or READ BINARY of EF.CVCA without a session is refused", "TA"),
    8: ("READ BINARY of EF.CVCA by short identifier without a session is refused", "TA"),
    9: (
        "READ BINARY of EF.CVCA with odd INS and short identifier without a session is refused",
        _ODD,
    ),
    10: ("READ BINARY of EF.CVCA with odd INS and identifier without a session is refused", _ODD),
    11: ("READ BINARY of DG3 with odd INS and identifier is refused before TA", "TA, DG3, OddIns"),
    12: ("READ BINARY of DG4 with odd INS and identifier is refused before TA", "TA, DG4, OddIns"),
    13: ("EF.CVCA is selected and read in a session", "TA"),
    14: ("EF.CVCA is read by short identifier in a session", "TA"),
    15: ("EF.CVCA is read with odd INS and short identifier in a session", _ODD),
    16: ("EF.CVCA is read with odd INS and identifier in a session", _ODD),
}

_CERTIFICATES: Final = {
    1: ("a valid chain of certificates is accepted", "TA"),
    2: ("a reference that names no trust point selects no key", "TA"),
    3: ("a certificate signed by another key is refused", "TA"),
    4: ("a certificate without a signature is refused", "TA"),
    5: ("a certificate without a body is refused", "TA"),
    6: ("a DV certificate without a holder authorization is refused", "TA"),
    7: ("a DV certificate without an effective date is refused", "TA"),
    8: ("a DV certificate without an expiration date is refused", "TA"),
    9: ("an effective date with an octet that is no digit is refused", "TA, DATE"),
    10: ("an expiration date with an octet that is no digit is refused", "TA, DATE"),
    11: ("the certificate of a foreign terminal does not advance the date", "TA"),
    12: ("certificates in plain commands are refused and end the session", "TA"),
    13: ("MSE:Set DST with an unknown class is refused", "TA"),
    15: ("PSO:Verify Certificate with an unknown class is refused", "TA"),
    17: ("a certificate body under another tag is refused", "TA"),
    18: ("a certificate signature under another tag is refused", "TA"),
    19: ("an effective date that is not in the calendar is refused", "TA, DATE"),
    20: ("an expiration date that is not in the calendar is refused", "TA, DATE"),
    21: ("a certificate that expires before it becomes effective is refused", "TA"),
    22: ("imported keys are lost with the session", "TA"),
    23: ("another terminal type in the holder authorization is refused", "TA"),
    24: ("a public key with an unknown algorithm is refused", "TA"),
    25: ("a wrong trust point reference does not advance the date", "TA"),
    26: ("a wrong tag of the body does not advance the date", "TA"),
    27: ("a wrong tag of the signature does not advance the date", "TA"),
    28: ("a wrong length of the body does not advance the date", "TA"),
    29: ("a wrong length of the signature does not advance the date", "TA"),
    30: ("a signature whose last octet is changed does not advance the date", "TA"),
    31: ("a signature without its last octet does not advance the date", "TA"),
    32: ("an RSA signature greater than the modulus does not advance the date", "RSA, TA"),
    33: ("an ECDSA signature with r = 0 does not advance the date", "ECDSA, TA"),
    34: ("an ECDSA signature with s = 0 does not advance the date", "ECDSA, TA"),
    35: ("a certificate without a selected key does not advance the date", "TA"),
    36: ("a public key of another protocol than TA does not advance the date", "TA"),
    37: ("a public key without an algorithm does not advance the date", "TA"),
    38: ("an EC public key without a point does not advance the date", "ECDSA, TA"),
    39: ("an RSA public key without a modulus does not advance the date", "RSA, TA"),
    40: ("an RSA public key without an exponent does not advance the date", "RSA, TA"),
    41: ("a public key with an unknown data object does not advance the date", "TA"),
    43: ("a CVCA does not certify a terminal", "TA"),
    44: ("a domestic DV does not certify a CVCA", "TA"),
    45: ("a foreign DV does not certify a CVCA", "TA"),
    46: ("a domestic DV does not certify a domestic DV", "TA"),
    47: ("a domestic DV does not certify a foreign DV", "TA"),
    48: ("a foreign DV does not certify a domestic DV", "TA"),
    49: ("a foreign DV does not certify a foreign DV", "TA"),
    50: ("a terminal does not certify a foreign DV", "TA"),
    51: ("a terminal does not certify a domestic DV", "TA"),
    52: ("a terminal does not certify a terminal", "TA"),
    53: ("a terminal does not certify a CVCA", "TA"),
    55: ("a DV key shorter than that of the CVCA is refused", "TA"),
    56: ("a terminal's key shorter than that of its DV is refused", "TA"),
}

_AUTHENTICATION: Final = {
    1: ("a terminal with a valid chain authenticates", "TA"),
    2: ("MSE:Set AT with a wrong reference does not authenticate", "TA"),
    4: ("EXTERNAL AUTHENTICATE in a plain command is refused", "TA"),
    5: ("the key of a DV does not authenticate a terminal", "TA"),
    6: ("the key of a CVCA does not authenticate a terminal", "TA"),
    7: ("EXTERNAL AUTHENTICATE with an unknown class is refused", "TA"),
    10: ("of two challenges the first is not valid any more", "TA"),
    12: ("a challenge of seven octets does not authenticate", "TA"),
    14: ("without GET CHALLENGE no signature authenticates", _DG3),
    15: ("without MSE:Set AT no signature authenticates", _DG3),
    17: ("MSE:Set AT with a wrong tag does not authenticate", _DG3),
    18: ("a reset ends the rights of the terminal", _DG3),
    19: ("Passive and Active Authentication fit before Terminal Authentication", "TA"),
    20: ("a signature over another key of PACE does not authenticate", "TA, PACE"),
}

_RIGHTS: Final = {
    1: ("DG3 is read if the DV has both rights and the terminal that for DG3", _DG3),
    2: ("DG4 is refused if the terminal has only the right for DG3", _DG4),
    3: ("DG4 is read if the DV has both rights and the terminal that for DG4", _DG4),
    4: ("DG3 is refused if the terminal has only the right for DG4", _DG3),
    5: ("DG3 is read if the DV has the right for DG3 and the terminal both", _DG3),
    6: ("DG4 is refused if the DV has only the right for DG3", _DG4),
    7: ("DG4 is read if the DV has the right for DG4 and the terminal both", _DG4),
    8: ("DG3 is refused if the DV has only the right for DG4", _DG3),
    9: ("a chain without EXTERNAL AUTHENTICATE does not open DG3", _DG3),
    10: ("a chain without EXTERNAL AUTHENTICATE does not open DG4", _DG4),
    11: ("a failed EXTERNAL AUTHENTICATE does not open DG3", _DG3),
    12: ("a failed EXTERNAL AUTHENTICATE does not open DG4", _DG4),
    13: ("BAC after BAC and TA is refused, or ends the rights", "TA, BAC, MF"),
    14: ("PACE after PACE and TA is refused, or ends the rights", "TA, PACE"),
    15: ("BAC after PACE and TA is refused, or ends the rights", "TA, PACE, BAC"),
    16: ("PACE after BAC and TA is refused, or ends the rights", "TA, PACE, BAC"),
}

_UPDATES: Final = {
    1: ("the certificate of a domestic terminal advances the date", "TA"),
    2: ("the certificate of a domestic DV advances the date", "TA"),
    3: ("a link certificate adds a trust point, and the old one expires", "TA"),
    4: ("two link certificates replace both trust points", "TA"),
    5: ("a new CVCA does not certify a terminal", "TA"),
    6: ("EF.CVCA has two trust points, zeros, and ends after 36 octets", "TA"),
}

_TERMINAL_INFO: Final = {
    2: ("DG14 has TerminalAuthenticationInfo of version 1, under id-TA alone", "TA"),
    5: ("TerminalAuthenticationInfo has the ASN.1 of the standard", "TA"),
}


def _biometrics(group: str, tag: str, format_type: str, magic: str) -> dict[int, tuple[str, str]]:
    titles = (
        f"{group} begins with the tag {tag}",
        f"the length of {group} is encoded as required",
        f"{group} has a biometric information group template, 7F61",
        f"the number of instances in {group} is that of its templates",
        f"each instance in {group} is a biometric information template, 7F60",
        f"each template of {group} begins with a header, A1",
        f"each header of {group} has the format owner 0101",
        f"each header of {group} has the format type {format_type}",
        f"each header of {group} has a subtype",
        f"each template of {group} has a data block, 5F2E or 7F2E",
        f"each data block of {group} begins with {magic}",
    )
    return {number: (title, group) for number, title in enumerate(titles, start=1)}


_ATR_INFO: Final = {
    1: ("EF.ATR/INFO is a list of data objects", "EFATR"),
    2: ("EF.ATR/INFO states the sizes of commands and responses", "EFATR"),
    3: ("both sizes are positive integers", "EFATR"),
    4: ("the card capabilities announce command chaining", "EFATR"),
    5: ("EF.ATR/INFO is selected in the master file without a session", "EFATR, MF"),
}

_UNITS: Final[dict[str, tuple[str, dict[int, tuple[str, str]]]]] = {
    "ISO7816_H": ("3.3", _CONDITIONS),
    "ISO7816_J": ("3.6", _CERTIFICATES),
    "ISO7816_K": ("3.7", _AUTHENTICATION),
    "ISO7816_L": ("3.8", _RIGHTS),
    "ISO7816_M": ("3.9", _UPDATES),
    "ISO7816_N": ("3.10", {1: ("a link certificate changes the algorithm", "TA, MIG")}),
    "LDS_E": ("4.1", _TERMINAL_INFO),
    "LDS_F": ("4.2", {1: ("EF.CVCA has 36 octets: one or two references, and zeros", "TA")}),
    "LDS_G": ("4.3", _biometrics("DG3", "63", "0007", "FIR")),
    "LDS_H": ("4.4", _biometrics("DG4", "76", "0009", "IIR")),
    "LDS_L": ("4.5", _ATR_INFO),
}

_WITHDRAWN: Final = {
    "ISO7816_J": (14, 16, 42, 54),
    "ISO7816_K": (3, 8, 9, 11, 13, 16),
    "LDS_E": (1, 3, 4),
}
"""Cases without content in version 1.5.1; ISO7816_J_54 is ISO7816_M_5 now."""


def _unit(name: str) -> dict[str, Case]:
    clause, titles = _UNITS[name]
    withdrawn = _WITHDRAWN.get(name, ())
    cases = {}
    for number in sorted((*titles, *withdrawn)):
        id_ = f"{name}_{number}"
        title, profile = titles.get(number, ("", ""))
        where = f"{SUITE}, {clause}.{number}"
        cases[id_] = (
            Case(id_, "withdrawn", clause=where, withdrawn="withdrawn, or moved to ICAO's report")
            if number in withdrawn
            else Case(id_, title, profile, where)
        )
    return cases


CASES: Final = {id_: case for unit in _UNITS for id_, case in _unit(unit).items()}
"""Every case, in the order of the standard."""
