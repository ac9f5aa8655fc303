"""Changes of a PKI's settings, each with its reason in the audit log."""

from typing import Any, Final

import msgspec

from personalise.pki.operations import PkiOperations
from personalise.pki.settings import Settings, changed
from support.errors import MisuseError

CHANGE: Final = "settings.change"
CHANGEABLE: Final = frozenset(
    {
        "crl_urls", "cv_validity", "document_signer_name", "document_types",
        "documents_per_signer", "email", "ledger", "url", "validity",
    }
)  # fmt: skip
"""The settings that an officer may change: they apply to what is made from then on."""


def change_setting(operations: PkiOperations, field: str, value: object, reason: str) -> Settings:
    """Change a setting for a reason, which the log has with the values before and after.

    `field` is one of `CHANGEABLE`, dotted below a table.  Raises `MisuseError` or `FieldError`.
    """
    if not reason.strip():
        raise MisuseError("a setting is changed for a reason", advice="give --reason")
    *tables, name = field.split(".")
    if (tables or [name])[0] not in CHANGEABLE:
        raise MisuseError(
            f"{field!r} is not a setting that can be changed",
            advice=f"choose from {', '.join(sorted(CHANGEABLE))}",
        )
    record: dict[str, Any] = msgspec.to_builtins(operations.pki.settings)
    place = record
    for each in tables:
        place = place.get(each, {})
        if not isinstance(place, dict):
            raise MisuseError(f"{each!r} is no table of settings")
    before, place[name] = place.get(name), value
    settings = changed(operations.pki.settings, **record)
    subject = {
        "field": field,
        "before": msgspec.json.encode(before).decode(),
        "after": msgspec.json.encode(value).decode(),
        "reason": reason.strip(),
    }
    with operations.operation(CHANGE, subject):
        operations.pki.save(settings)
    return settings
