"""Errors of real issuers that Chipseal reads past, each by a name that a policy can refuse."""

from enum import StrEnum, unique
from typing import Self


@unique
class Quirk(StrEnum):
    """A quirk of certificates, CRLs and signatures, by its stable name."""

    explanation: str

    def __new__(cls, value: str, explanation: str) -> Self:
        """Make a member with its name and its explanation."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.explanation = explanation
        return member

    @property
    def id(self) -> str:
        """The stable name."""
        return self.value

    INDEFINITE_LENGTH = "asn1.indefinite-length", "BER indefinite lengths where DER is required"
    LONG_LENGTH = "asn1.long-length", "length fields longer than DER allows"

    ECDSA_NULL = "algorithm.ecdsa-null", "an ECDSA algorithm with NULL parameters"
    RSA_NO_NULL = "algorithm.rsa-no-null", "an RSA algorithm without its NULL parameters"
    PSS_DEFAULT = "algorithm.pss-default", "an RSA-PSS parameter that DER leaves at its default"
    ALGORITHMS_DIFFER = (
        "algorithm.outer-differs",
        "an algorithm beside the signature that is encoded differently from the signed one",
    )
    DIGESTS_DIFFER = (
        "algorithm.digests-differ",
        "a signature with another hash algorithm than the message digest",
    )
    ATTRIBUTES_ORDER = (
        "signature.attributes-order",
        "signed attributes that are not in DER order",
    )
    UNSIGNED_ATTRIBUTES = "signature.unsigned-attributes", "attributes that are not signed"
    RSA_DIGEST_NO_NULL = (
        "signature.rsa-no-null",
        "an RSA signature of a digest without its NULL parameters",
    )
    ECDSA_ZEROS = "signature.ecdsa-zeros", "ECDSA integers with surplus leading zeros"

    VERSION = "certificate.version", "extensions in a certificate that is not of version 3"
    SERIAL_NOT_POSITIVE = "certificate.serial-not-positive", "a serial number that is not positive"
    SERIAL_LONG = "certificate.serial-long", "a serial number of more than 20 octets"
    SERIAL_PADDED = "certificate.serial-padded", "a serial number with superfluous leading octets"
    EXTRA_DATA = "certificate.extra-data", "fields in a certificate that X.509 does not define"
    UNIQUE_ID = "certificate.unique-id", "a unique identifier, which Doc 9303-12 forbids"
    TIME_FORM = "certificate.time-form", "a time that is not written to the second in UTC"
    TIME_TYPE = "certificate.time-type", "a date before 2050 that is not a UTCTime"
    DEFAULT_ENCODED = "certificate.default-encoded", "a default value that DER does not write"
    EXTENSION_TWICE = "certificate.extension-twice", "an extension that occurs twice"
    EXTENSION_MALFORMED = "certificate.extension-malformed", "an extension that cannot be read"
    PATH_LENGTH_NO_CA = "certificate.path-length-without-ca", "a path length without the CA flag"
    DOCUMENT_TYPES = "certificate.document-types", "a document type list in a wrong encoding"
    DOCUMENT_TYPES_OID = (
        "certificate.document-types-oid",
        "a document type list under the identifier of an old draft",
    )
    BOOLEAN_FORM = "certificate.boolean-form", "a BOOLEAN in a form that DER does not write"
    SOD_NO_TAG = "sod.no-tag", "an EF.SOD without its tag 77"
    SOD_NO_CERTIFICATE = (
        "sod.no-certificate",
        "an EF.SOD of version 1 without its Document Signer's certificate",
    )
    SOD_CONTENT_TYPE = "sod.content-type", "an EF.SOD whose content type is not LDSSecurityObject"
    SOD_VERSION = (
        "sod.version",
        "an LDSSecurityObject with the version number of another LDS version",
    )
    COUNTRY_CASE = "name.country-case", "a country that is not in upper case"
    ISSUER_NAME_FORM = (
        "name.issuer-form",
        "an issuer name that differs from the CSCA's own in order, case or string type",
    )
    ISSUER_NAME = "name.issuer", "an issuer name that is not the name of the CSCA with this key"
    SIGNER_NAME_FORM = (
        "name.signer-form",
        "a signer identifier that differs from the issuer's name in order, case or string type",
    )
    SIGNER_NAME = "name.signer", "a signer identifier with another name than the issuer's"

    NO_AUTHORITY_KEY = "profile.no-authority-key", "no authority key identifier"
    OTHER_AUTHORITY_KEY = (
        "profile.other-authority-key",
        "an authority key identifier that is not the CSCA's subject key identifier",
    )
    NO_KEY_USAGE = "profile.no-key-usage", "no key usage"
    KEY_USAGE_NOT_CRITICAL = "profile.key-usage-not-critical", "a key usage that is not critical"
    NO_USAGE_PERIOD = "profile.no-usage-period", "no private-key usage period"
    USAGE_PERIOD_SHIFTED = (
        "profile.usage-period-shifted",
        "a signature outside the private-key usage period, by less than a day",
    )
    NO_DOCUMENT_TYPES = "profile.no-document-types", "no list of document types"
    PATH_LENGTH = "profile.path-length", "a CSCA whose path length is not 0"
    EXTENDED_KEY_USAGE = (
        "profile.extended-key-usage",
        "a Document Signer with an extended key usage",
    )
