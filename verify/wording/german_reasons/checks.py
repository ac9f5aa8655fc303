"""The reasons of checks, and of faults of an inspection."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    # --- what joins sentences
    " at offset {offset}": " an Stelle {offset}",
    " and ": " und ",
    " or ": " oder ",
    "{what}: {reason}{where}": "{what}: {reason}{where}",
    "; in the second opening: ": "; bei der zweiten Öffnung: ",
    # --- access.downgrade and terminal.authentication
    "by Basic Access Control": "mit Basic Access Control",
    "without any access control": "ohne jede Zugangskontrolle",
    "EF.CardAccess agrees with its signed copy": (
        "EF.CardAccess stimmt mit der signierten Abschrift überein"
    ),
    "neither DG14 nor EF.CardSecurity has a signed copy of EF.CardAccess to compare": (
        "weder DG14 noch EF.CardSecurity enthält eine signierte Abschrift von EF.CardAccess"
    ),
    "EF.CardAccess has been changed: its SecurityInfos differ from the signed ones": (
        "EF.CardAccess wurde verändert: seine SecurityInfos sind nicht die signierten"
    ),
    "EF.DIR has been changed: it differs from its signed copy": (
        "EF.DIR wurde verändert: es ist nicht wie die signierte Abschrift"
    ),
    "EF.CardAccess has been removed: the signed SecurityInfos announce PACE": (
        "EF.CardAccess wurde entfernt: die signierten SecurityInfos kündigen PACE an"
    ),
    "opened {weaker}, although the chip offers PACE{why}": (
        "{weaker} geöffnet, obwohl der Chip PACE anbietet{why}"
    ),
    "{name} has no signed copy": "{name} hat keine signierte Abschrift",
    "the chip accepts {holder}, which may read {rights}": (
        "der Chip erkennt {holder} an, mit Leserecht für {rights}"
    ),
    "nothing": "nichts",
    "the document does not offer Terminal Authentication": (
        "das Dokument bietet keine Terminal Authentication an"
    ),
    "an image of files was judged; no chip was asked": (
        "ein Abbild von Dateien wurde beurteilt; kein Chip wurde gefragt"
    ),
    "no terminal certificate was given (--terminal), so DG3 and DG4 stay closed": (
        "kein Zertifikat dieses Platzes wurde angegeben (--terminal); DG3 und DG4 bleiben zu"
    ),
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
    # --- the proofs of the chip
    "the chip has the private key of the signed EF.CardSecurity": (
        "der Chip hat den privaten Schlüssel zum signierten EF.CardSecurity"
    ),
    "{reason}; this is the second try, since the first was disturbed: {disturbed}": (
        "{reason}; dies ist der zweite Versuch, denn der erste wurde gestört: {disturbed}"
    ),
    "the document does not offer Chip Authentication": (
        "das Dokument bietet keine Chip Authentication an"
    ),
    "the chip has the private key of the signed {file} ({described})": (
        "der Chip hat den privaten Schlüssel zum signierten {file} ({described})"
    ),
    "the chip has the private key of the signed DG15 ({algorithm})": (
        "der Chip hat den privaten Schlüssel zum signierten DG15 ({algorithm})"
    ),
    "the chip does not offer Chip Authentication Mapping": (
        "der Chip bietet kein Chip Authentication Mapping an"
    ),
    "the chip was not opened by PACE with Chip Authentication Mapping": (
        "der Chip wurde nicht durch PACE mit Chip Authentication Mapping geöffnet"
    ),
    "the chip has the private key of the signed EF.CardSecurity, but DG14 does not contain this"
    " key, so it may be that of another document{why}": (
        "der Chip hat den privaten Schlüssel zum signierten EF.CardSecurity, DG14 enthält diesen"
        " Schlüssel aber nicht; er kann also der eines anderen Dokuments sein{why}"
    ),
    "the chip was not asked for this proof": "der Chip wurde nach diesem Beweis nicht gefragt",
    "the key in {file} is not known to be signed: {objection}": (
        "ob der Schlüssel in {file} signiert ist, steht nicht fest: {objection}"
    ),
    "the key in EF.CardSecurity is not known to be signed: {objection}": (
        "ob der Schlüssel in EF.CardSecurity signiert ist, steht nicht fest: {objection}"
    ),
    "the document has no {file}": "das Dokument hat kein {file}",
    "{reason}; {passed_ids} passed": "{reason}; {passed_ids} bestanden",
    "Chip Authentication: the key that was used is not one of the signed keys": (
        "Chip Authentication: der benutzte Schlüssel ist keiner der signierten"
    ),
    "Chip Authentication: the chip did not answer under the new keys": (
        "Chip Authentication: der Chip antwortete nicht unter den neuen Schlüsseln"
    ),
    "Chip Authentication transcript": "Protokoll der Chip Authentication",
    "has no private key of the terminal": "enthält keinen privaten Schlüssel des Terminals",
    "it offers no such proof": "er bietet keinen solchen Beweis an",
    "the chip has not proven that it is not a copy: {why}": (
        "der Chip hat nicht bewiesen, dass er keine Kopie ist: {why}"
    ),
    "the notes in the image contain a valid proof by the chip, but this user did not seal them:"
    " the author of the image can have invented them": (
        "die Notizen im Abbild enthalten einen gültigen Beweis des Chips, wurden aber nicht von"
        " diesem Benutzer versiegelt: wer das Abbild gemacht hat, kann sie erfunden haben"
    ),
    "the notes in the image contain a printed MRZ that agrees with DG1, but this user did not seal"
    " them: the author of the image can have invented them; read the printed MRZ (--mrz)": (
        "die Notizen im Abbild enthalten eine gedruckte MRZ, die mit DG1 übereinstimmt, wurden"
        " aber nicht von diesem Benutzer versiegelt: wer das Abbild gemacht hat, kann sie erfunden"
        " haben; die gedruckte MRZ ablesen (--mrz)"
    ),
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
    # --- chip.life-cycle
    "the chip gives no life-cycle status": "der Chip nennt keinen Status des Lebenszyklus",
    "the chip was never locked: it is still in the creation state": (
        "der Chip wurde nie gesperrt: er ist noch im Zustand der Erzeugung"
    ),
    "the chip was never locked: it is still in personalisation": (
        "der Chip wurde nie gesperrt: er ist noch in der Personalisierung"
    ),
    "the chip states that its application is terminated": (
        "der Chip nennt seine Anwendung beendet"
    ),
    "the chip was not asked for its life-cycle status": (
        "der Chip wurde nach dem Status des Lebenszyklus nicht gefragt"
    ),
    "the life-cycle status of the application is: {status}": (
        "der Status der Anwendung im Lebenszyklus ist: {status}"
    ),
    "{no_status} that the standard defines": "{no_status}, den die Norm kennt",
    "creation": "Erzeugung",
    "initialisation": "Initialisierung",
    "operational": "in Betrieb",
    "operational, deactivated": "in Betrieb, deaktiviert",
    "terminated": "beendet",
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
    # --- faults of an inspection
    "the chip opens its eMRTD application only to a terminal with a certificate, and none was given"
    " (--terminal)": (
        "der Chip öffnet seine eMRTD-Anwendung nur einem Terminal mit Zertifikat, und keines wurde"
        " angegeben (--terminal)"
    ),
    "the policy does not allow Basic Access Control": (
        "die Richtlinie erlaubt Basic Access Control nicht"
    ),
    "the chip offers PACE, so the policy does not allow Basic Access Control": (
        "der Chip bietet PACE an, deshalb erlaubt die Richtlinie Basic Access Control nicht"
    ),
    "Basic Access Control requires the MRZ, and only a CAN was given": (
        "Basic Access Control braucht die MRZ, und nur eine CAN wurde angegeben"
    ),
    "the chip has ended the session and does not open again": (
        "der Chip hat die Sitzung beendet und öffnet sich nicht wieder"
    ),
    "Terminal Authentication cannot be bound to a key of the chip, because Chip Authentication did"
    " not take place": (
        "Terminal Authentication ist an keinen Schlüssel des Chips zu binden, denn Chip"
        " Authentication fand nicht statt"
    ),
    "it requires Terminal Authentication, and no terminal key was given": (
        "dafür braucht es Terminal Authentication, und kein Schlüssel dieses Platzes wurde"
        " angegeben"
    ),
    "Terminal Authentication did not succeed": "Terminal Authentication gelang nicht",
    "the certificates of {holder} do not allow this terminal to read it": (
        "die Zertifikate von {holder} erlauben diesem Platz das Lesen nicht"
    ),
    "{doing} needs extended length, which the chip or the reader seems not to have: it answered"
    " {sw} ({meaning})": (
        "{doing} braucht erweiterte Länge, die Chip oder Leser wohl nicht haben: die Antwort war"
        " {sw} ({meaning})"
    ),
    "{doing}: the chip answered {sw} ({meaning})": "{doing}: der Chip antwortete {sw} ({meaning})",
    "{sw} ({meaning}) in plain": "{sw} ({meaning}) unverschlüsselt",
    "secure messaging: the chip answered {answered} inside a session": (
        "Secure Messaging: der Chip antwortete innerhalb der Sitzung {answered}"
    ),
    "secure messaging: {reason}": "Secure Messaging: {reason}",
    "the chip's files could not be read within {commands} commands": (
        "die Dateien des Chips waren mit {commands} Befehlen nicht zu lesen"
    ),
    "Chip Authentication: the chip answered in the session before, whose keys it should have"
    " left": (
        "Chip Authentication: der Chip antwortete in der vorigen Sitzung, deren Schlüssel er hätte"
        " aufgeben müssen"
    ),
}
