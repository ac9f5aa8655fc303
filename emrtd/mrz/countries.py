"""Codes of States and organizations: three letters in the MRZ, two in a certificate's country.

Doc 9303-3, 5: the codes of ISO 3166-1, and the other codes that the clause lists.
"""

from typing import Final

_ISO_3166_1: Final = """
    ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ ATFTF ATGAG AUSAU
    AUTAT AZEAZ BDIBI BELBE BENBJ BESBQ BFABF BGDBD BGRBG BHRBH BHSBS BIHBA BLMBL BLRBY BLZBZ
    BMUBM BOLBO BRABR BRBBB BRNBN BTNBT BVTBV BWABW CAFCF CANCA CCKCC CHECH CHLCL CHNCN CIVCI
    CMRCM CODCD COGCG COKCK COLCO COMKM CPVCV CRICR CUBCU CUWCW CXRCX CYMKY CYPCY CZECZ DJIDJ
    DMADM DNKDK DOMDO DZADZ ECUEC EGYEG ERIER ESHEH ESPES ESTEE ETHET FINFI FJIFJ FLKFK FRAFR
    FROFO FSMFM GABGA GBRGB GEOGE GGYGG GHAGH GIBGI GINGN GLPGP GMBGM GNBGW GNQGQ GRCGR GRDGD
    GRLGL GTMGT GUFGF GUMGU GUYGY HKGHK HMDHM HNDHN HRVHR HTIHT HUNHU IDNID IMNIM INDIN IOTIO
    IRLIE IRNIR IRQIQ ISLIS ISRIL ITAIT JAMJM JEYJE JORJO JPNJP KAZKZ KENKE KGZKG KHMKH KIRKI
    KNAKN KORKR KWTKW LAOLA LBNLB LBRLR LBYLY LCALC LIELI LKALK LSOLS LTULT LUXLU LVALV MACMO
    MAFMF MARMA MCOMC MDAMD MDGMG MDVMV MEXMX MHLMH MKDMK MLIML MLTMT MMRMM MNEME MNGMN MNPMP
    MOZMZ MRTMR MSRMS MTQMQ MUSMU MWIMW MYSMY MYTYT NAMNA NCLNC NERNE NFKNF NGANG NICNI NIUNU
    NLDNL NORNO NPLNP NRUNR NZLNZ OMNOM PAKPK PANPA PCNPN PERPE PHLPH PLWPW PNGPG POLPL PRIPR
    PRKKP PRTPT PRYPY PSEPS PYFPF QATQA REURE ROURO RUSRU RWARW SAUSA SDNSD SENSN SGPSG SGSGS
    SHNSH SJMSJ SLBSB SLESL SLVSV SMRSM SOMSO SPMPM SRBRS SSDSS STPST SURSR SVKSK SVNSI SWESE
    SWZSZ SXMSX SYCSC SYRSY TCATC TCDTD TGOTG THATH TJKTJ TKLTK TKMTM TLSTL TONTO TTOTT TUNTN
    TURTR TUVTV TWNTW TZATZ UGAUG UKRUA UMIUM URYUY USAUS UZBUZ VATVA VCTVC VENVE VGBVG VIRVI
    VNMVN VUTVU WLFWF WSMWS YEMYE ZAFZA ZMBZM ZWEZW
"""

_PART_A: Final = {
    "D": "DE", "GBD": "GB", "GBN": "GB", "GBO": "GB", "GBP": "GB", "GBS": "GB", "RKS": "KS",
}  # fmt: skip
"""Part A: the codes that are not in ISO 3166-1."""
_PARTS_B_AND_C: Final = {"EUE": "EU", "UNO": "UN", "UNA": "UN", "UNK": "UN"}
"""The European Union and the United Nations."""
_PART_D: Final = frozenset(
    {"XBA", "XCC", "XCE", "XCO", "XDC", "XEC", "XES", "XIM", "XMP", "XOM", "XPO"}
)
"""Other issuing authorities, which have no two-letter code."""
_PART_E: Final = frozenset({"XXA", "XXB", "XXC", "XXX"})
"""Persons without a defined nationality."""
_PART_F: Final = {"ANT": "AN", "NTZ": "NT"}
"""No longer in ISO 3166-1: read, and never written."""
SPECIMEN_STATE: Final = "UTO"
"""Part G: Utopia."""

_CURRENT: Final = {
    **{code[:3]: code[3:] for code in _ISO_3166_1.split()},
    **_PART_A,
    **_PARTS_B_AND_C,
}
_TWO_LETTERS: Final = {**_CURRENT, **_PART_F, SPECIMEN_STATE: "UT"}
_THREE_LETTERS: Final = {two: three for three, two in reversed(_TWO_LETTERS.items())}
"""The first code in the MRZ for each two letters: GBR for GB, and not GBD."""

_MEANT: Final = {
    "DEU": "D", "GER": "D", "DDR": "D", "UK": "GBR", "ENG": "GBR", "SCO": "GBR", "WAL": "GBR",
    "XK": "RKS", "XKX": "RKS", "XKO": "RKS", "KOS": "RKS", "KSV": "RKS", "RK": "RKS",
    "ZAR": "COD", "ROM": "ROU", "BUR": "MMR", "TMP": "TLS", "TP": "TLS", "HVO": "BFA",
    "DHY": "BEN", "RHO": "ZWE", "EL": "GRC", "SUI": "CHE", "NED": "NLD", "HOL": "NLD",
    "DEN": "DNK", "POR": "PRT", "GRE": "GRC", "CRO": "HRV", "SLO": "SVN", "BUL": "BGR",
    "LAT": "LVA", "KSA": "SAU", "UAE": "ARE", "RSA": "ZAF", "PHI": "PHL", "EUU": "EUE",
}  # fmt: skip
"""Codes of other lists (ISO 3166-1 and -3, sport), and that of Doc 9303-3 for the same State."""


def two_letter_code(issuing_state: str) -> str | None:
    """Return the two-letter code for an issuing State in the MRZ ("D", "UTO"), fillers ignored.

    None for a code without one, such as those of the organizations of Doc 9303-3, 5, Part D.
    """
    return _TWO_LETTERS.get(issuing_state.rstrip("<"))


def has_mrz_code(two_letters: str | None) -> bool:
    """Whether a certificate's country has a code in the MRZ; "ZZ", for example, has none."""
    return two_letters in _TWO_LETTERS.values()


def is_issuing_authority(code: str) -> bool:
    """Whether new documents may have this code of their issuing State: Parts A to D, and UTO."""
    return code in _CURRENT or code in _PART_D or code == SPECIMEN_STATE


def is_nationality(code: str, issuing_state: str) -> bool:
    """Whether new documents of this State may have this code of the holder's nationality.

    Parts A to E; Part G (UTO) only if the State is UTO too.
    """
    if code == SPECIMEN_STATE:
        return issuing_state == SPECIMEN_STATE
    return is_issuing_authority(code) or code in _PART_E


def is_deprecated(code: str) -> bool:
    """Whether the code is in Part F, which only documents of the past have."""
    return code in _PART_F


def probably_meant(code: str) -> str | None:
    """Return the code of Doc 9303-3, 5 for a code of another list: D for DEU and DE, GBR for GB.

    None if the code is not known either, or if it has no single successor.
    """
    meant = _MEANT.get(code) or _THREE_LETTERS.get(code)
    return None if meant is None or is_deprecated(meant) else meant
