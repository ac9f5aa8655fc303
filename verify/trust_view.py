"""What a judgement asks of a trust store; `verify.trust_store.TrustStore` answers it."""

from collections.abc import Sequence
from typing import Protocol

from emrtd.pki.defect_list import DefectList
from emrtd.pki.deviation_list import DeviationList
from emrtd.pki.trust import TrustView


class JudgementTrust(TrustView, Protocol):
    """Anchors, signers and CRLs, and what States and inspectors say of faulty documents."""

    def deviation_lists(self, country: str) -> Sequence[DeviationList]:
        """The Deviation Lists of a State (two letters), whose signers were verified."""
        ...

    def defect_lists(self) -> Sequence[DefectList]:
        """The Defect Lists of inspectors whom the store trusts."""
        ...
