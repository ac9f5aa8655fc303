"""The other States' SPOCs as they registered: address, certificates, and what they may have.

    DIR/spoc/partners/XX/partner.json   its URL, and the policy for its Document Verifiers
    DIR/spoc/partners/XX/ca-*.cer       its SPOC CA's certificates
    DIR/spoc/partners/XX/crl.crl        their revocation list
    DIR/spoc/partners/XX/client.cer     its TLS client's or server's certificate, if it is known
    DIR/spoc/partners/XX/server.cer     by itself

Everything is read anew for each message, so what an officer changes applies at once.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from emrtd.pki.cvc.authorization import Right, rights_named
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.spoc import SpocRole
from personalise.pki.operations import PkiOperations
from personalise.spoc.certificates import FOLDER, STEMS
from support.errors import MisuseError
from support.files import in_file, write_atomically
from support.records import Record, from_json, read_bounded, reject
from support.values import Value

REGISTER: Final = "spoc.partner"
_PARTNERS: Final = "partners"
_RECORD: Final = "partner.json"
_CRL: Final = "crl.crl"
_MAX_FILE: Final = 1 << 20
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_URL: Final = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[!-~]{0,200}")


class Policy(Record, frozen=True):
    """What a State's Document Verifiers may have, and where its SPOC is.

    `days` is the longest validity of a certificate.  With `automatic`, a request that a certified
    key or that State's CVCA has also signed is answered at once; every other waits for an officer.
    """

    url: str
    rights: tuple[Literal["dg3", "dg4"], ...] = ("dg3",)
    days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 30
    automatic: bool = False

    def __post_init__(self) -> None:
        if not _URL.fullmatch(self.url):
            reject("url", "is not an address https://HOST/PATH")

    @property
    def right(self) -> Right:
        """The rights as bits."""
        return rights_named(self.rights)


def policy_of(fields: Mapping[str, object]) -> Policy:
    """Return a policy from its fields; raises `FieldError` or `MisuseError`."""
    if "url" not in fields:
        raise MisuseError("the address of its service is missing", advice="give --url")
    return from_json(msgspec.json.encode(fields), Policy, "the State's policy")


class Partner(Value, frozen=True):
    """A registered State; `pinned` are certificates of its TLS ends that are known themselves."""

    state: str
    policy: Policy
    authorities: tuple[Certificate, ...]
    crls: tuple[Crl, ...]
    pinned: Mapping[SpocRole, Certificate]


class Partners:
    """The registered States of one PKI."""

    def __init__(self, pki: Path) -> None:
        self._folder = pki / FOLDER / _PARTNERS

    def states(self) -> list[str]:
        """Return the States' codes, in order."""
        return sorted(path.parent.name for path in self._folder.glob(f"[A-Z][A-Z]/{_RECORD}"))

    def find(self, state: str) -> Partner | None:
        """Return a State, or None; raises `MalformedError` or `FieldError` for a damaged file."""
        folder = self._folder / state
        record = folder / _RECORD
        if not _COUNTRY.fullmatch(state) or not record.is_file():
            return None
        crl = folder / _CRL
        return Partner(
            state,
            from_json(read_bounded(record, _MAX_FILE), Policy, str(record)),
            tuple(_certificate(path) for path in sorted(folder.glob("ca-*.cer"))),
            (Crl.parse(read_bounded(crl, _MAX_FILE)),) if crl.is_file() else (),
            {
                role: _certificate(folder / f"{stem}.cer")
                for role, stem in STEMS.items()
                if (folder / f"{stem}.cer").is_file()
            },
        )

    def get(self, state: str) -> Partner:
        """Return a State; raises `MisuseError` if it is not registered."""
        found = self.find(state)
        if found is None:
            raise MisuseError(
                f"{state} is not a registered State",
                advice="register it with `personalise eac partner add`",
            )
        return found

    def add(
        self,
        operations: PkiOperations,
        state: str,
        policy: Policy,
        *,
        authorities: Sequence[Certificate] = (),
        crl: Crl | None = None,
        pinned: Mapping[SpocRole, Certificate] | None = None,
    ) -> Partner:
        """Register a State, or change what is given; raises `MisuseError`.

        Its CA's certificates are trusted because an officer brings them.
        """
        before, folder = self.find(state), self._folder / state
        if not _COUNTRY.fullmatch(state) or state == operations.pki.settings.country:
            raise MisuseError(f"{state!r} is not the code of another State, two capital letters")
        brought = [*authorities, *(pinned or {}).values()]
        if before is None and not authorities:
            raise MisuseError(
                f"{state} has no SPOC CA yet", advice="name its certificate with --ca"
            )
        for each in brought:
            if each.subject.country != state:
                raise MisuseError(f"{each.subject} is not a certificate of {state}")
        for each in authorities:
            if not each.is_ca or each.public_key is None:
                raise MisuseError(f"{each.subject} is not the certificate of a CA")
        if crl is not None:
            known = (*authorities, *(before.authorities if before else ()))
            if not any(crl.is_signed_by(each.public_key) for each in known):
                raise MisuseError(f"the revocation list is not signed by the SPOC CA of {state}")
        subject = {"state": state, "url": policy.url, "rights": " ".join(policy.rights)}
        subject |= {"days": str(policy.days), "automatic": "yes" if policy.automatic else "no"}
        subject["certificates"] = " ".join(each.fingerprint.hex() for each in brought)
        with operations.operation(REGISTER, subject):
            for each in authorities:
                write_atomically(folder / f"ca-{each.fingerprint.hex()[:16]}.cer", each.der)
            for role, each in (pinned or {}).items():
                write_atomically(folder / f"{STEMS[role]}.cer", each.der)
            if crl is not None:
                write_atomically(folder / _CRL, crl.der)
            record = msgspec.json.format(msgspec.json.encode(policy), indent=2)
            write_atomically(folder / _RECORD, record + b"\n")
        return self.get(state)

    def remove(self, operations: PkiOperations, state: str) -> None:
        """End a State's registration: its messages are refused from now on."""
        self.get(state)
        with operations.operation(REGISTER, {"state": state, "removed": "yes"}):
            for path in (self._folder / state).iterdir():
                path.unlink()


def _certificate(path: Path) -> Certificate:
    with in_file(path):
        return Certificate.parse(read_bounded(path, _MAX_FILE))
