"""Foreign CVCAs: our Document Verifier asks them for certificates (Doc 9303-12, 7.2, 8.1.1).

    DIR/foreign/XX/cvca/*.cvcert   the CVCA's: the root that was trusted first, and links
    DIR/foreign/XX/request.cvreq   the request that waits for an answer
    DIR/foreign/XX/dv.cvcert       our Document Verifier's certificate
    DIR/foreign/XX/terminal/       our inspection system there, for `verify --terminal`

A State's first CVCA certificate is trusted because an officer brings it.  Later ones must follow
from it by link certificates, as on a chip.  Keys are of the kind that the foreign CVCA has: RSA
with PKCS#1 v1.5 or PSS, or ECDSA.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.signatures import VerifyingKey
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import Chat, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate, issue
from emrtd.pki.cvc.keys import CvPublicKey, kind_of
from emrtd.pki.cvc.requests import CvRequest, authenticate, request
from emrtd.pki.cvc.validation import ImportedKey, TrustState
from personalise.pki.cvca import IS_KEY
from personalise.pki.cvca_requests import CvIssuer
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from support.errors import MisuseError
from support.files import write_atomically
from support.records import read_bounded

FOLDER: Final = "foreign"
_CVCA, _DV, _IS, _REQUEST = "cvca", "dv.cvcert", "is.cvcert", "request.cvreq"
_TERMINAL: Final = "terminal"
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_NAME: Final = re.compile(r"[A-Z0-9]{1,9}")
_MAX_FILE: Final = 64 * 1024


def ask(
    operations: PkiOperations,
    brought: Sequence[CvCertificate],
    *,
    by_our_cvca: bool = False,
    name: str = "",
) -> CvRequest:
    """Make a key for a foreign State, and the request to its newest CVCA key; return the request.

    `brought` are certificates of that CVCA; the first time one of them is self-signed.  A further
    request is also signed with the previous key, if its certificate has not expired; a first one
    with our CVCA's key, if `by_our_cvca`.  `name` is a new one for our Document Verifier, whose
    keys are lost: the request is a first one again.  A request that still waits is replaced, and
    its key destroyed.  Raises `MisuseError` or `ProtocolError`.
    """
    pki, today = operations.pki, operations.at.date()
    country = _country_of(pki, brought)
    certificates, newest = _trusted(pki, country, brought)
    kind = kind_of(newest.key)
    label = operations.new_label(_stem(country))
    before = None if name else _valid_before(pki, country, today)
    holder = _next_holder(pki, country, name)
    subject = {
        "label": label,
        "reference": holder,
        "authority": newest.reference,
        "cvca": hashlib.sha256(newest.certificate.encode()).hexdigest(),
    }
    replaced = _waiting_label(operations, country)
    if replaced is not None:
        subject["replaces"] = replaced
    with operations.operation("foreign.request", subject):
        pki.custody.generate(label, kind)
        scheme = newest.key.scheme
        asked = request(pki.signer(label), scheme, holder, authority=newest.reference)
        if before is not None:
            own = _label_of(operations, country, certificates, before)
            asked = authenticate(
                asked, pki.signer(own), before.public_key.scheme, before.holder_reference
            )
        elif by_our_cvca:
            ours, name = pki.trust_point.public_key, pki.trust_point.holder_reference
            cvca = operations.label_of(ours.key, "cvca")
            asked = authenticate(asked, pki.signer(cvca), ours.scheme, name)
        for each in certificates:
            _write(pki, country, f"{_CVCA}/{_name(each)}", each.encode())
        _write(pki, country, _REQUEST, asked.encode())
        if replaced is not None:
            pki.custody.destroy(replaced)
    return asked


def take(operations: PkiOperations, brought: Sequence[CvCertificate]) -> CvCertificate:
    """Take a CVCA's answer: our Document Verifier's certificate, and CVCA certificates with it.

    The certificate must be for the key that was asked for, of the rank of a Document Verifier, and
    follow from the CVCA's certificates that are trusted.  Raises `MisuseError` or `ProtocolError`.
    """
    pki = operations.pki
    answers = [each for each in brought if each.role.is_dv]
    if len(answers) != 1:
        raise MisuseError(
            f"{len(answers)} certificates of a Document Verifier were given, not one",
            advice="give the answer, and the CVCA certificates that came with it",
        )
    (answer,) = answers
    country = answer.authority_reference[:2]
    asked = waiting_request(pki, country)
    if asked is None:
        raise MisuseError(
            f"nothing was asked of {country}", advice="run `personalise eac request` first"
        )
    cvca = [each for each in brought if each.role is Role.CVCA]
    certificates, _ = _trusted(pki, country, cvca)
    state, points = _reached(certificates)
    issuer = next((each for each in points if each.reference == answer.authority_reference), None)
    if issuer is None:
        raise ProtocolError(
            f"{answer.authority_reference} is no key of the CVCA that is trusted",
            advice="ask for its link certificate, and give it too",
        )
    TrustState(state.trust_points, operations.at.date()).validate(answer, issuer)
    key = answer.key_under(issuer.key)
    if answer.holder_reference != asked.holder_reference or key.key != asked.public_key.key:
        raise ProtocolError(f"the certificate is not for the key that was asked for of {country}")
    subject = {"reference": answer.holder_reference, "authority": answer.authority_reference}
    with operations.operation("foreign.import", subject):
        for each in certificates:
            _write(pki, country, f"{_CVCA}/{_name(each)}", each.encode())
        _write(pki, country, _DV, answer.encode())
        (_place(pki, country) / _REQUEST).unlink()
    return answer


def learn(operations: PkiOperations, brought: Sequence[CvCertificate]) -> list[CvCertificate]:
    """Take CVCA certificates of a State whose root is trusted; return those that are new.

    They must follow from the root.  Raises `MisuseError` or `ProtocolError`.
    """
    pki = operations.pki
    country = _country_of(pki, brought)
    known = known_cvca(pki, country)
    if not known:
        raise MisuseError(
            f"no CVCA of {country} is trusted yet",
            advice="give its self-signed certificate to `personalise eac request`, after you have"
            " compared it with that State",
        )
    certificates, _ = _trusted(pki, country, brought)
    found = [each for each in certificates if each not in known]
    if found:
        subject = {"references": " ".join(each.holder_reference for each in found)}
        with operations.operation("foreign.learn", subject):
            for each in found:
                _write(pki, country, f"{_CVCA}/{_name(each)}", each.encode())
    return found


def waiting_request(pki: IssuingPki, country: str) -> CvRequest | None:
    """Return the request to a State that waits for its answer, or None."""
    path = _place(pki, country) / _REQUEST
    return CvRequest.decode(read_bounded(path, _MAX_FILE)) if path.is_file() else None


def keys_in_use(operations: PkiOperations, country: str) -> list[VerifyingKey | None]:
    """Return our Document Verifier's keys for a State: with a valid certificate, or requested."""
    pki = operations.pki
    waiting = waiting_request(pki, country)
    found: list[VerifyingKey | None] = [] if waiting is None else [waiting.public_key.key]
    verifier = _valid_before(pki, country, operations.at.date())
    if verifier is not None:
        certificates, _ = _trusted(pki, country, ())
        found.append(_key_of(certificates, verifier).key)
    return found


