"""The reasons of checks of the document's files, signers and lists, and of the report."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    # --- what joins sentences
    " at offset {offset}": " an Stelle {offset}",
    " and ": " und ",
    " or ": " oder ",
    "{what}: {reason}{where}": "{what}: {reason}{where}",
    "; in the second opening: ": "; bei der zweiten Öffnung: ",
    # --- deviation.list
    "a Defect List states that the Document Signer is revoked": (
        "eine Defect List führt den Document Signer als widerrufen"
    ),
    "no list describes such documents": "keine Liste beschreibt solche Dokumente",
    "{reason}; but known of such documents: {known}": (
        "{reason}; von solchen Dokumenten ist aber bekannt: {known}"
    ),
    "known of such documents: {known}": "von solchen Dokumenten ist bekannt: {known}",
    "the trust store has no Deviation List of {state}, and no Defect List": (
        "im Vertrauensspeicher ist keine Deviation List von {state} und keine Defect List"
    ),
    "ds signature": "Signatur des Document Signers",
    "ds encoding": "Codierung des Document Signers",
    "csca encoding": "Codierung der CSCA",
    "aa key compromised": "Schlüssel der Active Authentication bekannt geworden",
    "dg malformed": "Datengruppe fehlerhaft",
    "dg hash wrong": "Hash einer Datengruppe falsch",
    "sod signature wrong": "Signatur von EF.SOD falsch",
    "com inconsistent": "EF.COM stimmt nicht überein",
    "mrz wrong data": "falsche Daten in der MRZ",
    "mrz wrong check digit": "falsche Prüfziffer in der MRZ",
    "chip": "Chip",
    "national use": "nationale Verwendung",
    "certificate revoked": "Zertifikat widerrufen",
    "certificate replaced": "Zertifikat ersetzt",
    "chip authentication key revoked": "Schlüssel der Chip Authentication widerrufen",
    "active authentication key revoked": "Schlüssel der Active Authentication widerrufen",
    "card security malformed": "EF.CardSecurity fehlerhaft",
    "chip security malformed": "EF.ChipSecurity fehlerhaft",
    "power down required": "der Chip muss stromlos gewesen sein",
    # --- what is absent, and what the policy asks
    "the image has": "das Abbild enthält",
    "the chip provided": "der Chip lieferte",
    "{what} no {file}": "{what} kein {file}",
    "{file} was not read: {why}{cause}": "{file} wurde nicht gelesen: {why}{cause}",
    "the policy does not tolerate {refused}": "die Richtlinie duldet nicht: {refused}",
    "{check_id} did not pass": "{check_id} wurde nicht bestanden",
    # --- data groups
    "the {algorithm} hash of {file} is the one in EF.SOD": (
        "der {algorithm}-Hash von {file} ist der in EF.SOD"
    ),
    "{file} is not listed in EF.SOD, so it is not signed": (
        "{file} steht nicht in EF.SOD und ist deshalb nicht signiert"
    ),
    "no readable EF.SOD to compare {file} with": (
        "es gibt kein lesbares EF.SOD, um {file} damit zu vergleichen"
    ),
    "EF.SOD has {octets} octets for {file}, which is not an {algorithm} hash": (
        "EF.SOD hat {octets} Oktette für {file}; das ist kein {algorithm}-Hash"
    ),
    "{file} has been changed: its {algorithm} hash is not the one in EF.SOD": (
        "{file} wurde verändert: sein {algorithm}-Hash ist nicht der in EF.SOD"
    ),
    "{reason}; and a listed data group is missing": (
        "{reason}; und eine aufgeführte Datengruppe fehlt"
    ),
    "EF.SOD lists {file}; {why}": "EF.SOD führt {file} auf; {why}",
    "{file} has been removed: EF.SOD lists it, and the chip has no such file": (
        "{file} wurde entfernt: EF.SOD führt es auf, und der Chip hat keine solche Datei"
    ),
    # --- mrz.matches-details
    "EF.SOD lists neither DG11 nor DG12": "EF.SOD führt weder DG11 noch DG12 auf",
    "the dates in {names} agree with DG1": "die Daten in {names} stimmen mit DG1 überein",
    "DG11: the name is not the one in DG1": "DG11: der Name ist nicht der in DG1",
    "the date of issue in DG12 is in the future": (
        "das Ausstellungsdatum in DG12 liegt in der Zukunft"
    ),
    "the date of issue in DG12 is before any document had a chip": (
        "das Ausstellungsdatum in DG12 liegt vor dem ersten Dokument mit Chip"
    ),
    "the date of issue in DG12 is before the date of birth": (
        "das Ausstellungsdatum in DG12 liegt vor dem Geburtsdatum"
    ),
    "the date of issue in DG12 is after the date of expiry in DG1": (
        "das Ausstellungsdatum in DG12 liegt nach dem Ablaufdatum in DG1"
    ),
    "DG{number} cannot be read": "DG{number} ist nicht lesbar",
    "the date of birth in DG11 is not the one in DG1": (
        "das Geburtsdatum in DG11 ist nicht das in DG1"
    ),
    "DG1: the document code {objection}": "DG1: die Dokumentart {objection}",
    # --- lds.images
    "1 image decoded": "1 Bild decodiert",
    "{count} images decoded": "{count} Bilder decodiert",
    "no image was decoded": "kein Bild wurde decodiert",
    "no image was read": "kein Bild wurde gelesen",
    "{file}: {image} {objection}": "{file}: {image} {objection}",
    "{image} {quirk}": "{image} {quirk}",
    "the face image": "das Gesichtsbild",
    "the finger image": "das Fingerbild",
    "the iris image": "das Irisbild",
    # --- issuer.consistent
    "the issuing State is not known, because there is no readable DG1": (
        "der ausstellende Staat ist nicht bekannt, denn es gibt kein lesbares DG1"
    ),
    "the Document Signer": "der Document Signer",
    "the CSCA": "die CSCA",
    "DG1, Document Signer and CSCA are all of {state}": (
        "DG1, Document Signer und CSCA sind alle von {state}"
    ),
    "DG1 is of {state}, but {holder} is of {country}": (
        "DG1 ist von {state}, aber {holder} ist von {country}"
    ),
    "DG1 and the Document Signer are both of {state}, but the CSCA is not known": (
        "DG1 und Document Signer sind beide von {state}, aber die CSCA ist nicht bekannt"
    ),
    "the State code in DG1 cannot be compared with the country of {holder}": (
        "der Staatencode in DG1 ist nicht vergleichbar; Vergleich mit dem Land: {holder}"
    ),
    "subject alternative name": "alternativer Inhabername",
    # --- the MRZ
    "document number, date of birth and date of expiry agree with DG1; no more was given": (
        "Dokumentnummer, Geburtsdatum und Ablaufdatum stimmen mit DG1 überein; mehr wurde nicht"
        " angegeben"
    ),
    "every element of the printed MRZ agrees with DG1": (
        "jedes Element der gedruckten MRZ stimmt mit DG1 überein"
    ),
    "document code": "Dokumentart",
    "issuing State": "ausstellender Staat",
    "document number": "Dokumentnummer",
    "date of birth": "Geburtsdatum",
    "date of expiry": "Ablaufdatum",
    "optional data": "Zusatzangaben",
    "composite": "alle Felder zusammen",
    "name": "Name",
    "nationality": "Staatsangehörigkeit",
    "sex": "Geschlecht",
    "no printed MRZ was given to compare DG1 with": (
        "keine gedruckte MRZ wurde angegeben, um DG1 damit zu vergleichen"
    ),
    "the printed document number, date of birth or date of expiry differs from DG1": (
        "Dokumentnummer, Geburtsdatum oder Ablaufdatum ist gedruckt anders als in DG1"
    ),
    "the printed MRZ differs from DG1 only in the optional data": (
        "die gedruckte MRZ weicht nur in den Zusatzangaben von DG1 ab"
    ),
    "valid until {expires}": "gültig bis {expires}",
    "wrong check digit in DG1: {wrong}": "falsche Prüfziffer in DG1: {wrong}",
    "all {count} check digits of the MRZ in DG1 are correct": (
        "alle {count} Prüfziffern der MRZ in DG1 sind richtig"
    ),
    "the printed MRZ was misread or is false: wrong check digit ({misread}); read it again": (
        "die gedruckte MRZ wurde falsch abgelesen oder ist falsch: falsche Prüfziffer ({misread});"
        " noch einmal ablesen"
    ),
    "the printed MRZ has the format {printed}, DG1 has {stored}": (
        "die gedruckte MRZ hat das Format {printed}, DG1 hat {stored}"
    ),
    "the printed MRZ differs from DG1: {differing}": (
        "die gedruckte MRZ weicht von DG1 ab: {differing}"
    ),
    "the date of expiry in DG1 cannot be read": "das Ablaufdatum in DG1 ist nicht lesbar",
    "the permit ended on {valid_until}, before the document expires": (
        "der Titel endete am {valid_until}, vor dem Ablauf des Dokuments"
    ),
    "the permit does not begin until {valid_from}": "der Titel beginnt erst am {valid_from}",
    "without a date of expiry": "ohne Ablaufdatum",
    "without end": "unbefristet",
    "DG1 cannot be read: {reason}": "DG1 ist nicht lesbar: {reason}",
    "the document expired on {expires}": "das Dokument ist am {expires} abgelaufen",
    # --- EF.SOD and EF.CardSecurity
    "EF.SOD cannot be read, so its signer is not known": (
        "EF.SOD ist nicht lesbar, deshalb ist sein Unterzeichner nicht bekannt"
    ),
    "EF.CardSecurity is signed by {state}, but EF.SOD by {other}": (
        "EF.CardSecurity ist von {state} signiert, EF.SOD aber von {other}"
    ),
    "strong enough: {used}": "stark genug: {used}",
    "too weak for the policy: {refused}": "zu schwach für die Richtlinie: {refused}",
    "weak: {weak}": "schwach: {weak}",
    "EF.SOD (hashes of data groups)": "EF.SOD (Hashes der Datengruppen)",
    "EF.SOD (digest of the signed content)": "EF.SOD (Hash des signierten Inhalts)",
    "the signature of EF.SOD": "die Signatur von EF.SOD",
    "the signature of the Document Signer's certificate": (
        "die Signatur des Document-Signer-Zertifikats"
    ),
    "{holder} uses {hash}": "{holder}: {hash}",
    "{holder} has {key}": "{holder}: {key}",
    "{holder} has a key that can be computed: {why}": (
        "{holder}: der private Schlüssel ist berechenbar: {why}"
    ),
    "its modulus has a small factor": "sein Modul hat einen kleinen Faktor",
    "the factors of its modulus are close to each other": (
        "die Faktoren seines Moduls liegen nahe beieinander"
    ),
    "its modulus has the form of CVE-2017-15361 (ROCA)": (
        "sein Modul hat die Form von CVE-2017-15361 (ROCA)"
    ),
    # --- clauses with words
    "Doc 9303-10, 4.6 and 4.7": "Doc 9303-10, 4.6 und 4.7",
    "Doc 9303-10, 4.7.2 to 4.7.4": "Doc 9303-10, 4.7.2 bis 4.7.4",
    "Doc 9303-10, 4.7.11 and 4.7.12": "Doc 9303-10, 4.7.11 und 4.7.12",
    "Doc 9303-11, 4.2 and 9.2.11": "Doc 9303-11, 4.2 und 9.2.11",
    "Doc 9303-11, 5.1.1, step 2; Doc 9303-12, 6": "Doc 9303-11, 5.1.1, Schritt 2; Doc 9303-12, 6",
    "Doc 9303-11, 5.1.1, step 3": "Doc 9303-11, 5.1.1, Schritt 3",
    "Doc 9303-11, 5.1.1, step 5": "Doc 9303-11, 5.1.1, Schritt 5",
    "none: Doc 9303 revokes signers, not documents": (
        "keine: Doc 9303 widerruft Unterzeichner, keine Dokumente"
    ),
    # --- document.stop-list
    "not on the stop list of {this_update}": "nicht auf der Dokumentensperrliste vom {this_update}",
    "its signer is not known": "ihr Unterzeichner ist nicht bekannt",
    "its signer's certificate is not for signing": (
        "das Zertifikat ihres Unterzeichners ist nicht zum Signieren bestimmt"
    ),
    "its signer's certificate was not valid when it was signed": (
        "das Zertifikat ihres Unterzeichners war beim Signieren nicht gültig"
    ),
    "no stop list was given": "keine Dokumentensperrliste wurde angegeben",
    "the stop list cannot be used: {objection}": (
        "die Dokumentensperrliste ist nicht brauchbar: {objection}"
    ),
    "the stop list is of {state}, and the document is not": (
        "die Dokumentensperrliste ist von {state}, das Dokument nicht"
    ),
    "its issuer reports it as {why} since {since}": (
        "der Aussteller meldet es seit {since} als: {why}"
    ),
    "lost": "verloren",
    "stolen": "gestohlen",
    "cancelled": "ungültig gemacht",
    "returned": "zurückgegeben",
    "the stop list is out of date since {next_update}": (
        "die Dokumentensperrliste ist seit {next_update} veraltet"
    ),
    # --- lds.structure and com.consistent
    "1 elementary file": "1 Elementardatei",
    "{count} elementary files": "{count} Elementardateien",
    "{names} read, with the prescribed structure": "{names} gelesen, wie vorgeschrieben aufgebaut",
    "no readable EF.SOD to compare EF.COM with": (
        "es gibt kein lesbares EF.SOD, um EF.COM damit zu vergleichen"
    ),
    "EF.COM lists the data groups that EF.SOD lists": (
        "EF.COM führt dieselben Datengruppen auf wie EF.SOD"
    ),
    "not an elementary file, or not the one that its name states: {named}": (
        "keine Elementardatei, oder nicht die, die der Name nennt: {named}"
    ),
    "no file was read": "keine Datei wurde gelesen",
    "it contains another data object in place of a version": (
        "es enthält ein anderes Datenobjekt statt einer Version"
    ),
    "it lists a tag twice, or a tag that is not a data group's": (
        "es führt ein Tag zweimal auf, oder ein Tag, das keine Datengruppe hat"
    ),
    "not as it was issued: {reason}": "nicht wie ausgestellt: {reason}",
    "EF.COM differs from EF.SOD: {differences}": "EF.COM weicht von EF.SOD ab: {differences}",
    "EF.SOD does not list {groups}": "EF.SOD führt {groups} nicht auf",
    "it does not list {missing}": "es führt {missing} nicht auf",
    "it lists {surplus}, which EF.SOD does not": "es führt {surplus} auf, EF.SOD nicht",
    "LDS version {lds_version} instead of {lds_version2}": (
        "LDS-Version {lds_version} statt {lds_version2}"
    ),
    "Unicode version {unicode_version} instead of {unicode_version2}": (
        "Unicode-Version {unicode_version} statt {unicode_version2}"
    ),
    # --- the report
    "{certificate}, serial number {serial}, {key}": "{certificate}, Seriennummer {serial}, {key}",
    "passed": "bestanden",
    "failed": "nicht bestanden",
    "warning": "Warnung",
    "undetermined": "unbestimmt",
    "not-performed": "nicht durchgeführt",
    "not-present": "nicht vorhanden",
    "{missing}: was not run": "{missing}: wurde nicht durchgeführt",
    "the chip did not open": "der Chip öffnete sich nicht",
    "the clock of this machine says {at}, but the trust store was last changed on {seen}: set the"
    " clock; if it is right now and was ahead then, make a new trust store": (
        "die Uhr dieses Rechners sagt {at}, der Vertrauensspeicher wurde aber zuletzt am {seen}"
        " geändert: die Uhr stellen; geht sie jetzt richtig und ging damals vor, einen neuen"
        " Vertrauensspeicher anlegen"
    ),
}
