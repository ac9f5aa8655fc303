"""What can be wrong in biometric records and their images."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    # --- biometric records
    "holds no header A1": "enthält keinen Kopf A1",
    "does not begin with a 7F61 group template": "beginnt nicht mit einer Gruppenvorlage 7F61",
    "the number of instances is not one octet": "die Anzahl der Exemplare ist nicht ein Oktett",
    "{count} biometric data blocks instead of one": "{count} biometrische Datenblöcke statt einem",
    "holds {count} templates; at most {max_instances} are read": (
        "enthält {count} Vorlagen; höchstens {max_instances} werden gelesen"
    ),
    "{what} declares {declared} instances and holds {count}": (
        "{what} gibt {declared} Exemplare an und enthält {count}"
    ),
    "{what} holds other data objects than a count and templates in its 7F61": (
        "{what} enthält in 7F61 andere Datenobjekte als eine Anzahl und Vorlagen"
    ),
    "{what} holds a header whose tag is not A1": (
        "{what} enthält einen Kopf, dessen Tag nicht A1 ist"
    ),
    "{what} has unusual length fields or an unusual order": (
        "{what} hat ungewöhnliche Längenfelder oder eine ungewöhnliche Reihenfolge"
    ),
    "face record (ISO/IEC 19794-5)": "Gesichtsdatensatz (ISO/IEC 19794-5)",
    "finger record (ISO/IEC 19794-4)": "Fingerdatensatz (ISO/IEC 19794-4)",
    "finger view (ISO/IEC 19794-4)": "Fingeransicht (ISO/IEC 19794-4)",
    "iris record (ISO/IEC 19794-6)": "Irisdatensatz (ISO/IEC 19794-6)",
    "eye header (ISO/IEC 19794-6)": "Kopf eines Auges (ISO/IEC 19794-6)",
    "iris image (ISO/IEC 19794-6)": "Irisbild (ISO/IEC 19794-6)",
    "face data block (ISO/IEC 39794-5)": "Gesichtsdatenblock (ISO/IEC 39794-5)",
    "finger data block (ISO/IEC 39794-4)": "Fingerdatenblock (ISO/IEC 39794-4)",
    "iris data block (ISO/IEC 39794-6)": "Irisdatenblock (ISO/IEC 39794-6)",
    "face image": "Gesichtsbild",
    "finger image": "Fingerbild",
    "iris image": "Irisbild",
    "image": "Bild",
    "face": "Gesicht",
    "finger": "Finger",
    "iris": "Iris",
    "of type {image_data_type}": "von der Art {image_data_type}",
    "of type {compression}": "von der Art {compression}",
    "of format {code}": "vom Format {code}",
    "the face image is a bare JPEG 2000 codestream, not a JP2 file": (
        "das Gesichtsbild ist ein bloßer Codestrom von JPEG 2000, keine JP2-Datei"
    ),
    "the face record states that its image is in colour; it is grey": (
        "der Gesichtsdatensatz nennt sein Bild farbig; es ist grau"
    ),
    "is cut short in a facial image": "ist in einem Gesichtsbild abgeschnitten",
    "a facial image declares {length} octets; its headers take {start} and {octets} are left": (
        "ein Gesichtsbild gibt {length} Oktette an; seine Köpfe brauchen {start}, und {octets} sind"
        " übrig"
    ),
    "the face record states that its image is {declared}; it is {actual}": (
        "der Gesichtsdatensatz nennt sein Bild {declared}; es ist {actual}"
    ),
    "the face image has {padding} octets of padding after it": (
        "dem Gesichtsbild folgen {padding} Füll-Oktette"
    ),
    "the face record states {width} x {height} pixels; the image is {size}": (
        "der Gesichtsdatensatz nennt {width} x {height} Bildpunkte; das Bild hat {size}"
    ),
    "is cut short in its header": "ist im Kopf abgeschnitten",
    "begins with {identifier}, not with FAC": "beginnt mit {identifier}, nicht mit FAC",
    "holds {count} images; 1 to {max_images} are read": (
        "enthält {count} Bilder; 1 bis {max_images} werden gelesen"
    ),
    "a view of {length} octets cannot hold its own header": (
        "eine Ansicht mit {length} Oktetten kann ihren eigenen Kopf nicht enthalten"
    ),
    "holds no finger": "enthält keinen Finger",
    "the {what} states {number_of_fingers} fingers, not {number}": (
        "{what}: nennt {number_of_fingers} Finger, nicht {number}"
    ),
    "the finger record states that its image is {declared}; it is {actual}": (
        "der Fingerdatensatz nennt sein Bild {declared}; es ist {actual}"
    ),
    "the finger record states {width} x {height} pixels; the image is {size}": (
        "der Fingerdatensatz nennt {width} x {height} Bildpunkte; das Bild hat {size}"
    ),
    "holds more than {max_images} views": "enthält mehr als {max_images} Ansichten",
    "{octets} octets are not {width} x {height} grey pixels": (
        "{octets} Oktette sind nicht {width} x {height} graue Bildpunkte"
    ),
    "is cut short: the image runs {end} octets past the end": (
        "ist abgeschnitten: das Bild reicht {end} Oktette über das Ende hinaus"
    ),
    "begins with {part}, which is another kind of record": (
        "beginnt mit {part}; das ist eine andere Art von Datensatz"
    ),
    "a field does not fit": "ein Feld passt nicht",
    "holds no image": "enthält kein Bild",
    "the {what} states a header of {header_length} octets": (
        "{what}: nennt einen Kopf mit {header_length} Oktetten"
    ),
    "the iris record states format {image_format}; its image is {format}": (
        "der Irisdatensatz nennt das Format {image_format}; sein Bild ist {format}"
    ),
    "the iris record states {width} x {height} pixels; the image is {size}": (
        "der Irisdatensatz nennt {width} x {height} Bildpunkte; das Bild hat {size}"
    ),
    "holds more than {max_images} images": "enthält mehr als {max_images} Bilder",
    "{octets} octets are not {width} x {height} pixels": (
        "{octets} Oktette sind nicht {width} x {height} Bildpunkte"
    ),
    "is cut short: {declared} octets declared, {actual} are present": (
        "ist abgeschnitten: {declared} Oktette angegeben, {actual} vorhanden"
    ),
    "declares {declared} octets but has {actual}": "gibt {declared} Oktette an, hat aber {actual}",
    "the length field of the {what} is {short} too small": (
        "{what}: das Längenfeld ist um {short} zu klein"
    ),
    "{surplus} octets follow the last image": "dem letzten Bild folgen {surplus} Oktette",
    "{surplus} octets follow the last image of the {what}": (
        "{what}: dem letzten Bild folgen {surplus} Oktette"
    ),
    "the {what} data block states that its image is {declared}; it is {actual}": (
        "Datenblock ({what}): nennt sein Bild {declared}; es ist {actual}"
    ),
    "the {what} holds unknown elements": "{what}: enthält unbekannte Elemente",
    "the face data block states {stated} pixels; the image is {size}": (
        "der Gesichtsdatenblock nennt {stated} Bildpunkte; das Bild hat {size}"
    ),
    "WSQ, PNG or JPEG 2000": "WSQ, PNG oder JPEG 2000",
    "PNG or JPEG 2000": "PNG oder JPEG 2000",
    "the {what} has version {version}": "{what}: hat Version {version}",
    "the face record has an undefined code of the {name}": (
        "der Gesichtsdatensatz hat einen nicht definierten Code: {name}"
    ),
    "gender": "Geschlecht",
    "eye colour": "Augenfarbe",
    "hair colour": "Haarfarbe",
    "type of face image": "Art des Gesichtsbilds",
    "pose": "Kopfhaltung",
    "uncertainty of the pose": "Unsicherheit der Kopfhaltung",
    # --- images
    "made its decoder answer nonsense": "brachte den Decodierer zu einer unsinnigen Antwort",
    "ended its decoder (status {answer})": "beendete den Decodierer (Status {answer})",
    "cannot be decoded: the decoder {problem}": "ist nicht zu decodieren: der Decodierer {problem}",
    "takes too long": "braucht zu lange",
    "has ended": "ist zu Ende",
    "has given no valid answer": "hat keine gültige Antwort gegeben",
    "has two headers that disagree on its dimensions": (
        "hat zwei Köpfe, die sich über die Maße nicht einig sind"
    ),
    "is blank: all its pixels have one colour": (
        "ist leer: alle seine Bildpunkte haben dieselbe Farbe"
    ),
    "ends early or is damaged; the rest of it is shown": (
        "endet zu früh oder ist beschädigt; der Rest wird gezeigt"
    ),
    "is larger than {max_octets} octets": "ist größer als {max_octets} Oktette",
    "is {size} pixels; at most {max_pixels} are decoded": (
        "hat {size} Bildpunkte; höchstens {max_pixels} werden decodiert"
    ),
    "has {scans} scans, too many for its size": "hat {scans} Durchgänge, zu viele für seine Größe",
    "it is damaged or cut short": "es ist beschädigt oder abgeschnitten",
    "cannot be decoded: {damage}": "ist nicht zu decodieren: {damage}",
    "JPEG 2000 codestream": "Codestrom von JPEG 2000",
    "begins with {image}, which is neither JPEG, JPEG 2000, PNG nor WSQ": (
        "beginnt mit {image}; das ist weder JPEG noch JPEG 2000, PNG oder WSQ"
    ),
    "the {image_format} header is broken or cut short": (
        "der Kopf ({image_format}) ist fehlerhaft oder abgeschnitten"
    ),
    "the {image_format} header states {size} pixels": (
        "der Kopf ({image_format}) nennt {size} Bildpunkte"
    ),
    "WSQ image": "WSQ-Bild",
    "cannot be decoded ({problem})": "ist nicht zu decodieren ({problem})",
    "needs more memory than an image of an eMRTD should": (
        "braucht mehr Speicher, als ein Bild eines eMRTD dürfte"
    ),
}