def document_verifiers(operations: PkiOperations) -> list[CvIssuer]:
    """Return our Document Verifier as each foreign CVCA has certified it, while that is valid."""
    pki, found = operations.pki, []
    for folder in sorted((pki.folder / FOLDER).glob("[A-Z][A-Z]")):
        country = folder.name
        verifier = _valid_before(pki, country, operations.at.date())
        if verifier is not None:
            certificates, _ = _trusted(pki, country, ())
            key = _key_of(certificates, verifier)
            label = operations.label_of(key.key, _stem(country))
            found.append(CvIssuer(verifier, key, label, f"eac send {country}"))
    return found


def certify_terminal(operations: PkiOperations, country: str, rights: Right) -> CvCertificate:
    """Make an inspection system for documents of a State, in `foreign/XX/terminal`."""
    pki, today = operations.pki, operations.at.date()
    verifier = _valid_before(pki, country, today)
    if verifier is None:
        raise MisuseError(
            f"our Document Verifier has no valid certificate of {country}",
            advice="run `personalise eac request` and `personalise eac import`",
        )
    certificates, _ = _trusted(pki, country, ())
    key = _key_of(certificates, verifier)
    folder = _place(pki, country) / _TERMINAL
    reference = _numbered(f"{pki.settings.country}IS{country}", _reference_in(folder / _IS))
    label = _label_of(operations, country, certificates, verifier)
    with operations.operation("foreign.terminal", {"reference": reference}):
        private = generate_private_key(kind_of(key))
        made = issue(
            public_key=CvPublicKey.of(private.public_key, key.scheme),
            holder=reference,
            chat=Chat.inspection_system(Role.TERMINAL, rights & verifier.chat.rights),
            effective=today,
            expiration=min(today + pki.settings.cv_validity.of(Role.TERMINAL), verifier.expiration),
            signer=pki.signer(label),
            scheme=key.scheme,
            authority=verifier.holder_reference,
        )
        made.verify(key)
        pki.local_keys.beside(f"{FOLDER}/{country}/{_TERMINAL}").replace(IS_KEY, private)
        for each in certificates:
            _write(pki, country, f"{_TERMINAL}/cvca-{_name(each)}", each.encode())
        _write(pki, country, f"{_TERMINAL}/{_DV}", verifier.encode())
        _write(pki, country, f"{_TERMINAL}/{_IS}", made.encode())
    return made


