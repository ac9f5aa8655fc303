"""What can be wrong in the octets of files: ASN.1, data groups, the MRZ."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    # --- BER, DER and data objects
    "ends where a value should begin": "endet, wo ein Wert beginnen müsste",
    "{octets} octets follow the value": "dem Wert folgen {octets} Oktette",
    "more than {max_values} values": "mehr als {max_values} Werte",
    "values nested deeper than {max_depth}": "Werte tiefer als {max_depth} verschachtelt",
    "a primitive value of indefinite length": "ein einfacher Wert unbestimmter Länge",
    "ends inside a tag or length field": "endet in einem Tag oder Längenfeld",
    "is cut short: {end} octets are missing": "ist abgeschnitten: {end} Oktette fehlen",
    "tag {tag} instead of {tag2}": "Tag {tag} statt {tag2}",
    "more than {max_children} values in one": "mehr als {max_children} Werte in einem",
    "a value of indefinite length has no end-of-contents octets": (
        "ein Wert unbestimmter Länge hat kein Endezeichen"
    ),
    "a tag is cut short or too long": "ein Tag ist abgeschnitten oder zu lang",
    "an indefinite length is not expected here": "eine unbestimmte Länge wird hier nicht erwartet",
    "more than {limit} values in one": "mehr als {limit} Werte in einem",
    "a length field of {size} octets is too long": "ein Längenfeld mit {size} Oktetten ist zu lang",
    "an object identifier is cut short or longer than 64 octets": (
        "eine Objektkennung ist abgeschnitten oder länger als 64 Oktette"
    ),
    "a BIT STRING of whole octets is expected": "ein BIT STRING aus ganzen Oktetten wird erwartet",
    "an INTEGER of {count} octets": "ein INTEGER mit {count} Oktetten",
    "tag {tag} is expected here": "Tag {tag} wird hier erwartet",
    "is empty": "ist leer",
    "{field} is missing": "{field} fehlt",
    "{field} should begin with tag {wanted}, not with {actual_tag}": (
        "{field} müsste mit Tag {wanted} beginnen, nicht mit {actual_tag}"
    ),
    "{field}: {text}": "{field}: {text}",
    "has a tag of several octets": "hat ein Tag aus mehreren Oktetten",
    "cannot be decoded ({name})": "ist nicht zu decodieren ({name})",
    "a value is of the wrong type ({name})": "ein Wert hat die falsche Art ({name})",
    "has more than {max_elements} elements": "hat mehr als {max_elements} Elemente",
    "an element ends {end} octets beyond its parent": (
        "ein Element endet {end} Oktette hinter dem, das es enthält"
    ),
    "{octets} octets follow": "{octets} Oktette folgen",
    "has a length that DER does not allow": "hat eine Länge, die DER nicht erlaubt",
    "is nested deeper than {max_depth}": "ist tiefer als {max_depth} verschachtelt",
    "a value holds more than was expected": "ein Wert enthält mehr als erwartet",
    "octets follow the value": "dem Wert folgen Oktette",
    "a tag of several octets": "ein Tag aus mehreren Oktetten",
    "a value is longer than the one around it": "ein Wert ist länger als der um ihn herum",
    "is cut short": "ist abgeschnitten",
    "the value with tag {tag} is not constructed": (
        "der Wert mit Tag {tag} ist nicht zusammengesetzt"
    ),
    "tag {tag} instead of {expected}": "Tag {tag} statt {expected}",
    "a value is longer than {max_value} octets": "ein Wert ist länger als {max_value} Oktette",
    "a length field of {length} octets is too long": (
        "ein Längenfeld mit {length} Oktetten ist zu lang"
    ),
    "an algorithm must be an identifier and at most one parameter": (
        "ein Algorithmus besteht aus einer Kennung und höchstens einem Parameter"
    ),
    "a small number in one octet is expected": "eine kleine Zahl in einem Oktett wird erwartet",
    "a BOOLEAN must be one octet": "ein BOOLEAN muss ein Oktett sein",
    "is not a string of named bits": "ist keine Folge benannter Bits",
    "tag {tag} is not a character string": "Tag {tag} ist keine Zeichenkette",
    "is not a time": "ist keine Zeit",
    "is not a time that exists": "ist keine Zeit, die es gibt",
    "data object": "Datenobjekt",
    "data follow the padding zeros": "den Füllnullen folgen Daten",
    "indefinite length": "unbestimmte Länge",
    "data object {tag}: {reason}": "Datenobjekt {tag}: {reason}",
    "occurs twice": "kommt zweimal vor",
    "{octets} octets follow the data object": "dem Datenobjekt folgen {octets} Oktette",
    "is cut short: {end} octets declared": "ist abgeschnitten: {end} Oktette angegeben",
    "begins with tag {tag} instead of {tag2}": "beginnt mit Tag {tag} statt {tag2}",
    "length field of {size} octets": "ein Längenfeld mit {size} Oktetten",
    "{reason} is not allowed": "{reason}: nicht erlaubt",
    "data objects nested deeper than {max_depth}": (
        "Datenobjekte tiefer als {max_depth} verschachtelt"
    ),
    "data object {tag} is missing": "Datenobjekt {tag} fehlt",
    "more than {max_objects} data objects": "mehr als {max_objects} Datenobjekte",
    "data object {tag} runs {end} octets past the end": (
        "Datenobjekt {tag} reicht {end} Oktette über das Ende hinaus"
    ),
    "tag field longer than 4 octets": "ein Tag mit mehr als 4 Oktetten",
    # --- EF.ATR/INFO, EF.COM, EF.CVCA, EF.CardSecurity, EF.SOD
    "a size is an INTEGER of 1 to 4 octets": "eine Größe ist ein INTEGER mit 1 bis 4 Oktetten",
    "card capabilities are 3 octets": "die Fähigkeiten einer Karte sind 3 Oktette",
    "expected two sizes, of commands and of responses": (
        "zwei Größen werden erwartet, von Befehlen und von Antworten"
    ),
    "lists {count} data groups": "führt {count} Datengruppen auf",
    "EF.COM: lists tags that no data group has ({unknown})": (
        "EF.COM: führt Tags auf, die keine Datengruppe hat ({unknown})"
    ),
    "EF.COM: no {name} version": "EF.COM: keine Version von {name}",
    "the {name} version is not made of digits": "die Version von {name} besteht nicht aus Ziffern",
    "EF.COM: the {name} version does not have {size} digits": (
        "EF.COM: die Version von {name} hat nicht {size} Ziffern"
    ),
    "a length field is not in its shortest form": "ein Längenfeld ist nicht so kurz wie möglich",
    "has {octets} octets instead of {size}": "hat {octets} Oktette statt {size}",
    "expected a reference of 1 to 16 octets with tag 42": (
        "eine Referenz mit 1 bis 16 Oktetten und Tag 42 wird erwartet"
    ),
    "holds {count} references instead of at most two": "enthält {count} Referenzen statt zwei",
    "signs content of type {content_type}": "signiert einen Inhalt der Art {content_type}",
    "a SecurityInfo is a SEQUENCE": "ein SecurityInfo ist eine SEQUENCE",
    "a SecurityInfo has no protocol": "ein SecurityInfo hat kein Protokoll",
    "{what}: the entry {protocol} is not DER, or has more fields than allowed": (
        "{what}: der Eintrag {protocol} ist nicht DER oder hat mehr Felder als erlaubt"
    ),
    "a FileID is 2 octets, and 1 for the short identifier": (
        "eine FileID hat 2 Oktette, und 1 für die kurze Kennung"
    ),
    "SecurityInfos are a SET": "SecurityInfos sind ein SET",
    "a SEQUENCE is expected": "eine SEQUENCE wird erwartet",
    "{count} SecurityInfos are too many": "{count} SecurityInfos sind zu viele",
    "field {index} is missing": "Feld {index} fehlt",
    "expected the number and the hash of a data group": (
        "Nummer und Hash einer Datengruppe werden erwartet"
    ),
    "expected two versions": "zwei Versionen werden erwartet",
    "a version is not made of digits": "eine Version besteht nicht aus Ziffern",
    "expected three or four fields": "drei oder vier Felder werden erwartet",
    "no data group has a hash": "keine Datengruppe hat einen Hash",
    "DG{number} does not exist": "DG{number} gibt es nicht",
    "version {version} is not known": "Version {version} ist nicht bekannt",
    "DG{number} occurs twice": "DG{number} kommt zweimal vor",
    "has {octets} octets, more than {max_on_chip}": "hat {octets} Oktette, mehr als {max_on_chip}",
    # --- data groups
    "{file}'s header does not state": "der Kopf von {file} nennt nicht",
    "{lacks} the owner of the data format": "{lacks} den Inhaber des Datenformats",
    "{lacks} that its data are in ISO/IEC {generation}": (
        "{lacks} das Format ISO/IEC {generation} seiner Daten"
    ),
    "{lacks} the biometric type of its data": "{lacks} die biometrische Art seiner Daten",
    "{lacks} which finger or eye its data are of": "{lacks} den Finger oder das Auge seiner Daten",
    "{file} holds ISO/IEC {generation} data under {tag}": (
        "{file} enthält Daten nach ISO/IEC {generation} unter {tag}"
    ),
    "{what}: data object {tag} is empty": "{what}: Datenobjekt {tag} ist leer",
    "{what}: data object {tag} is outside its template": (
        "{what}: Datenobjekt {tag} steht außerhalb seiner Vorlage"
    ),
    "has {count} characters; {limit} are allowed": "hat {count} Zeichen; {limit} sind erlaubt",
    "{what}: has no tag list": "{what}: hat keine Liste der Tags",
    "{what}: the tag list does not match the data objects": (
        "{what}: die Liste der Tags passt nicht zu den Datenobjekten"
    ),
    "{what}: template A0 holds data objects of another kind": (
        "{what}: Vorlage A0 enthält Datenobjekte anderer Art"
    ),
    "have more than 255 entries": "haben mehr als 255 Einträge",
    "is not {limit} digits": "hat nicht {limit} Ziffern",
    "the MRZ has line breaks or lower-case letters": (
        "die MRZ hat Zeilenumbrüche oder Kleinbuchstaben"
    ),
    "the MRZ is not in ASCII": "die MRZ ist nicht in ASCII",
    "DG1: {reason}": "DG1: {reason}",
    "the MRZ {reason}": "die MRZ {reason}",
    "DG13: the content is not data objects": "DG13: der Inhalt besteht nicht aus Datenobjekten",
    "DG14: {zeros} octets 00 inside the data group": (
        "DG14: {zeros} Oktette 00 innerhalb der Datengruppe"
    ),
    "DG16: the templates are not tagged A1, A2, ... in order": (
        "DG16: die Vorlagen haben nicht der Reihe nach die Tags A1, A2, ..."
    ),
    "holds {count} persons; at most {max_persons} are allowed": (
        "enthält {count} Personen; höchstens {max_persons} sind erlaubt"
    ),
    "DG16 date": "Datum in DG16",
    "holds no face; Doc 9303-10 requires 1 to 9": (
        "enthält kein Gesicht; Doc 9303-10 verlangt 1 bis 9"
    ),
    "DG3's header states {label}, its record {label2}": (
        "der Kopf von DG3 nennt {label}, der Datensatz {label2}"
    ),
    "has {count} images instead of 1 to {max_images}": (
        "hat {count} Bilder statt 1 bis {max_images}"
    ),
    "DG13 permit": "Titel in DG13",
    "holds other data objects than remarks": "enthält andere Datenobjekte als Bemerkungen",
    "is not a date YYYYMMDD": "ist kein Datum JJJJMMTT",
    "is neither 00 nor 01": "ist weder 00 noch 01",
    "is not a version of one octet": "ist keine Version von einem Oktett",
    "is not UTF-8": "ist nicht UTF-8",
    "is not a calendar date": "ist kein Datum des Kalenders",
    "{what}: data object {tag}": "{what}: Datenobjekt {tag}",
    "is neither {size} digits nor {size2} octets of BCD": (
        "ist weder {size} Ziffern noch {size2} Oktette BCD"
    ),
    "{data_object} is empty": "{data_object} ist leer",
    "{data_object} is in BCD": "{data_object} ist in BCD",
    "{data_object} is not {size} digits": "{data_object} hat nicht {size} Ziffern",
    "{what}: the number of instances is missing": "{what}: die Anzahl der Exemplare fehlt",
    "{data_object} is not UTF-8, read as Latin-1": (
        "{data_object} ist nicht UTF-8, als Latin-1 gelesen"
    ),
    "{what}: the declared number of instances is wrong": (
        "{what}: die angegebene Anzahl der Exemplare ist falsch"
    ),
    # --- the MRZ
    "has a second letter that is not harmonized, as it must be since 2026": (
        "hat einen zweiten Buchstaben, der nicht wie seit 2026 verlangt vereinheitlicht ist"
    ),
    "has no second letter, as it must have since 2028": (
        "hat keinen zweiten Buchstaben, wie seit 2028 verlangt"
    ),
    "has no harmonized second letter, so the passport must expire before 2038": (
        "hat keinen vereinheitlichten zweiten Buchstaben; der Pass muss deshalb vor 2038 ablaufen"
    ),
    "the name is missing": "der Name fehlt",
    "the sex is neither F nor M nor <": "das Geschlecht ist weder F noch M noch <",
    "the date of birth is not a date": "das Geburtsdatum ist kein Datum",
    "there is no date of expiry": "es gibt kein Ablaufdatum",
    "the date of expiry is not a date": "das Ablaufdatum ist kein Datum",
    "the code of the {label} is not 1 to 3 letters": (
        "der Code hat nicht 1 bis 3 Buchstaben: {label}"
    ),
    "90 (TD1), 72 (TD2, MRV-B) or 88 (TD3, MRV-A)": (
        "90 (TD1), 72 (TD2, MRV-B) oder 88 (TD3, MRV-A)"
    ),
    "with more than 9 characters cannot contain a filler": (
        "darf mit mehr als 9 Zeichen kein Füllzeichen enthalten"
    ),
    "has a character other than A to Z and 0 to 9": (
        "hat ein anderes Zeichen als A bis Z und 0 bis 9"
    ),
    "is not YYMMDD, with << for unknown parts": "ist nicht JJMMTT, mit << für unbekannte Teile",
    "is not F, M or X (unspecified)": "ist nicht F, M oder X (keine Angabe)",
    "has a character other than A to Z, 0 to 9 and <": (
        "hat ein anderes Zeichen als A bis Z, 0 bis 9 und <"
    ),
    "has {count} characters; at most {most} fit a {format}": (
        "hat {count} Zeichen; in {format} passen höchstens {most}"
    ),
    "has {count} characters instead of {sizes}": "hat {count} Zeichen statt {sizes}",
    "has {octets} characters; at most {room} fit a {format}": (
        "hat {octets} Zeichen; in {format} passen höchstens {room}"
    ),
}
