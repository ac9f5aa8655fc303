"""The EAC PKI of a State: the names of its keys and files.

DIR/terminal/cvca.cvcert    the trust point of chips
DIR/terminal/dv.cvcert      the domestic Document Verifier's certificate
DIR/terminal/is.cvcert      the inspection system's certificate; its key is is.p8
"""

from typing import Final

FOLDER: Final = "terminal"
TRUST_POINT: Final = "cvca.cvcert"
DV_CERTIFICATE: Final = "dv.cvcert"
IS_CERTIFICATE: Final = "is.cvcert"
IS_KEY: Final = "is"
CVCA_LABEL: Final = "cvca-1"
DOCUMENT_VERIFIER_LABEL: Final = "dv-1"
