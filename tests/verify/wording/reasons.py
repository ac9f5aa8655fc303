"""Every sentence that can be the reason of a check or of a fault, found in the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.helpers import REPOSITORY

PLACES = (
    "emrtd/access", "emrtd/asn1", "emrtd/biometrics/cbeff.py", "emrtd/biometrics/iso19794",
    "emrtd/biometrics/iso39794", "emrtd/biometrics/images/decoder.py",
    "emrtd/biometrics/images/decoding.py", "emrtd/biometrics/images/headers.py",
    "emrtd/biometrics/images/standing_process.py", "emrtd/biometrics/images/wsq_library.py",
    "emrtd/crypto", "emrtd/errors.py", "emrtd/iso7816", "emrtd/lds", "emrtd/mrz",
    "emrtd/pki/cms", "emrtd/pki/cvc", "emrtd/pki/passive.py", "emrtd/pki/path.py",
    "emrtd/pki/quirks.py", "emrtd/pki/revocation.py", "emrtd/pki/signer_profile.py",
    "emrtd/pki/x509", "emrtd/status_words.py", "emrtd/tlv.py",
    "verify/inspection", "verify/judging", "verify/session/judging.py", "verify/showing/images.py",
)  # fmt: skip
"""The modules through which a document passes from its chip to its report."""

ELSEWHERE = (
    "emrtd/access/chip_keys.py", "emrtd/access/password_state.py", "emrtd/access/passwords.py",
    "emrtd/crypto/checked_signer.py", "emrtd/crypto/key_kinds.py", "emrtd/crypto/oaep.py",
    "emrtd/crypto/private_keys.py", "emrtd/lds/image.py", "emrtd/lds/lds2.py",
    "emrtd/lds/signing.py", "emrtd/lds/zip_entries.py", "emrtd/lds/zipped_images.py",
    "emrtd/mrz/countries.py", "emrtd/mrz/names.py", "emrtd/mrz/transliteration.py",
    "emrtd/mrz/transliteration_tables.py",
    "emrtd/pki/cms/bundle.py", "emrtd/pki/cms/content_encryption.py",
    "emrtd/pki/cms/enveloped.py", "emrtd/pki/cms/recipients.py", "emrtd/pki/cms/signed_stream.py",
    "emrtd/pki/cms/transfer.py", "emrtd/pki/cvc/issuing.py", "emrtd/pki/cvc/requests.py",
    "emrtd/pki/x509/extension_writer.py", "emrtd/pki/x509/issuing.py", "emrtd/pki/x509/spoc.py",
    "verify/inspection/terminal_folder.py", "verify/judging/evidence.py",
    "verify/judging/optical.py", "verify/judging/policy.py", "verify/judging/tr03135.py",
)  # fmt: skip
"""Modules among them that write, or that read what an operator gives to a command."""

MISTAKES = {
    "MisuseError", "ElementError", "ValueError", "AssertionError", "TypeError", "KeyError",
    "NotImplementedError", "ListenerError", "compile", "getLogger", "wording", "Schema", "fromhex",
    "startswith", "endswith", "partition",
}  # fmt: skip
"""Calls whose texts are for callers and operators."""

CLAUSE = re.compile(r"(Doc 9303|TR-0|ISO|RFC|none: |FIPS)")
MARKS = frozenset({" in {", ", but got", " but got"})
"""After them, the errors of asn1tools show values."""

SENTENCE = re.compile(r"[A-Za-z]{2}.* |^ .*[a-z]{2}")


def modules() -> list[Path]:
    found = []
    for each in PLACES:
        path = REPOSITORY / each
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [path for path in found if str(path.relative_to(REPOSITORY)) not in ELSEWHERE]


def texts(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the texts of `Reason`s, and the sentences without fields, with their lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            said = text not in MARKS and SENTENCE.search(text) and not CLAUSE.match(text)
            if said and not _is_exempt(node, above):
                yield text, node.lineno


def _is_exempt(node: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    if isinstance(above[node], ast.Expr | ast.FormattedValue):  # a docstring, a format
        return True
    while not isinstance(node, ast.FunctionDef | ast.Module):
        node, below = above[node], node
        annotation = below is getattr(node, "annotation", None) or (
            isinstance(node, ast.Subscript) and below is node.slice
        )
        mistake = isinstance(node, ast.Call) and below is not node.func and _name(node) in MISTAKES
        advice = isinstance(node, ast.keyword) and node.arg == "advice"
        returned = isinstance(node, ast.FunctionDef) and below is node.returns
        if annotation or mistake or advice or returned:
            return True
    return isinstance(node, ast.FunctionDef) and node.name in {"__repr__", "__rich_repr__"}


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def unmade(path: Path) -> Iterator[int]:
    """Yield the lines of f-strings that are sentences: a `Reason` keeps its fields, they do not."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            words = "".join(each.value for each in node.values if isinstance(each, ast.Constant))
            if re.search(r"[a-z]{2}", words) and " " in words and not _is_exempt(node, above):
                yield node.lineno
