"""Section 6 of Doc 9303-3 as data: the transliteration of each letter in the MRZ.

Only capitals are listed, as in the standard; small letters are converted to capitals first.
"""

from enum import StrEnum, unique
from typing import Final


@unique
class Language(StrEnum):
    """The languages for which table B makes exceptions."""

    BELARUSIAN = "be"
    BULGARIAN = "bg"
    MACEDONIAN = "mk"
    SERBIAN = "sr"
    UKRAINIAN = "uk"


def _letters(table: str) -> dict[str, str]:
    """Read lines of a transliteration and the letters it stands for; returns it by letter."""
    rows = (line.split() for line in table.strip().splitlines())
    return {letter: row[0] for row in rows for letter in row[1]}


LATIN: Final = _letters("""
    A   ÀÁÂÃĀĂĄ
    AE  ÄÆ
    AA  Å
    C   ÇĆĈĊČ
    D   ÐĎĐ
    E   ÈÉÊËĒĔĖĘĚ
    G   ĜĞĠĢ
    H   ĤĦ
    I   ÌÍÎÏĨĪĬĮİı
    IJ  Ĳ
    J   Ĵ
    K   Ķ
    L   ĹĻĽĿŁ
    N   ÑŃŅŇŊ
    O   ÒÓÔÕŌŎŐ
    OE  ÖØŒ
    R   ŔŖŘ
    S   ŚŜŞŠ
    SS  ẞ
    T   ŢŤŦ
    TH  Þ
    U   ÙÚÛŨŪŬŮŰŲ
    UE  Ü
    W   Ŵ
    Y   ÝŶŸ
    Z   ŹŻŽ
""")
"""Table A, with the first of its values."""

LATIN_ALTERNATIVES: Final = {
    "Ä": ("A",),
    "Å": ("A",),
    "Ñ": ("NXX",),
    "Ö": ("O",),
    "Ü": ("UXX", "U"),
}
"""Table A: the other values, of which the issuing State may choose one."""

CYRILLIC: Final = _letters("""
    A     А
    B     Б
    C     Һ
    CH    Ч
    D     ДЂ
    DZ    ЅЏ
    E     ЁЕЭ
    F     Ф
    G     ГҐҒ
    I     ІЇИЙ
    IA    Я
    IE    ЄЪ
    IU    Ю
    J     Ј
    K     КЌ
    KH    Х
    L     Л
    LJ    Љ
    M     М
    N     Н
    NJ    Њ
    O     О
    P     П
    R     Р
    S     С
    SH    Ш
    SHCH  Щ
    T     Т
    TS    Ц
    U     УЎѪ
    V     В
    Y     ЫѴ
    Z     З
    ZH    Ж
""") | {
    # Not in the table: it prints Һ and Ғ for Serbian Ћ and Macedonian Ѓ, and leaves
    # out the soft sign, which no State encodes.
    "Ћ": "C",
    "Ѓ": "G",
    "Ь": "",
}
"""Table B, without its exceptions."""

CYRILLIC_EXCEPTIONS: Final = {
    Language.BELARUSIAN: {"Ё": "IO", "Г": "H"},
    Language.BULGARIAN: {"Щ": "SHT"},
    Language.MACEDONIAN: {"Ќ": "KJ", "Џ": "DJ", "Х": "H", "Ц": "C", "Ғ": "GJ", "Ѓ": "GJ"},
    Language.SERBIAN: {"Г": "H", "Ж": "Z", "Х": "H", "Ц": "C", "Ч": "C", "Ш": "S"},
    Language.UKRAINIAN: {"Г": "H", "И": "Y"},
}
"""Table B: the exceptions of each language."""

CYRILLIC_FIRST: Final = {
    Language.UKRAINIAN: {"Є": "YE", "Ї": "YI", "Й": "Y", "Ю": "YU", "Я": "YA"},
}
"""Table B: the exceptions of a language for the first letter of a word."""

ARABIC: Final = _letters("""
    A    ا
    B    ب
    D    د
    E    ع
    F    ف
    G    غ
    H    ه
    I    إ
    J    ج
    K    ك
    L    ل
    M    م
    N    ن
    P    پ
    Q    ق
    R    ر
    S    س
    T    ت
    U    ؤ
    V    ڤ
    W    و
    Y    يې
    Z    ز
    XAA  آ
    XAE  أ
    XAY  ى
    XBE  ۓ
    XC   چ
    XDH  ذ
    XDO  ھ
    XDR  ډ
    XDZ  ض
    XE   ء
    XF   ڥ
    XGE  ۂ
    XGG  گ
    XH   ح
    XI   ئ
    XJ   ژ
    XKE  ځ
    XKH  خ
    XKK  ک
    XNG  ڭ
    XNN  ں
    XRR  ړ
    XRT  ټ
    XRX  ږ
    XSH  ش
    XSS  ص
    XTA  ة
    XTG  ۃ
    XTH  ث
    XTT  ط
    XXA  ٱ
    XXD  ڈ
    XXG  ہ
    XXH  څ
    XXK  ګ
    XXN  ڼ
    XXR  ڑ
    XXS  ښ
    XXT  ٹ
    XXY  ۍ
    XYA  ی
    XYB  ے
    XYH  ۀ
    XZZ  ظ
""") | dict.fromkeys("\u0640\u064b\u064c\u064d\u064e\u064f\u0650\u0652\u0670ڜڢڧڨ", "")
"""Table C, and the two letters for foreign names of Appendix B.5.4.

The short vowels, tatweel and four letters are listed as not encoded.
"""

ARABIC_LAST: Final = {"ة": "XAH"}
"""Table C, note 2: teh marbuta at the end of a name component."""

SHADDA: Final = "\u0651"
"""Table C, note 3: repeats the transliteration of the letter before it."""
