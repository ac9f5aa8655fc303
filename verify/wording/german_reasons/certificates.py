"""The reasons of certificate paths, revocation and signatures, and the quirks of certificates."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    # --- signatures and their signers
    "the unsigned fields agree with the signed ones": (
        "die nicht signierten Felder stimmen mit den signierten überein"
    ),
    "the signer's certificate is not known": "das Zertifikat des Unterzeichners ist nicht bekannt",
    "no certificate has the signer's issuer and serial number": (
        "kein Zertifikat hat Aussteller und Seriennummer des Unterzeichners"
    ),
    "no certificate has the signer's key identifier": (
        "kein Zertifikat hat die Schlüsselkennung des Unterzeichners"
    ),
    "signed by {signer} with {scheme}": "signiert von {signer} mit {scheme}",
    "{family} with {hash}": "{family} mit {hash}",
    "no certificate is enclosed, and in the trust store {reason}": (
        "kein Zertifikat liegt bei, und im Vertrauensspeicher: {reason}"
    ),
    "the signer's key is {key}, which is not supported": (
        "der Schlüssel des Unterzeichners ist {key}; das wird nicht unterstützt"
    ),
    "signed by signers of {states}; a document is signed by one State": (
        "von Unterzeichnern aus {states} signiert; ein Dokument signiert nur ein Staat"
    ),
    "{certificate} signed too: {reason}": "auch {certificate} hat signiert: {reason}",
    "the enclosed certificate of {certificate} is not signed by a trusted CSCA": (
        "das beiliegende Zertifikat von {certificate} ist von keiner vertrauten CSCA signiert"
    ),
    "revocation lists are enclosed, which Doc 9303 forbids": (
        "Sperrlisten liegen bei, was Doc 9303 verbietet"
    ),
    "is not a SignedData": "ist kein SignedData",
    "does not hold exactly one SignedData": "enthält nicht genau ein SignedData",
    "SignedData lacks fields": "im SignedData fehlen Felder",
    "SignedData has a field too many": "das SignedData hat ein Feld zu viel",
    "no content is enclosed": "kein Inhalt liegt bei",
    "does not hold exactly one OCTET STRING": "enthält nicht genau einen OCTET STRING",
    "SignedData has version {version} instead of 3": "SignedData hat Version {version} statt 3",
    "{count} signers and {count2} certificates": "{count} Unterzeichner und {count2} Zertifikate",
    "has {octets} octets, more than {most}": "hat {octets} Oktette, mehr als {most}",
    "SignerInfo has version {version} instead of {version2}": (
        "SignerInfo hat Version {version} statt {version2}"
    ),
    "the signer's {digest} is not among the digest algorithms": (
        "{digest} des Unterzeichners fehlt unter den Hash-Algorithmen"
    ),
    "a signer is identified by its issuer and serial number": (
        "ein Unterzeichner wird durch Aussteller und Seriennummer bezeichnet"
    ),
    "SignerInfo lacks fields": "im SignerInfo fehlen Felder",
    "SignerInfo has too few or too many fields": "SignerInfo hat zu wenige oder zu viele Felder",
    "the signature has no signed attributes, which Doc 9303 requires": (
        "die Signatur hat keine signierten Attribute, die Doc 9303 verlangt"
    ),
    "the signature is for another type of content": "die Signatur gilt einer anderen Art Inhalt",
    "the digest of the content is not the signed message digest": (
        "der Hash des Inhalts ist nicht der signierte"
    ),
    "an attribute is a type and a set of values": (
        "ein Attribut besteht aus einem Typ und einer Menge von Werten"
    ),
    "an attribute occurs twice, or has no value": "ein Attribut kommt zweimal vor oder ist leer",
    "an attribute has more than one value": "ein Attribut hat mehr als einen Wert",
    # --- ds.chain and ds.validity
    "its CSCA was added to the trust store unverified": (
        "seine CSCA kam ungeprüft in den Vertrauensspeicher"
    ),
    "its issuer is not marked as a CA": "sein Aussteller ist nicht als CA gekennzeichnet",
    "its issuer's key is not for signing certificates": (
        "der Schlüssel seines Ausstellers ist nicht zum Signieren von Zertifikaten bestimmt"
    ),
    "its issuer's certificate has an unknown critical extension": (
        "das Zertifikat seines Ausstellers hat eine unbekannte kritische Erweiterung"
    ),
    "the certificate is signed with an unknown algorithm": (
        "das Zertifikat ist mit einem unbekannten Algorithmus signiert"
    ),
    "the certificate is valid until {not_after}": "das Zertifikat ist gültig bis {not_after}",
    "issued by {issuer}": "ausgestellt von {issuer}",
    "the certificate has unknown critical extensions: {unknown}": (
        "das Zertifikat hat unbekannte kritische Erweiterungen: {unknown}"
    ),
    "its issuer is named {issuer}, not {certificate}": (
        "sein Aussteller heißt {issuer}, nicht {certificate}"
    ),
    "{certificate} is known, but its key did not sign this certificate": (
        "{certificate} ist bekannt, aber ihr Schlüssel hat dieses Zertifikat nicht signiert"
    ),
    "{certificate} is known, but not the key that the certificate names": (
        "{certificate} ist bekannt, aber nicht der Schlüssel, den das Zertifikat nennt"
    ),
    "the certificate is valid from {not_before}": "das Zertifikat ist gültig ab {not_before}",
    "the certificate was valid until {not_after}": "das Zertifikat war gültig bis {not_after}",
    "the trust store has no CSCA {certificate} (a name without a country)": (
        "im Vertrauensspeicher ist keine CSCA {certificate} (ein Name ohne Land)"
    ),
    "the certificate is valid, but its CSCA's certificate is valid only from {not_before} to"
    " {not_after}": (
        "das Zertifikat ist gültig, das seiner CSCA aber nur von {not_before} bis {not_after}"
    ),
    "the certificate is valid, but signed the document only on {signed}: the instant of the"
    " inspection is wrong, or the signer's clock was": (
        "das Zertifikat ist gültig, signierte das Dokument aber erst am {signed}: der Zeitpunkt"
        " der Prüfung ist falsch, oder die Uhr des Unterzeichners war es"
    ),
    "{certificate} is not among the CSCAs of its country in the trust store": (
        "{certificate} fehlt unter den CSCAs ihres Landes im Vertrauensspeicher"
    ),
    "the trust store has no CSCA of {state}": "im Vertrauensspeicher ist keine CSCA von {state}",
    # --- ds.revocation
    "no CRL of the country is of the certificate's CSCA": (
        "keine Sperrliste des Landes ist von der CSCA des Zertifikats"
    ),
    "the CRL is not signed by a trusted key of its CSCA": (
        "die Sperrliste ist von keinem vertrauten Schlüssel ihrer CSCA signiert"
    ),
    "not on the CRL of {issued}, which is valid until {until}": (
        "nicht auf der Sperrliste vom {issued}, die bis {until} gilt"
    ),
    "the CRL is of another CSCA of the country": (
        "die Sperrliste ist von einer anderen CSCA des Landes"
    ),
    "the CRL has no nextUpdate": "die Sperrliste hat kein nextUpdate",
    "the CRL of {issued} does not name it, but cannot be used: {objection}": (
        "die Sperrliste vom {issued} nennt es nicht, ist aber nicht brauchbar: {objection}"
    ),
    "the CRL was valid until {next_update}; a newer one is required": (
        "die Sperrliste galt bis {next_update}; eine neuere ist nötig"
    ),
    "the certificate's CSCA is not known, and so no CRL of it": (
        "die CSCA des Zertifikats ist nicht bekannt, und damit keine Sperrliste von ihr"
    ),
    "revoked on {when} by {crl}": "am {when} widerrufen von {crl}",
    "the CRL was only issued on {this_update}": (
        "die Sperrliste wurde erst am {this_update} ausgestellt"
    ),
    "the trust store has no CRL of {state}": "im Vertrauensspeicher ist keine Sperrliste: {state}",
    "its CSCA {csca} was revoked on {when} by {crl}": (
        "seine CSCA {csca} wurde am {when} widerrufen von {crl}"
    ),
    "its issuer": "sein Aussteller",
    # --- ds.profile
    "the certificate may be used for its purpose": (
        "das Zertifikat darf für seinen Zweck benutzt werden"
    ),
    "the signer's list of document types cannot be read": (
        "die Liste der Dokumentarten des Unterzeichners ist nicht lesbar"
    ),
    "the signer is not for documents of this type": (
        "der Unterzeichner ist nicht für diese Art von Dokument bestimmt"
    ),
    "document types that cannot be read": "unlesbare Dokumentarten",
    "no document types": "keine Dokumentarten",
    "the certificate's key usage or basic constraints cannot be read": (
        "Schlüsselverwendung oder Basic Constraints des Zertifikats sind nicht lesbar"
    ),
    "the certificate's key is not for signing documents": (
        "der Schlüssel des Zertifikats ist nicht zum Signieren von Dokumenten bestimmt"
    ),
    "the certificate is a CA's, and a CA does not sign documents": (
        "das Zertifikat ist das einer CA, und eine CA signiert keine Dokumente"
    ),
    "the certificate's extended key usage cannot be read": (
        "die erweiterte Schlüsselverwendung des Zertifikats ist nicht lesbar"
    ),
    "the certificate has an extended key usage, but {types}": (
        "das Zertifikat hat eine erweiterte Schlüsselverwendung, aber {types}"
    ),
    "the certificate lacks the extended key usage {purpose}": (
        "dem Zertifikat fehlt die erweiterte Schlüsselverwendung {purpose}"
    ),
    "the certificate is for another purpose: {others}": (
        "das Zertifikat ist für einen anderen Zweck: {others}"
    ),
    "the {what}'s private-key usage period cannot be read": (
        "die Nutzungsdauer des privaten Schlüssels ist nicht lesbar: {what}"
    ),
    "signer": "Unterzeichner",
    "the document was signed": "das Dokument wurde signiert",
    "the certificate was issued": "das Zertifikat wurde ausgestellt",
    "{what} before the private-key usage period": (
        "{what} vor der Nutzungsdauer des privaten Schlüssels"
    ),
    "{what} after the private-key usage period": (
        "{what} nach der Nutzungsdauer des privaten Schlüssels"
    ),
    # --- certificates and lists
    "RSA-PSS without parameters": "RSA-PSS ohne Parameter",
    "a signature algorithm with parameters that are not its own": (
        "ein Signaturalgorithmus mit fremden Parametern"
    ),
    "the signature algorithm {oid} is not known": (
        "der Signaturalgorithmus {oid} ist nicht bekannt"
    ),
    "a certificate has a body, an algorithm and a signature": (
        "ein Zertifikat besteht aus Rumpf, Algorithmus und Signatur"
    ),
    "the algorithm beside the signature is not the one that is signed": (
        "der Algorithmus neben der Signatur ist nicht der signierte"
    ),
    "the body lacks fields": "im Rumpf fehlen Felder",
    "a validity has two ends": "eine Gültigkeit hat zwei Enden",
    "has {octets} octets, which is too many": "hat {octets} Oktette, das sind zu viele",
    "a version is one number": "eine Version ist eine Zahl",
    "the CRL is signed with an unknown algorithm": (
        "die Sperrliste ist mit einem unbekannten Algorithmus signiert"
    ),
    "the end of its body": "das Ende ihres Rumpfs",
    "the body has too many fields": "der Rumpf hat zu viele Felder",
    "its algorithm": "ihr Algorithmus",
    "the algorithm beside its signature": "der Algorithmus neben ihrer Signatur",
    "the list of its entries": "die Liste ihrer Einträge",
    "a list has a body, an algorithm and a signature": (
        "eine Liste besteht aus Rumpf, Algorithmus und Signatur"
    ),
    "its version": "ihre Version",
    "its next update": "ihre nächste Ausgabe",
    "its extensions": "ihre Erweiterungen",
    "{faults} of its entries cannot be read": "{faults} ihrer Einträge sind nicht lesbar",
    "extensions are one sequence": "Erweiterungen sind eine einzige SEQUENCE",
    "it has unknown critical extensions: {unknown}": (
        "sie hat unbekannte kritische Erweiterungen: {unknown}"
    ),
    "the version is not 2": "die Version ist nicht 2",
    "{name} cannot be read: {reason}": "{name}: nicht lesbar: {reason}",
    "an extension has two or three fields": "eine Erweiterung hat zwei oder drei Felder",
    "is not BasicConstraints": "ist kein BasicConstraints",
    "names no document types": "nennt keine Dokumentarten",
    "is not an end of the period": "ist kein Ende der Nutzungsdauer",
    "part of a name": "Teil eines Namens",
    "a part of a name must be a type and a value": (
        "ein Teil eines Namens besteht aus Typ und Wert"
    ),
    "certificate": "Zertifikat",
    # --- card-verifiable certificates
    "the certificates of a chain are for different types of terminal": (
        "die Zertifikate einer Kette sind für verschiedene Arten von Terminals"
    ),
    "has {count} octets, not {size}": "hat {count} Oktette statt {size}",
    "card-verifiable certificate": "kartenprüfbares Zertifikat",
    "a reference is 1 to 16 characters of ISO 8859-1": (
        "eine Referenz hat 1 bis 16 Zeichen von ISO 8859-1"
    ),
    "a date is six octets of one digit each": "ein Datum hat sechs Oktette mit je einer Ziffer",
    "an extension has tag 73": "eine Erweiterung hat Tag 73",
    "an extension has no identifier": "eine Erweiterung hat keine Kennung",
    "the profile is not version 1": "das Profil hat nicht Version 1",
    "is not a date": "ist kein Datum",
    "a body (7F4E) and a signature (5F37) are expected": (
        "ein Rumpf (7F4E) und eine Signatur (5F37) werden erwartet"
    ),
    "a length field is not in the shortest form": "ein Längenfeld ist nicht so kurz wie möglich",
    "certificate of {holder_reference}: {error}": "Zertifikat von {holder_reference}: {error}",
    "an integer of 1 to 1,024 octets is expected": (
        "eine Zahl mit 1 bis 1.024 Oktetten wird erwartet"
    ),
    "modulus and exponent must be odd and at least 3": (
        "Modulus und Exponent müssen ungerade und mindestens 3 sein"
    ),
    "the generator is not an uncompressed point": ("der Generator ist kein unkomprimierter Punkt"),
    "the key has no domain parameters and inherits none": (
        "der Schlüssel hat keine Domänenparameter und erbt keine"
    ),
    "a key without domain parameters cannot verify": (
        "ein Schlüssel ohne Domänenparameter kann nichts prüfen"
    ),
    "the key is for {oid}, not for Terminal Authentication": (
        "der Schlüssel ist für {oid}, nicht für Terminal Authentication"
    ),
    "is not a part of a public key": "ist kein Teil eines öffentlichen Schlüssels",
    "trust points": "Vertrauensanker",
    "certificate of {holder_reference}": "Zertifikat von {holder_reference}",
    "certificate of {reference}": "Zertifikat von {reference}",
    "a trust point has no domain parameters": "ein Vertrauensanker hat keine Domänenparameter",
    "{name}: its key is for another algorithm than its issuer's": (
        "{name}: sein Schlüssel ist für einen anderen Algorithmus als der des Ausstellers"
    ),
    "{name}: its key has other domain parameters than its issuer's": (
        "{name}: sein Schlüssel hat andere Domänenparameter als der des Ausstellers"
    ),
    "{name}: its key has another size than its issuer's": (
        "{name}: sein Schlüssel hat eine andere Größe als der des Ausstellers"
    ),
    "{name}: {reference} did not issue it": "{name}: {reference} hat es nicht ausgestellt",
    "{name}: it is for another type of terminal than its issuer": (
        "{name}: es ist für eine andere Art von Terminal als sein Aussteller"
    ),
    "{name}: a {role} may not certify this role": (
        "{name}: ein {role} darf diese Rolle nicht zertifizieren"
    ),
    "{name}: the reference is that of a trust point": (
        "{name}: die Referenz ist die eines Vertrauensankers"
    ),
    "{name}: it expires before it is effective": "{name}: es läuft ab, bevor es gilt",
    "{name}: it expired on {expiration}": "{name}: es ist am {expiration} abgelaufen",
    "{name}: its trust point has expired": "{name}: sein Vertrauensanker ist abgelaufen",
    # --- quirks
    "BER indefinite lengths where DER is required": (
        "unbestimmte Längen von BER, wo DER verlangt ist"
    ),
    "length fields longer than DER allows": "längere Längenfelder, als DER erlaubt",
    "an ECDSA algorithm with NULL parameters": "ein ECDSA-Algorithmus mit Parametern NULL",
    "an RSA algorithm without its NULL parameters": "ein RSA-Algorithmus ohne seine Parameter NULL",
    "an RSA-PSS parameter that DER leaves at its default": (
        "ein Parameter von RSA-PSS, den DER bei seiner Vorgabe lässt"
    ),
    "an algorithm beside the signature that is encoded differently from the signed one": (
        "ein Algorithmus neben der Signatur, der anders codiert ist als der signierte"
    ),
    "a signature with another hash algorithm than the message digest": (
        "eine Signatur mit einem anderen Hash-Algorithmus als der Hash des Inhalts"
    ),
    "signed attributes that are not in DER order": (
        "signierte Attribute, die nicht in der Reihenfolge von DER stehen"
    ),
    "attributes that are not signed": "Attribute, die nicht signiert sind",
    "an RSA signature of a digest without its NULL parameters": (
        "eine RSA-Signatur über einen Hash ohne seine Parameter NULL"
    ),
    "ECDSA integers with surplus leading zeros": "ECDSA-Zahlen mit überzähligen führenden Nullen",
    "extensions in a certificate that is not of version 3": (
        "Erweiterungen in einem Zertifikat, das nicht Version 3 hat"
    ),
    "a serial number that is not positive": "eine Seriennummer, die nicht positiv ist",
    "a serial number of more than 20 octets": "eine Seriennummer mit mehr als 20 Oktetten",
    "a serial number with superfluous leading octets": (
        "eine Seriennummer mit überzähligen führenden Oktetten"
    ),
    "fields in a certificate that X.509 does not define": (
        "Felder in einem Zertifikat, die X.509 nicht kennt"
    ),
    "a unique identifier, which Doc 9303-12 forbids": (
        "ein Unique Identifier, den Doc 9303-12 verbietet"
    ),
    "a time that is not written to the second in UTC": (
        "eine Zeit, die nicht auf die Sekunde in UTC geschrieben ist"
    ),
    "a default value that DER does not write": "ein Vorgabewert, den DER nicht schreibt",
    "an extension that occurs twice": "eine Erweiterung, die zweimal vorkommt",
    "an extension that cannot be read": "eine Erweiterung, die nicht lesbar ist",
    "a path length without the CA flag": "eine Pfadlänge ohne das Kennzeichen CA",
    "a document type list in a wrong encoding": "eine falsch codierte Liste der Dokumentarten",
    "a document type list under the identifier of an old draft": (
        "eine Liste der Dokumentarten unter der Kennung eines alten Entwurfs"
    ),
    "a BOOLEAN in a form that DER does not write": "ein BOOLEAN, wie DER es nicht schreibt",
    "an EF.SOD without its tag 77": "ein EF.SOD ohne sein Tag 77",
    "an EF.SOD of version 1 without its Document Signer's certificate": (
        "ein EF.SOD der Version 1 ohne das Zertifikat seines Document Signers"
    ),
    "an EF.SOD whose content type is not LDSSecurityObject": (
        "ein EF.SOD, dessen Inhaltstyp nicht LDSSecurityObject ist"
    ),
    "a country that is not in upper case": "ein Land, das nicht groß geschrieben ist",
    "an issuer name that differs from the CSCA's own in order, case or string type": (
        "ein Ausstellername, der in Reihenfolge, Großschreibung oder Zeichenkettentyp vom Namen der"
        " CSCA abweicht"
    ),
    "an issuer name that is not the name of the CSCA with this key": (
        "ein Ausstellername, der nicht der Name der CSCA mit diesem Schlüssel ist"
    ),
    "a signer identifier that differs from the issuer's name in order, case or string type": (
        "eine Bezeichnung des Unterzeichners, die in Reihenfolge, Großschreibung oder"
        " Zeichenkettentyp vom Namen des Ausstellers abweicht"
    ),
    "a signer identifier with another name than the issuer's": (
        "eine Bezeichnung des Unterzeichners mit einem anderen Namen als dem des Ausstellers"
    ),
    "a date before 2050 that is not a UTCTime": "ein Datum vor 2050, das keine UTCTime ist",
    "an LDSSecurityObject with the version number of another LDS version": (
        "ein LDSSecurityObject mit der Versionsnummer einer anderen LDS-Version"
    ),
    "a key usage that is not critical": "eine Schlüsselverwendung, die nicht kritisch ist",
    "no authority key identifier": "keine Schlüsselkennung des Ausstellers",
    "an authority key identifier that is not the CSCA's subject key identifier": (
        "eine Schlüsselkennung des Ausstellers, die nicht die der CSCA ist"
    ),
    "no key usage": "keine Schlüsselverwendung",
    "no private-key usage period": "keine Nutzungsdauer des privaten Schlüssels",
    "a signature outside the private-key usage period, by less than a day": (
        "eine Signatur außerhalb der Nutzungsdauer des privaten Schlüssels, um weniger als einen"
        " Tag"
    ),
    "no list of document types": "keine Liste der Dokumentarten",
    "a CSCA whose path length is not 0": "eine CSCA, deren Pfadlänge nicht 0 ist",
    "a Document Signer with an extended key usage": (
        "ein Document Signer mit erweiterter Schlüsselverwendung"
    ),
}
