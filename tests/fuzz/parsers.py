"""The registry of fuzzed parsers: those of `emrtd` that accept octets, the intake's, the SPOC's.

`PARSERS` are the functions that read octets from an untrusted source.  `NOT_PARSERS` are all others
that accept octets, each with the reason.  A new function that is in neither fails `test_registry`.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from emrtd import tlv
from emrtd.access import terminal_authentication
from emrtd.access.chip_keys import ChipKeys
from emrtd.access.pace import messages
from emrtd.asn1 import ber, der, schema
from emrtd.biometrics import cbeff
from emrtd.biometrics.images import headers, png, wsq_rate
from emrtd.biometrics.iso19794.face import FaceRecord
from emrtd.biometrics.iso19794.finger import FingerRecord
from emrtd.biometrics.iso19794.iris import IrisRecord
from emrtd.crypto import domain_parameters, private_keys, public_keys, signatures
from emrtd.errors import ProtocolError
from emrtd.globalplatform import key_information
from emrtd.globalplatform.emrtd_groupings import FilePart, NewFile
from emrtd.globalplatform.initialize_update import InitializeUpdateAnswer
from emrtd.globalplatform.personalisation import read_groupings, read_install
from emrtd.globalplatform.put_key import NewKeys, WrongCheckValueError
from emrtd.iso7816 import odd_ins
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.life_cycle import life_cycle_status
from emrtd.lds import answer_to_reset, lds2, recognition, registry
from emrtd.lds.data_groups.permit import Permit
from emrtd.lds.files import FileID
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.lds.security.security_object import SecurityObject
from emrtd.mrz import Mrz
from emrtd.pki import private_key_file
from emrtd.pki.cms import enveloped
from emrtd.pki.cms.bundle import read_bundle
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.cms.signed_stream import read_signed_stream
from emrtd.pki.cms.transfer import read_transferred
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.requests import CvRequest
from emrtd.pki.cvc.validation import TrustState
from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.lists.ldif import read_ldif
from emrtd.pki.lists.master_list import MasterList
from emrtd.pki.lists.stop_list import StopList
from emrtd.pki.pem import decode_pem
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from personalise.intake.archive import find_applications, open_archive
from personalise.intake.archive_rules import Limits
from personalise.intake.refusals import RefusedPackageError
from personalise.intake.spool import Spool
from personalise.spoc import dv_soap, soap
from personalise.spoc.messages import Operation
from personalise.spoc.xml_reader import read_xml
from support.errors import ChipsealError, MalformedError, MisuseError
from support.secret import Secret
from tests.fuzz import seeds

Seeds = Callable[[], list[bytes]]


@dataclass(frozen=True)
class Parser:
    """A parser: its dotted name, valid octets to mutate, and the errors that it may raise.

    `calls` is how many mutations it gets: fewer if a call takes milliseconds.
    """

    name: str
    parse: Callable[[bytes], object]
    seeds: Seeds
    raises: tuple[type[ChipsealError], ...] = (MalformedError,)
    calls: int = 300


def _file(file_id: FileID) -> Seeds:
    return partial(seeds.files, file_id)


def _any_file() -> list[bytes]:
    return [octets for file_id in FileID for octets in seeds.files(file_id)]


def _read_archive(octets: bytes) -> dict[str, bytes]:
    content = Spool()
    content.write(octets)
    archive = open_archive(content, Limits(octets=1 << 20))
    find_applications(archive.names, Limits())
    return {name: archive.read(name, 1 << 20) for name in archive.names}


ELEMENTARY_FILES = [
    Parser(f"emrtd.lds.registry.decode({each.name})", partial(registry.decode, each), _file(each))
    for each in FileID
]

PARSERS = [
    *ELEMENTARY_FILES,
    Parser("emrtd.tlv.read", partial(tlv.read, what="octets"), _any_file),
    Parser("emrtd.tlv.read_first", partial(tlv.read_first, what="octets"), _any_file),
    Parser("emrtd.tlv.read_expected", lambda o: tlv.read_expected(o, 0x61, "octets"), _any_file),
    Parser("emrtd.tlv.read_all", partial(tlv.read_all, what="octets"), _any_file),
    Parser("emrtd.tlv.read_padded", partial(tlv.read_padded, what="octets"), _any_file),
    Parser("emrtd.tlv.declared_size", partial(tlv.declared_size, what="octets"), _any_file),
    Parser("emrtd.asn1.ber.read", partial(ber.read, what="octets"), seeds.certificates),
    Parser("emrtd.asn1.ber.read_first", partial(ber.read_first, what="octets"), seeds.certificates),
    Parser("emrtd.asn1.ber.size_of", partial(ber.size_of, what="octets"), seeds.certificates),
    Parser("emrtd.asn1.ber.is_indefinite", ber.is_indefinite, seeds.certificates),
    Parser("emrtd.asn1.ber.joined", partial(ber.joined, what="octets"), seeds.segments),
    Parser("emrtd.asn1.ber.definite", partial(ber.definite, what="octets"), seeds.certificates),
    Parser(
        "emrtd.asn1.der.read_oid_value",
        partial(der.read_oid_value, what="octets"),
        lambda: [bytes.fromhex("2A864886F70D010702"), bytes.fromhex("04007F00070202040202")],
    ),
    Parser(
        "emrtd.asn1.schema.check_elements",
        partial(schema.check_elements, what="octets"),
        seeds.certificates,
    ),
    Parser("emrtd.access.chip_keys.ChipKeys.decode", ChipKeys.decode, seeds.chip_keys),
    Parser(
        "emrtd.access.pace.messages.AuthenticationTemplate.decode",
        messages.AuthenticationTemplate.decode,
        seeds.authentication_templates,
    ),
    Parser("emrtd.access.pace.messages.decode", messages.decode, seeds.dynamic_data),
    Parser(
        "emrtd.access.pace.messages.decode_answer",
        lambda octets: messages.decode_answer(octets, messages.Tag.CHIP_TOKEN),
        seeds.dynamic_data,
    ),
    Parser(
        "emrtd.access.terminal_authentication.read_auxiliary_data",
        terminal_authentication.read_auxiliary_data,
        seeds.auxiliary_data,
    ),
    Parser(
        "emrtd.biometrics.cbeff.BiometricGroup.decode",
        lambda octets: cbeff.BiometricGroup.decode(octets, 0x75, "DG2"),
        _file(FileID.DG2),
    ),
    Parser(
        "emrtd.biometrics.iso19794.face.FaceRecord.decode",
        FaceRecord.decode,
        partial(seeds.records, FileID.DG2),
    ),
    Parser(
        "emrtd.biometrics.iso19794.finger.FingerRecord.decode",
        FingerRecord.decode,
        partial(seeds.records, FileID.DG3),
    ),
    Parser(
        "emrtd.biometrics.iso19794.iris.IrisRecord.decode",
        IrisRecord.decode,
        partial(seeds.records, FileID.DG4),
    ),
    *(
        Parser(
            f"emrtd.biometrics.iso39794.data_block.DataBlock.decode({kind.__name__})",
            kind.decode,
            blocks,
        )
        for kind, blocks in seeds.DATA_BLOCKS
    ),
    Parser("emrtd.biometrics.images.headers.identify", headers.identify, seeds.images),
    Parser("emrtd.biometrics.images.headers.sniff", headers.sniff, seeds.images),
    Parser("emrtd.biometrics.images.png.show", png.show, seeds.images),
    Parser("emrtd.biometrics.images.png.to_png", png.to_png, seeds.images),
    Parser(
        "emrtd.biometrics.images.wsq_rate.shrink",
        partial(wsq_rate.shrink, target=4096),
        seeds.images,
        (MalformedError, MisuseError),
        calls=20,
    ),
    Parser(
        "emrtd.crypto.domain_parameters.decode_domain_parameters",
        domain_parameters.decode_domain_parameters,
        seeds.domain_parameters,
        (MalformedError, ProtocolError),
    ),
    Parser(
        "emrtd.crypto.domain_parameters.decode_agreement_key",
        domain_parameters.decode_agreement_key,
        seeds.agreement_keys,
        (MalformedError, ProtocolError),
    ),
    Parser(
        "emrtd.crypto.public_keys.decode_public_key",
        public_keys.decode_public_key,
        seeds.public_keys,
        (MalformedError, ProtocolError),
    ),
    Parser(
        "emrtd.crypto.private_keys.load_private_key",
        lambda octets: private_keys.load_private_key(Secret(octets)),
        seeds.private_keys,
        (MalformedError, MisuseError),
    ),
    Parser("emrtd.crypto.signatures.ecdsa_decode", signatures.ecdsa_decode, seeds.signatures),
    Parser(
        "emrtd.crypto.signatures.ecdsa_is_canonical",
        signatures.ecdsa_is_canonical,
        seeds.signatures,
    ),
    Parser(
        "emrtd.globalplatform.initialize_update.InitializeUpdateAnswer.decode",
        InitializeUpdateAnswer.decode,
        seeds.initialize_update_answers,
    ),
    Parser(
        "emrtd.globalplatform.put_key.NewKeys.decode",
        lambda octets: NewKeys.decode(octets, seeds.DEK),
        seeds.new_keys,
        raises=(MalformedError, WrongCheckValueError),
    ),
    Parser(
        "emrtd.globalplatform.key_information.read_key_information",
        key_information.read_key_information,
        seeds.key_information,
    ),
    Parser(
        "emrtd.globalplatform.personalisation.read_groupings",
        lambda octets: list(read_groupings(octets)),
        seeds.groupings,
    ),
    Parser(
        "emrtd.globalplatform.personalisation.read_install",
        read_install,
        lambda: [bytes.fromhex("000007A0000002471001000000")],
    ),
    Parser(
        "emrtd.globalplatform.emrtd_groupings.NewFile.read",
        NewFile.read,
        lambda: [bytes.fromhex("0101010100005D")],
    ),
    Parser(
        "emrtd.globalplatform.emrtd_groupings.FilePart.read",
        FilePart.read,
        lambda: [bytes.fromhex("01010100000061025A5A")],
    ),
    Parser("emrtd.iso7816.apdu.CommandAPDU.decode", CommandAPDU.decode, seeds.commands),
    Parser("emrtd.iso7816.apdu.ResponseAPDU.decode", ResponseAPDU.decode, seeds.responses),
    Parser(
        "emrtd.iso7816.odd_ins.decode_answer",
        partial(odd_ins.decode_answer, what="EF"),
        seeds.odd_ins_data_fields,
    ),
    Parser(
        "emrtd.iso7816.life_cycle.life_cycle_status",
        life_cycle_status,
        seeds.control_parameters,
    ),
    Parser("emrtd.iso7816.odd_ins.decode_data", odd_ins.decode_data, seeds.odd_ins_data_fields),
    Parser("emrtd.iso7816.odd_ins.decode_offset", odd_ins.decode_offset, seeds.odd_ins_data_fields),
    Parser(
        "emrtd.lds.answer_to_reset.historical_bytes", answer_to_reset.historical_bytes, seeds.atrs
    ),
    Parser(
        "emrtd.lds.answer_to_reset.card_capabilities", answer_to_reset.card_capabilities, seeds.atrs
    ),
    *(
        Parser(f"emrtd.lds.lds2.SignedRecord.decode({kind.__name__})", kind.decode, records)
        for kind, records in seeds.LDS2_RECORDS
    ),
    Parser(
        "emrtd.lds.lds2.CertificateRecord.decode",
        lds2.CertificateRecord.decode,
        seeds.certificate_records,
    ),
    Parser(
        "emrtd.lds.lds2.AdditionalBiometrics.decode",
        lds2.AdditionalBiometrics.decode,
        seeds.additional_biometrics,
    ),
    Parser("emrtd.lds.data_groups.permit.Permit.claims", Permit.claims, seeds.permits),
    Parser("emrtd.lds.data_groups.permit.Permit.decode", Permit.decode, seeds.permits),
    Parser("emrtd.lds.recognition.recognise", recognition.recognise, _any_file),
    Parser("emrtd.lds.recognition.is_text", recognition.is_text, _any_file),
    Parser(
        "emrtd.lds.security.security_infos.SecurityInfos.decode",
        SecurityInfos.decode,
        _file(FileID.CARD_ACCESS),
    ),
    Parser(
        "emrtd.lds.security.security_object.SecurityObject.decode",
        SecurityObject.decode,
        seeds.security_objects,
    ),
    Parser(
        "emrtd.mrz.zone.Mrz.parse",
        lambda octets: Mrz.parse(octets.decode("latin-1")),
        lambda: [usual.encode("ascii") for usual in seeds.ZONES],
    ),
    Parser("emrtd.pki.x509.certificates.Certificate.parse", Certificate.parse, seeds.certificates),
    Parser("emrtd.pki.x509.crl.Crl.parse", Crl.parse, seeds.revocation_lists),
    Parser(
        "emrtd.pki.cvc.certificates.CvCertificate.decode",
        CvCertificate.decode,
        seeds.cv_certificates,
    ),
    Parser("emrtd.pki.cvc.requests.CvRequest.decode", CvRequest.decode, seeds.cv_requests),
    Parser("emrtd.pki.cvc.validation.TrustState.decode", TrustState.decode, seeds.trust_states),
    Parser("emrtd.pki.lists.defect_list.DefectList.parse", DefectList.parse, seeds.signed_lists),
    Parser(
        "emrtd.pki.lists.deviation_list.DeviationList.parse",
        DeviationList.parse,
        seeds.signed_lists,
    ),
    Parser("emrtd.pki.cms.enveloped.recipients_of", enveloped.recipients_of, seeds.envelopes),
    Parser(
        "emrtd.pki.cms.enveloped.open_envelope",
        lambda octets: enveloped.open_envelope(octets, seeds.STATION),
        seeds.envelopes,
        (MalformedError, ProtocolError, MisuseError),
    ),
    Parser(
        "emrtd.pki.cms.enveloped.open_envelope(RSA)",
        lambda octets: enveloped.open_envelope(octets, seeds.RSA),
        seeds.envelopes,
        (MalformedError, ProtocolError),
    ),
    Parser(
        "emrtd.pki.cms.enveloped.Envelope.read",
        lambda octets: enveloped.Envelope.read(io.BytesIO(octets)),
        seeds.envelopes,
    ),
    Parser(
        "emrtd.pki.cms.signed_stream.read_signed_stream",
        lambda octets: read_signed_stream(io.BytesIO(octets), lambda _: None),
        seeds.signed_data,
    ),
    Parser(
        "emrtd.pki.cms.bundle.read_bundle",
        partial(read_bundle, what="bundle"),
        lambda: [*seeds.signed_data(), *seeds.bundles()],
    ),
    Parser(
        "emrtd.pki.cms.transfer.read_transferred",
        partial(read_transferred, what="package"),
        seeds.transferred,
    ),
    Parser(
        "emrtd.pki.lists.ldif.read_ldif",
        lambda octets: list(read_ldif(octets.splitlines(keepends=True))),
        seeds.ldif,
    ),
    Parser("emrtd.pki.lists.stop_list.StopList.parse", StopList.parse, seeds.stop_lists),
    Parser("emrtd.pki.lists.master_list.MasterList.parse", MasterList.parse, seeds.master_lists),
    Parser("emrtd.pki.pem.decode_pem", lambda octets: list(decode_pem(octets, "PEM")), seeds.pem),
    Parser(
        "emrtd.pki.private_key_file.decrypt_private_key",
        lambda octets: private_key_file.decrypt_private_key(octets, seeds.PASSPHRASE),
        seeds.private_key_files,
        (MalformedError, MisuseError),
        calls=20,
    ),
    Parser("emrtd.pki.cms.signed_data.SignedData.parse", SignedData.parse, seeds.signed_data),
    Parser("personalise.spoc.xml_reader.read_xml", read_xml, seeds.soap_messages),
    Parser("personalise.spoc.soap.decode", soap.decode, seeds.soap_messages),
    Parser(
        "personalise.spoc.soap.decode_response",
        partial(soap.decode_response, operation=Operation.REQUEST_CERTIFICATE),
        seeds.soap_messages,
        raises=(MalformedError, soap.FaultError),
    ),
    Parser("personalise.spoc.dv_soap.decode_message", dv_soap.decode_message, seeds.soap_messages),
    Parser(
        "personalise.intake.archive.open_archive",
        _read_archive,
        seeds.archives,
        (RefusedPackageError,),
    ),
]

_OURS = "its octets are made by the caller"
_INNER = "is called by a parser of this registry, with octets that this has checked"
_ELSEWHERE = "calls a parser of this registry first, and tests/emrtd has hostile input for it"

NOT_PARSERS = {
    "emrtd.pki.x509.free_writer.write_certificate": _OURS,
    "emrtd.pki.x509.free_writer.write_crl": _OURS,
    "emrtd.transport.trace.name_of": "reads a command of ours with CommandAPDU.decode",
    "emrtd.access.pace.agreement.require_different": "compares octets, without parsing them",
    "emrtd.access.terminal_authentication.signed_message": _OURS,
    "emrtd.asn1.der.sequence": _OURS,
    "emrtd.asn1.der.set_of": _OURS,
    "emrtd.asn1.der.octet_string": _OURS,
    "emrtd.asn1.der.bit_string": _OURS,
    "emrtd.biometrics.cbeff.BiometricHeader.of": _OURS,
    "emrtd.globalplatform.personalisation.install_for_personalisation": _OURS,
    "emrtd.globalplatform.security_domain.terminate_card": _OURS,
    "emrtd.biometrics.images.colours.profile_of": _INNER,
    "emrtd.lds.data_groups.biometric_group.BiometricRecord.decode": "an interface, whose records"
    " are in PARSERS",
    "emrtd.biometrics.images.decoder.decoded": _INNER,
    "emrtd.biometrics.images.decoding.check_bounds": _INNER,
    "emrtd.biometrics.images.decoding.count_scans": _INNER,
    "emrtd.biometrics.images.decoding.decode": "runs in a separate process, for to_png",
    "emrtd.biometrics.images.decoding.decode_partial": "runs in a separate process, for show",
    "emrtd.biometrics.images.decoding.decode_with_pillow": _INNER,
    "emrtd.biometrics.images.decoding.look": "runs in a separate process, for look",
    "emrtd.biometrics.images.decoding_process.split": _OURS,
    "emrtd.biometrics.images.decoding.with_an_end": _INNER,
    "emrtd.biometrics.images.headers.boxes": _INNER,
    "emrtd.biometrics.images.fingerprint.fit_fingerprint": _ELSEWHERE,
    "emrtd.biometrics.images.portrait.fit": _ELSEWHERE,
    "emrtd.biometrics.images.wsq_entropy.read_block": _INNER,
    "emrtd.biometrics.images.wsq_huffman.HuffmanTable.decode": _INNER,
    "emrtd.biometrics.images.wsq_library.compress": _OURS,
    "emrtd.biometrics.images.wsq_library.decompress": "runs in a separate process, for to_png",
    "emrtd.biometrics.iso19794.fixed_layout.image_octets": _INNER,
    "emrtd.biometrics.quality.fingerprint.assess_fingerprint": _ELSEWHERE,
    "emrtd.biometrics.quality.pixels.decode_one": _ELSEWHERE,
    "emrtd.biometrics.quality.portrait.assess_portrait": _ELSEWHERE,
    "emrtd.biometrics.samples.FaceImage.of": _ELSEWHERE,
    "emrtd.biometrics.samples.FingerImage.of": _ELSEWHERE,
    "emrtd.biometrics.samples.IrisImage.of": _ELSEWHERE,
    "emrtd.crypto.ciphers.pad": _OURS,
    "emrtd.crypto.ciphers.unpad": "tests/emrtd/crypto/test_ciphers.py; its input has a good MAC",
    "emrtd.crypto.key_derivation.derive_key": _OURS,
    "emrtd.crypto.key_derivation.derive_session_keys": _OURS,
    "emrtd.crypto.signatures.ecdsa_to_plain": _INNER,
    "emrtd.crypto.signatures.ecdsa_from_plain": _INNER,
    "emrtd.iso7816.life_cycle.read_control_parameters": _OURS,
    "emrtd.iso7816.odd_ins.encode_data": _OURS,
    "emrtd.iso7816.selecting.select_application": _OURS,
    "emrtd.pki.x509.algorithms.surplus_zeros": _INNER,
    "emrtd.pki.cms.enveloped.seal": _OURS,
    "emrtd.pki.cms.recipients.encrypt_key": _OURS,
    "emrtd.pki.x509.extension_writer.authority_key_identifier": _OURS,
    "emrtd.pki.x509.extension_writer.subject_key_identifier": _OURS,
    "emrtd.pki.path.differ_in_one_octet": "compares octets, without parsing them",
    "emrtd.pki.pem.encode_pem": _OURS,
    "emrtd.transport.trace.describe": "tests/emrtd/transport/test_trace.py; it shows only lengths",
}
