"""What can be wrong in access control, secure messaging, keys and signatures of a chip."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    # --- Active Authentication
    "DG14 does not name the hash function of Active Authentication": (
        "DG14 nennt die Hash-Funktion der Active Authentication nicht"
    ),
    "the signature of Active Authentication is wrong": (
        "die Signatur der Active Authentication ist falsch"
    ),
    "RSA of ISO/IEC 9796-2 with {hash}": "RSA nach ISO/IEC 9796-2 mit {hash}",
    "the signature is over SHA-1, which Doc 9303-11, 6.1.2.3 forbids": (
        "die Signatur benutzt SHA-1, was Doc 9303-11, 6.1.2.3 verbietet"
    ),
    "DG14 names the algorithm {oid} instead of one of TR-03111": (
        "DG14 nennt den Algorithmus {oid} statt eines aus TR-03111"
    ),
    "the signature is DER instead of r || s": "die Signatur ist DER statt r || s",
    # --- Basic Access Control
    "Basic Access Control with this MRZ": "Basic Access Control mit dieser MRZ",
    "EXTERNAL AUTHENTICATE for Basic Access Control": (
        "EXTERNAL AUTHENTICATE für Basic Access Control"
    ),
    "GET CHALLENGE for Basic Access Control": "GET CHALLENGE für Basic Access Control",
    "Basic Access Control: the chip's checksum M.IC is wrong": (
        "Basic Access Control: die Prüfsumme M.IC des Chips ist falsch"
    ),
    "Basic Access Control: the chip does not return RND.IFD": (
        "Basic Access Control: der Chip gibt RND.IFD nicht zurück"
    ),
    "Basic Access Control: the chip does not return its own RND.IC": (
        "Basic Access Control: der Chip gibt sein eigenes RND.IC nicht zurück"
    ),
    "the chip's challenge RND.IC is not a nonce of 8 octets": (
        "die Zufallszahl RND.IC des Chips hat nicht 8 Oktette"
    ),
    # --- Chip Authentication
    "the chip refuses the reference (DO 84) to its key, which has an identifier": (
        "der Chip weist die Referenz (DO 84) auf seinen Schlüssel ab, der eine Kennung hat"
    ),
    "MSE:Set AT and GENERAL AUTHENTICATE": "MSE:Set AT und GENERAL AUTHENTICATE",
    "the chip answers GENERAL AUTHENTICATE without the object 7C": (
        "der Chip beantwortet GENERAL AUTHENTICATE ohne das Objekt 7C"
    ),
    "MANAGE SECURITY ENVIRONMENT for {what}": "MANAGE SECURITY ENVIRONMENT für {what}",
    "GENERAL AUTHENTICATE for {what}": "GENERAL AUTHENTICATE für {what}",
    "MSE:Set AT for {what}": "MSE:Set AT für {what}",
    "{what}: the chip's nonce has {count} octets instead of 8": (
        "{what}: die Zufallszahl des Chips hat {count} Oktette statt 8"
    ),
    "{what}: the chip's token is wrong": "{what}: das Token des Chips ist falsch",
    "the chip names no protocol for Chip Authentication; 3DES is assumed": (
        "der Chip nennt kein Protokoll für Chip Authentication; 3DES wird angenommen"
    ),
    "it has no key for Chip Authentication": "er hat keinen Schlüssel für Chip Authentication",
    "the chip offers no Chip Authentication that can be used: {why}": (
        "der Chip bietet keine brauchbare Chip Authentication an: {why}"
    ),
    "no key has the identifier {parameter_id}": "kein Schlüssel hat die Kennung {parameter_id}",
    "EF.CardSecurity has no usable key for PACE-CAM: {why}": (
        "EF.CardSecurity hat keinen brauchbaren Schlüssel für PACE-CAM: {why}"
    ),
    "a key for {key_agreement} has domain parameters of the other kind": (
        "ein Schlüssel für {key_agreement} hat Domänenparameter der anderen Art"
    ),
    "EF.CardSecurity has no key for the protocol that EF.CardAccess announces": (
        "EF.CardSecurity hat keinen Schlüssel für das Protokoll, das EF.CardAccess ankündigt"
    ),
    "EF.CardAccess announces no Chip Authentication version 2": (
        "EF.CardAccess kündigt keine Chip Authentication Version 2 an"
    ),
    # --- PACE
    "PACE: the chip's nonce is all zeros": "PACE: die Zufallszahl des Chips besteht aus Nullen",
    "PACE: the other side returned our own public key": (
        "PACE: die Gegenseite gab unseren eigenen öffentlichen Schlüssel zurück"
    ),
    "PACE: the chip sent an encrypted nonce of {count} octets": (
        "PACE: der Chip sandte eine verschlüsselte Zufallszahl mit {count} Oktetten"
    ),
    "PACE-CAM: the chip's authentication data does not decrypt": (
        "PACE-CAM: die Authentisierungsdaten des Chips lassen sich nicht entschlüsseln"
    ),
    "PACE-CAM: the chip does not have the private key of EF.CardSecurity": (
        "PACE-CAM: der Chip hat den privaten Schlüssel zu EF.CardSecurity nicht"
    ),
    "dynamic authentication data": "dynamische Authentisierungsdaten",
    "the reference of a password must be one octet": (
        "die Referenz eines Passworts muss ein Oktett sein"
    ),
    "the chip's answer has no data object {tag}": (
        "in der Antwort des Chips fehlt das Datenobjekt {tag}"
    ),
    "MSE:Set AT for PACE": "MSE:Set AT für PACE",
    "GENERAL AUTHENTICATE for PACE": "GENERAL AUTHENTICATE für PACE",
    "PACE with the {type}": "PACE mit {type}",
    "PACE: the chip's authentication token T.IC is wrong": (
        "PACE: das Authentisierungstoken T.IC des Chips ist falsch"
    ),
    "PACE: chip authentication data do not fit the mapping {mapping}": (
        "PACE: die Daten der Chip Authentication passen nicht zum Mapping {mapping}"
    ),
    "PACE: the chip sent mapping data in Integrated Mapping": (
        "PACE: der Chip sandte Mapping-Daten beim Integrated Mapping"
    ),
    "it has no PACEInfo": "er hat kein PACEInfo",
    "the chip offers no variant of PACE that can be used: {why}": (
        "der Chip bietet keine brauchbare Variante von PACE an: {why}"
    ),
    "{key_agreement} has domain parameters of the other kind": (
        "{key_agreement} hat Domänenparameter der anderen Art"
    ),
    "Integrated Mapping is not defined on {group}": (
        "Integrated Mapping ist auf {group} nicht definiert"
    ),
    "version {version} of PACE is not supported": (
        "Version {version} von PACE wird nicht unterstützt"
    ),
    "domain parameters {parameter_id} are missing": "die Domänenparameter {parameter_id} fehlen",
    "{variant}: the mapping is not accepted": "{variant}: das Mapping wird nicht zugelassen",
    "{variant}: it is weaker than {minimum_strength} bits": (
        "{variant}: schwächer als {minimum_strength} Bit"
    ),
    "{variant}: the domain parameters are not trusted": (
        "{variant}: den Domänenparametern wird nicht vertraut"
    ),
    # --- Terminal Authentication
    "GET CHALLENGE for {what}": "GET CHALLENGE für {what}",
    "the chip's challenge r_IC is not a nonce of 8 octets": (
        "die Zufallszahl r_IC des Chips hat nicht 8 Oktette"
    ),
    "EXTERNAL AUTHENTICATE for {what}": "EXTERNAL AUTHENTICATE für {what}",
    "{what} with {what2}": "{what} mit {what2}",
    "PSO:Verify Certificate with that of {holder_reference}": (
        "PSO:Verify Certificate mit dem von {holder_reference}"
    ),
    "auxiliary data": "Zusatzdaten",
    "the key {reference}": "dem Schlüssel {reference}",
    "the key {name}": "dem Schlüssel {name}",
    "the chip binds Terminal Authentication to the MRZ or CAN, not to PACE": (
        "der Chip bindet Terminal Authentication an MRZ oder CAN statt an PACE"
    ),
    # --- secure messaging and commands
    "the chip answered {sw} ({meaning}) in plain inside a session": (
        "der Chip antwortete innerhalb der Sitzung unverschlüsselt {sw} ({meaning})"
    ),
    "DO 99 is missing, or is not the status word of the response": (
        "DO 99 fehlt oder ist nicht das Statuswort der Antwort"
    ),
    "the command is plain": "der Befehl ist unverschlüsselt",
    "DO 8E is missing or not the last": "DO 8E fehlt oder ist nicht das letzte",
    "the MAC is wrong": "der MAC ist falsch",
    "a data object occurs twice, or is not allowed here": (
        "ein Datenobjekt kommt zweimal vor oder ist hier nicht erlaubt"
    ),
    "the cryptogram is not a number of whole blocks": (
        "das Kryptogramm besteht nicht aus ganzen Blöcken"
    ),
    "DO 97 has more than two octets": "DO 97 hat mehr als zwei Oktette",
    "protected data field": "geschütztes Datenfeld",
    "both DO 85 and DO 87 are present, or DO 87 has no padding indicator": (
        "DO 85 und DO 87 sind beide da, oder DO 87 hat keine Kennung der Auffüllung"
    ),
    "the padding of the decrypted data is wrong": (
        "die Auffüllung der entschlüsselten Daten ist falsch"
    ),
    "padded data": "aufgefüllte Daten",
    "the last block does not end with 80 and zeros": (
        "der letzte Block endet nicht mit 80 und Nullen"
    ),
    "command APDU": "Befehls-APDU",
    "shorter than its header of 4 octets": "kürzer als ihr Kopf mit 4 Oktetten",
    "Lc does not fit its length": "Lc passt nicht zu ihrer Länge",
    "extended Lc does not fit its length": "das erweiterte Lc passt nicht zu ihrer Länge",
    "response APDU": "Antwort-APDU",
    "shorter than a status word of 2 octets": "kürzer als ein Statuswort mit 2 Oktetten",
    "the chip announces more octets by 61XX and returns none": (
        "der Chip kündigt mit 61XX weitere Oktette an und liefert keine"
    ),
    "the chip's chained response exceeds {max_chained_response} octets": (
        "die verkettete Antwort des Chips ist länger als {max_chained_response} Oktette"
    ),
    "file control parameters": "Dateikontrollparameter",
    "selecting the application for its file control parameters": (
        "Auswahl der Anwendung nach ihren Dateikontrollparametern"
    ),
    "data field": "Datenfeld",
    "an offset must have at most {longest_offset} octets": (
        "eine Stelle darf höchstens {longest_offset} Oktette haben"
    ),
    "the chip answers 6A82 (not found) in plain, which is not authenticated": (
        "der Chip antwortet unverschlüsselt 6A82 (nicht gefunden); das ist nicht beglaubigt"
    ),
    "reading {file}": "Lesen von {file}",
    "selecting {file}": "Auswahl von {file}",
    "selecting {file}: {reason}": "Auswahl von {file}: {reason}",
    "selecting the application": "Auswahl der Anwendung",
    "{file}, answer to READ BINARY": "{file}, Antwort auf READ BINARY",
    "does not end within {max_indefinite} octets": (
        "endet nicht innerhalb von {max_indefinite} Oktetten"
    ),
    "does not end within {max_file_size} octets": (
        "endet nicht innerhalb von {max_file_size} Oktetten"
    ),
    "declares {size} octets, above the limit of {max_file_size}": (
        "gibt {size} Oktette an, mehr als die Grenze von {max_file_size}"
    ),
    "the chip returned {octets} octets, {wanted} were requested": (
        "der Chip lieferte {octets} Oktette, verlangt waren {wanted}"
    ),
    "ends after {octets} of {size} octets": "endet nach {octets} von {size} Oktetten",
    # --- keys and signatures
    "explicit curve": "ausdrückliche Kurve",
    "its cofactor is not 1, or its order is outside Hasse's bound or equals p": (
        "ihr Kofaktor ist nicht 1, oder ihre Ordnung liegt außerhalb der Schranke von Hasse oder"
        " ist p"
    ),
    "its field is too large, or a coefficient is outside the field": (
        "ihr Körper ist zu groß, oder ein Koeffizient liegt außerhalb"
    ),
    "its generator is not a point of the curve": "ihr Generator ist kein Punkt der Kurve",
    "its generator does not have the stated order": (
        "ihr Generator hat nicht die angegebene Ordnung"
    ),
    "point of {name}": "Punkt von {name}",
    "is not 04 and two coordinates of {size} octets": (
        "ist nicht 04 mit zwei Koordinaten zu {size} Oktetten"
    ),
    "a point is not on the curve {name}": "ein Punkt liegt nicht auf der Kurve {name}",
    "a point is not on the curve {curve}": "ein Punkt liegt nicht auf der Kurve {curve}",
    "an operation on {name} ends at the point at infinity": (
        "eine Rechnung auf {name} endet im Punkt im Unendlichen"
    ),
    "domain parameters": "Domänenparameter",
    "public key for key agreement": "öffentlicher Schlüssel zur Schlüsselvereinbarung",
    "an algorithm and a key are expected": "ein Algorithmus und ein Schlüssel werden erwartet",
    "an identifier and parameters are expected": "eine Kennung und Parameter werden erwartet",
    "{oid} is not an algorithm for key agreement": (
        "{oid} ist kein Algorithmus zur Schlüsselvereinbarung"
    ),
    "p, g or q is missing": "p, g oder q fehlt",
    "they are not a group of prime order": "sie sind keine Gruppe von Primzahlordnung",
    "names no standardised domain parameters": "nennt keine genormten Domänenparameter",
    "a prime of {bit_length} bits is not accepted": (
        "eine Primzahl mit {bit_length} Bit wird nicht zugelassen"
    ),
    "the ECDSA signature is wrong": "die ECDSA-Signatur ist falsch",
    "Integrated Mapping: the nonces map to no point": (
        "Integrated Mapping: die Zufallszahlen führen zu keinem Punkt"
    ),
    "has a wrong length": "hat eine falsche Länge",
    "{description}: the key agreement ends in a trivial element": (
        "{description}: die Schlüsselvereinbarung endet in einem trivialen Element"
    ),
    "{description}: the mapped generator is trivial": (
        "{description}: der abgebildete Generator ist trivial"
    ),
    "public value of {description}": "öffentlicher Wert von {description}",
    "a public value is not between 2 and p - 2 of {description}": (
        "ein öffentlicher Wert liegt nicht zwischen 2 und p - 2 von {description}"
    ),
    "a public value is not in the subgroup of {description}": (
        "ein öffentlicher Wert liegt nicht in der Untergruppe von {description}"
    ),
    "nonce of Integrated Mapping": "Zufallszahl des Integrated Mapping",
    "the signature does not open to a message of ISO/IEC 9796-2": (
        "die Signatur ergibt keine Nachricht nach ISO/IEC 9796-2"
    ),
    "the signature is of ISO/IEC 9796-2, B.4, which chips should not use": (
        "die Signatur ist nach ISO/IEC 9796-2, B.4, was Chips nicht benutzen sollen"
    ),
    "the signature has no room for its hash": "die Signatur hat keinen Platz für ihren Hash",
    "the trailer {representative} names no hash function": (
        "der Anhang {representative} nennt keine Hash-Funktion"
    ),
    "the signature is not one with partial recovery of ISO/IEC 9796-2": (
        "die Signatur ist keine mit teilweiser Rückgewinnung nach ISO/IEC 9796-2"
    ),
    "the hash ({algorithm}) in the signature is not that of the message": (
        "der Hash ({algorithm}) in der Signatur ist nicht der der Nachricht"
    ),
    "{key} is not accepted: its size or exponent is out of bounds": (
        "{key} wird nicht zugelassen: Größe oder Exponent liegt außerhalb der Grenzen"
    ),
    "the signature ({count} octets) cannot be one by {key}": (
        "die Signatur ({count} Oktette) kann nicht von {key} sein"
    ),
    "the trailer 33CC names SHA-1 explicitly": "der Anhang 33CC nennt ausdrücklich SHA-1",
    "public key": "öffentlicher Schlüssel",
    "the algorithm is missing": "der Algorithmus fehlt",
    "a key must be whole octets": "ein Schlüssel muss aus ganzen Oktetten bestehen",
    "an elliptic-curve key needs its parameters": (
        "ein Schlüssel auf einer elliptischen Kurve braucht seine Parameter"
    ),
    "a curve inherited from the issuer": "eine vom Aussteller geerbte Kurve",
    "the curve parameters lack a field or a coefficient": (
        "den Kurvenparametern fehlt ein Körper oder ein Koeffizient"
    ),
    "a curve over a field that is not a prime field": (
        "eine Kurve über einem Körper, der kein Primkörper ist"
    ),
    "an RSA key must be a modulus and an exponent": (
        "ein RSA-Schlüssel muss aus Modulus und Exponent bestehen"
    ),
    "an RSA modulus and exponent must be odd and at least 3": (
        "Modulus und Exponent von RSA müssen ungerade und mindestens 3 sein"
    ),
    "{description} is not supported": "{description} wird nicht unterstützt",
    "a key of algorithm {oid}": "ein Schlüssel des Algorithmus {oid}",
    "{count} curve parameters instead of 5 to 7": "{count} Kurvenparameter statt 5 bis 7",
    "the base point is not a point": "der Basispunkt ist kein Punkt",
    "an unknown curve of {bit_length} bits": "eine unbekannte Kurve mit {bit_length} Bit",
    "the curve {oid}": "die Kurve {oid}",
    "ECDSA signature": "ECDSA-Signatur",
    "plain ECDSA signature": "einfache ECDSA-Signatur",
    "has length fields that DER does not allow": "hat Längenfelder, die DER nicht erlaubt",
    "does not consist of the two numbers r and s": "besteht nicht aus den zwei Zahlen r und s",
    "{count} octets instead of {value}, for {curve}": (
        "{count} Oktette statt {value}, für {curve}"
    ),
    "the {scheme} signature is wrong": "die Signatur ({scheme}) ist falsch",
    "a key must have between {min_rsa_bits} and {max_rsa_bits} bits": (
        "ein Schlüssel muss {min_rsa_bits} bis {max_rsa_bits} Bit haben"
    ),
    "{key} is not accepted: {reason}": "{key} wird nicht zugelassen: {reason}",
    "a key on {key} cannot make {scheme}": "ein Schlüssel auf {key} kann {scheme} nicht erzeugen",
    "r or s is too large for {curve}": "r oder s ist zu groß für {curve}",
    "{key} is not a valid RSA key": "{key} ist kein gültiger RSA-Schlüssel",
    "a DSA key that inherits its parameters": "ein DSA-Schlüssel, der seine Parameter erbt",
    "DSA parameters must be p, q and g": "Parameter von DSA müssen p, q und g sein",
    "the numbers of a DSA key are out of range": (
        "die Zahlen eines DSA-Schlüssels liegen außerhalb ihrer Grenzen"
    ),
    "{key} is not a valid DSA key": "{key} ist kein gültiger DSA-Schlüssel",
    "{key} cannot make {scheme}": "{key} kann {scheme} nicht erzeugen",
    "a hash algorithm has parameters that are not NULL": (
        "ein Hash-Algorithmus hat Parameter, die nicht NULL sind"
    ),
    "an RSA-PSS trailer that is not BC": "ein Anhang von RSA-PSS, der nicht BC ist",
    "does not hold exactly one value": "enthält nicht genau einen Wert",
    "the hash algorithm {oid} is not known": "der Hash-Algorithmus {oid} ist nicht bekannt",
    "is not an RSA-PSS parameter, or occurs twice": (
        "ist kein Parameter von RSA-PSS oder kommt zweimal vor"
    ),
    "an RSA-PSS mask generation function that is not MGF1": (
        "eine Maskenfunktion von RSA-PSS, die nicht MGF1 ist"
    ),
    "an RSA-PSS salt of {salt} octets": "ein Salt von RSA-PSS mit {salt} Oktetten",
    # --- status words (ISO/IEC 7816-4, 5.6)
    "end of file reached before Ne octets": "Dateiende vor Ne Oktetten erreicht",
    "selected file deactivated": "die ausgewählte Datei ist deaktiviert",
    "authentication failed": "Authentisierung misslungen",
    "execution error": "Ausführungsfehler",
    "memory failure": "Speicherfehler beim Schreiben",
    "memory error": "Speicherfehler",
    "wrong length": "falsche Länge",
    "logical channel not supported": "logischer Kanal nicht unterstützt",
    "secure messaging not supported": "Secure Messaging nicht unterstützt",
    "last command of the chain expected": "letzter Befehl der Kette erwartet",
    "command chaining not supported": "Verkettung von Befehlen nicht unterstützt",
    "command incompatible with the file structure": "Befehl passt nicht zum Aufbau der Datei",
    "security status not satisfied": "Sicherheitszustand nicht erfüllt",
    "authentication method blocked": "Authentisierungsverfahren gesperrt",
    "reference data not usable": "Referenzdaten nicht benutzbar",
    "conditions of use not satisfied": "Nutzungsbedingungen nicht erfüllt",
    "command not allowed, no current file": "Befehl nicht erlaubt, keine Datei ausgewählt",
    "secure messaging data object missing": "Datenobjekt des Secure Messaging fehlt",
    "secure messaging data object incorrect": "Datenobjekt des Secure Messaging falsch",
    "incorrect parameters in the data field": "falsche Parameter im Datenfeld",
    "function not supported": "Funktion nicht unterstützt",
    "file or application not found": "Datei oder Anwendung nicht gefunden",
    "not enough memory in the file or on the chip": "zu wenig Platz in der Datei oder auf dem Chip",
    "incorrect P1-P2": "P1-P2 falsch",
    "Lc inconsistent with P1-P2": "Lc passt nicht zu P1-P2",
    "referenced data not found": "bezeichnete Daten nicht gefunden",
    "file already exists": "die Datei gibt es schon",
    "offset outside the file": "Stelle außerhalb der Datei",
    "instruction not supported": "Befehl nicht unterstützt",
    "class not supported": "Klasse nicht unterstützt",
    "no precise diagnosis": "ohne genaue Diagnose",
    "unknown status word": "unbekanntes Statuswort",
    "{count} more octets to fetch": "{count} weitere Oktette abzuholen",
    "wrong Le, {count} octets are available": "falsches Le, {count} Oktette sind da",
    "verification failed, {count} tries left": "Prüfung misslungen, noch {count} Versuche",
}
