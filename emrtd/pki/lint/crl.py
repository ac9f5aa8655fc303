"""A linter for revocation lists: compares every octet with Tables 9 and 10 of Doc 9303-12."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import is_canonical_time
from emrtd.pki.lint.findings import (
    CRL_EXTENSIONS,
    CRL_FIELDS,
    LintFinding,
    lint_form,
    lint_scheme,
    lint_times,
    problems_of_name,
)
from emrtd.pki.x509 import extensions as oids
from emrtd.pki.x509.crl import MAX_ENTRIES, Crl
from emrtd.pki.x509.extensions import read_extension
from support.errors import MalformedError

_FORBIDDEN: Final = {
    "2.5.29.27": "deltaCRLIndicator",
    "2.5.29.28": "issuingDistributionPoint",
    "2.5.29.46": "freshestCRL",
}
_FORBIDDEN_IN_ENTRIES: Final = {
    "2.5.29.21": "reasonCode",
    "2.5.29.23": "holdInstructionCode",
    "2.5.29.24": "invalidityDate",
    "2.5.29.29": "certificateIssuer",
}
_LONGEST: Final = timedelta(days=90, hours=1)
_TIMES: Final = {der.UTC_TIME, der.GENERALIZED_TIME}


def lint_crl(crl: Crl) -> list[LintFinding]:
    """Return a finding for each deviation of a revocation list from its profile."""
    return [
        *lint_form(crl.tolerated, CRL_FIELDS),
        *(
            LintFinding(f"the issuer's name {each}", CRL_FIELDS)
            for each in problems_of_name(crl.issuer)
        ),
        *lint_scheme(crl.scheme),
        *_period(crl),
        *_numbers(crl),
        *(LintFinding(each, CRL_FIELDS) for each in crl.unreadable),
        *(() if crl.unreadable else _body(crl)),
    ]


def _period(crl: Crl) -> Iterator[LintFinding]:
    if crl.next_update is None:
        yield LintFinding("nextUpdate is missing", CRL_FIELDS)
    elif crl.next_update <= crl.this_update:
        yield LintFinding("nextUpdate is not after thisUpdate", CRL_FIELDS)
    elif crl.next_update - crl.this_update > _LONGEST:
        reason = "nextUpdate is more than 90 days after thisUpdate"
        yield LintFinding(reason, "Doc 9303-12, 4.1.5")


def _numbers(crl: Crl) -> Iterator[LintFinding]:
    if crl.number is None:
        yield LintFinding("cRLNumber is missing", CRL_EXTENSIONS)
    elif not 0 <= crl.number < 1 << 159:
        yield LintFinding("cRLNumber is negative or too long", CRL_EXTENSIONS)
    if crl.authority_key_identifier is None:
        reason = "authorityKeyIdentifier, or the keyIdentifier in it, is missing"
        yield LintFinding(reason, CRL_EXTENSIONS)


def _body(crl: Crl) -> Iterator[LintFinding]:
    """Lint the parts that `Crl` does not keep: version, form of times, and each extension."""
    fields = list(ber.read(crl.tbs, "CRL").children)
    if fields[0].tag != der.INTEGER:
        yield LintFinding("the version is not v2", CRL_FIELDS)
    times = [each for each in fields if each.tag in _TIMES]
    if not all(is_canonical_time(each) for each in times):
        yield LintFinding("a time is not written to the second in UTC", CRL_FIELDS)
    yield from lint_times(times, CRL_FIELDS)
    after_times = fields[fields.index(times[-1]) + 1 :]
    for each in after_times:
        if each.tag == der.SEQUENCE:
            yield from _entries(each)
        elif each.tag == 0xA0:
            yield from _extensions(each.children[0])


def _entries(entries: ber.Value) -> Iterator[LintFinding]:
    if entries.start == entries.end:
        yield LintFinding("revokedCertificates is present but empty", CRL_FIELDS)
    canonical = True
    found: dict[str, bool] = {}
    for entry in entries.each(MAX_ENTRIES):
        _, time, *rest = entry.children
        canonical = canonical and is_canonical_time(time)
        for value in rest[0].children if rest else ():
            extension = read_extension(value, set())
            found[extension.oid] = found.get(extension.oid, False) or extension.critical
    if not canonical:
        reason = "a time of revocation is not written to the second in UTC"
        yield LintFinding(reason, CRL_FIELDS)
    for oid, critical in sorted(found.items()):
        if oid in _FORBIDDEN_IN_ENTRIES:
            reason = f"an entry must not have {_FORBIDDEN_IN_ENTRIES[oid]}"
            yield LintFinding(reason, CRL_EXTENSIONS)
        elif critical:
            yield LintFinding(f"the extension {oid} of an entry is critical", CRL_EXTENSIONS)


def _extensions(values: ber.Value) -> Iterator[LintFinding]:
    for value in values.children:
        extension = read_extension(value, set())
        oid = extension.oid
        if oid in _FORBIDDEN:
            yield LintFinding(f"a CRL must not have {_FORBIDDEN[oid]}", CRL_EXTENSIONS)
        elif extension.critical:
            yield LintFinding(f"the extension {oid} must not be critical", CRL_EXTENSIONS)
        if oid == oids.CRL_NUMBER and not _is_shortest(extension.value):
            yield LintFinding("cRLNumber is not in the fewest octets", CRL_EXTENSIONS)
        if oid in {oids.CRL_NUMBER, oids.ISSUER_ALT_NAME, oids.AUTHORITY_KEY_IDENTIFIER}:
            try:
                ber.read(extension.value, "extension")
            except MalformedError:
                yield LintFinding(f"the extension {oid} cannot be read", CRL_EXTENSIONS)


def _is_shortest(encoded: bytes) -> bool:
    """Whether an INTEGER is in its fewest octets (X.690, 8.3.2)."""
    first, second = (*encoded[2:4], 0, 0)[:2]
    is_long = len(encoded) > 3 and (first, second & 0x80) in {(0x00, 0x00), (0xFF, 0x80)}
    return not is_long