def _country_of(pki: IssuingPki, brought: Sequence[CvCertificate]) -> str:
    """Return the country of the CVCA whose certificates were brought; it is another than ours."""
    found = {each.holder_reference[:2] for each in brought}
    if len(found) != 1 or any(each.role is not Role.CVCA for each in brought):
        raise MisuseError("give the certificates of one CVCA, and no others")
    (country,) = found
    if not _COUNTRY.fullmatch(country):
        raise MisuseError(f"{country!r} is not the code of a country")
    if country == pki.settings.country:
        raise MisuseError(
            f"{country} is our own State", advice="run `personalise eac renew-dv` for it"
        )
    return country


def _trusted(
    pki: IssuingPki, country: str, brought: Sequence[CvCertificate]
) -> tuple[list[CvCertificate], ImportedKey]:
    """Return a CVCA's certificates that follow from the trusted root, and its newest key.

    Without a root so far, the self-signed one that was brought is trusted from now on.
    """
    known = known_cvca(pki, country)
    roots = [each for each in known if each.is_self_signed] or [
        each for each in brought if each.is_self_signed
    ]
    if not roots:
        raise MisuseError(
            f"no CVCA of {country} is trusted yet",
            advice="give its self-signed certificate, after you have compared it with that State",
        )
    first = min(roots, key=lambda each: each.effective)
    first.verify(first.public_key)
    links = [each for each in (*known, *brought) if not each.is_self_signed]
    certificates = list(dict.fromkeys((first, *links)))
    _, points = _reached(certificates)
    reached = {each.certificate for each in points}
    strangers = [each for each in brought if each not in reached and not each.is_self_signed]
    roots_alone = [
        each
        for each in brought
        if each.is_self_signed and each.holder_reference not in {one.reference for one in points}
    ]
    if strangers or roots_alone:
        reference = (strangers or roots_alone)[0].holder_reference
        raise ProtocolError(
            f"no link leads from {first.holder_reference} to {reference}",
            advice="ask that State for its link certificates, and give them all",
        )
    newest = max(points, key=lambda each: (each.certificate.effective, each.reference))
    return [each for each in certificates if each in reached], newest


