"""The reasons of checks of the chip itself, and of faults of an inspection."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
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