def _reached(certificates: Sequence[CvCertificate]) -> tuple[TrustState, list[ImportedKey]]:
    """Import links as a chip does that has the first certificate; return every key reached."""
    state = TrustState.initial(certificates[:1], None)
    points = list(state.trust_points)
    rest = list(certificates[1:])
    while True:
        found = next(
            (
                (link, issuer)
                for link in rest
                for issuer in points
                if link.authority_reference == issuer.reference
            ),
            None,
        )
        if found is None:
            return state, points
        link, issuer = found
        rest.remove(link)
        state, imported = TrustState(state.trust_points, None).validate(link, issuer)
        points.append(imported)


def _key_of(cvca: Sequence[CvCertificate], verifier: CvCertificate) -> CvPublicKey:
    """Return our Document Verifier's key, with the domain parameters of the CVCA's key."""
    _, points = _reached(cvca)
    issuer = next(each for each in points if each.reference == verifier.authority_reference)
    return verifier.key_under(issuer.key)


def _label_of(
    operations: PkiOperations, country: str, cvca: Sequence[CvCertificate], verifier: CvCertificate
) -> str:
    """Return the label of our Document Verifier's key; a newer one may wait for its certificate."""
    return operations.label_of(_key_of(cvca, verifier).key, _stem(country))


def _waiting_label(operations: PkiOperations, country: str) -> str | None:
    """Return the label of the key of the request that waits; None if there is none, or no key."""
    waiting = waiting_request(operations.pki, country)
    if waiting is None:
        return None
    custody, stem = operations.pki.custody, f"{_stem(country)}-"
    labels = [each for each in custody.labels() if each.startswith(stem)]
    key = waiting.public_key.key
    return next((each for each in labels if custody.signer(each).public_key == key), None)


def _valid_before(pki: IssuingPki, country: str, today: date) -> CvCertificate | None:
    path = _place(pki, country) / _DV
    if not path.is_file():
        return None
    certificate = CvCertificate.decode(read_bounded(path, _MAX_FILE))
    return certificate if certificate.expiration >= today else None


def _next_holder(pki: IssuingPki, country: str, name: str) -> str:
    """Return our next reference for a State: our name, its code, and a number (9303-12, 7.2.2)."""
    last = _reference_in(_place(pki, country) / _DV)
    if not name:
        return _numbered(f"{pki.settings.country}DV{country}" if last is None else last[:-3], last)
    if not _NAME.fullmatch(name):
        raise MisuseError(f"{name!r} is not 1 to 9 capital letters and digits")
    stem = f"{pki.settings.country}{name}{country}"
    if last is not None and last[:-3] == stem:
        raise MisuseError(f"{name} is the name of our Document Verifier", advice="choose another")
    return _numbered(stem, None)


def _numbered(stem: str, before: str | None) -> str:
    number = 1 if before is None else int(before[-3:]) + 1
    if number > 999:
        raise MisuseError(f"{before}: has no next sequence number")
    return f"{stem}{number:03}"


def _reference_in(path: Path) -> str | None:
    if not path.is_file():
        return None
    return CvCertificate.decode(read_bounded(path, _MAX_FILE)).holder_reference


def known_cvca(pki: IssuingPki, country: str) -> list[CvCertificate]:
    """Return the certificates of a State's CVCA that are trusted: the root, and links."""
    paths: Iterable[Path] = sorted((_place(pki, country) / _CVCA).glob("*.cvcert"))
    return [CvCertificate.decode(read_bounded(path, _MAX_FILE)) for path in paths]


def _name(certificate: CvCertificate) -> str:
    """Return a file's name for a CVCA certificate; in hexadecimal: references are any text."""
    reference = certificate.holder_reference.encode("latin-1").hex()
    kind = "root" if certificate.is_self_signed else "link"
    return f"{kind}-{reference}.cvcert"


def _stem(country: str) -> str:
    return f"dv{country.lower()}"


def _place(pki: IssuingPki, country: str) -> Path:
    if not _COUNTRY.fullmatch(country):
        raise MisuseError(f"{country!r} is not the code of a country, two upper-case letters")
    return pki.folder / FOLDER / country


def _write(pki: IssuingPki, country: str, name: str, octets: bytes) -> None:
    path = _place(pki, country) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, octets)
