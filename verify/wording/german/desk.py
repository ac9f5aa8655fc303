"""What the desk says in German: steps, troubles, what was typed, and its page."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    # --- the steps of an inspection
    "control.none": "ohne Passwort",
    "control.bac": "mit Basic Access Control",
    "control.pace": "mit PACE",
    "step.opening": "Öffnen {how}",
    "step.opening-with": "Öffnen {how} und {password}",
    "step.opened": "geöffnet {how}",
    "step.not-opened": "der Chip hat sich nicht geöffnet",
    "step.reading": "{file}: {done} Oktette",
    "step.reading-of": "{file}: {done} von {of} Oktetten",
    "step.read": "{file} gelesen, {octets} Oktette",
    "step.not-read": "{file} nicht gelesen: {why}",
    "step.proved": "{protocol}: ausgeführt",
    "step.not-proved": "{protocol}: {why}",
    "step.session-lost": "der Chip hat die Sitzung beendet und öffnet sich nicht wieder",
    "step.reopening": "der Chip hat die Sitzung beendet; er wird wieder geöffnet",
    "step.reopened": "wieder geöffnet",
    "protocol.active-authentication": "Active Authentication",
    "protocol.chip-authentication": "Chip Authentication",
    "protocol.terminal-authentication": "Terminal Authentication",
    "protocol.general-authentication": "Terminal und Chip Authentication, Version 2",
    "stage.opening": "Öffnen",
    "stage.reading": "Lesen",
    "stage.proving": "Echtheit",
    "stage.judging": "Urteil",
    # --- the phases of the desk
    "ready.title": "Karte auf den Leser legen",
    "ready.text": "Die maschinenlesbare Zone kann vorher oder nachher gelesen werden.",
    "ready.prepared": "Das Passwort ist bereit: die zugehörige Karte auf den Leser legen.",
    "ready.prepared-other": (
        "Das Passwort für die andere Karte liegt bereit: diese herausnehmen oder die andere wählen."
    ),
    "ready.take-out": "Karte herausnehmen und die nächste auf den Leser legen",
    "asking.title": "Maschinenlesbare Zone einlesen",
    "asking.text": "Eine Karte liegt im Leser. MRZ einlesen, einfügen oder tippen, oder die CAN.",
    "inspecting.title": "Der Chip wird gelesen",
    "inspecting.judging.title": "Das Dokument wird beurteilt",
    "inspecting.judging.text": "Die Karte kann herausgenommen werden.",
    "inspecting.text": "Die Karte auf dem Leser liegen lassen.",
    "inspecting.held.title": "Ein anderes Programm benutzt diese Karte",
    "inspecting.held.text": "Es wird höchstens 20 Sekunden gewartet. Das Programm schließen.",
    "inspecting.stalled.title": "Der Chip antwortet nicht",
    "inspecting.stalled.text": (
        "Die Karte herausnehmen und wieder hinlegen: sie wird von selbst neu gelesen."
    ),
    "locked.title": "Der Platz ist gesperrt",
    "locked.text": "Alle Ergebnisse sind vergessen. Bis zum Entsperren wird keine Karte gelesen.",
    "showing.present": "Nach Abschluss die Karte herausnehmen.",
    "remark.other-card": "Es kam eine andere Karte zurück. Deren MRZ einlesen.",
    "remark.forgotten": "Die frühere Eingabe ist vergessen. Bitte neu eingeben.",
    # --- troubles
    "trouble.card-left.title": "Die Karte hat den Leser verlassen",
    "trouble.card-left.text": "Dieselbe Karte wieder hinlegen: sie wird von selbst neu gelesen.",
    "trouble.card-reset.title": "Ein anderes Programm hat die Karte zurückgesetzt",
    "trouble.card-reset.text": "Das andere Programm schließen, dann erneut lesen.",
    "trouble.card-held.title": "Ein anderes Programm belegt die Karte",
    "trouble.card-held.text": "Es schließen oder einen anderen Leser nehmen, dann erneut lesen.",
    "trouble.card-mute.title": "Die Karte antwortet nicht",
    "trouble.card-mute.text": "Herausnehmen, Kontakte reinigen oder Lage ändern, wieder hinlegen.",
    "trouble.reader-gone.title": "Der Leser wurde abgezogen",
    "trouble.reader-gone.text": (
        "Wieder anstecken und die Karte hinlegen: sie wird von selbst gelesen."
    ),
    "trouble.service-gone.title": "Der Kartendienst läuft nicht mehr",
    "trouble.service-gone.text": (
        "Sobald er wieder läuft und die Karte da ist, beginnt das Lesen von vorn."
    ),
    "trouble.extended-length.title": "Dieser Leser kann diese Karte nicht lesen",
    "trouble.extended-length.text": "Ihm fehlen lange APDUs: einen anderen Leser nehmen.",
    "trouble.transport.title": "Der Leser meldet einen Fehler",
    "trouble.transport.text": "Die Karte herausnehmen und wieder hinlegen.",
    "trouble.internal.title": "Die Prüfung brach ab: interner Fehler",
    "trouble.internal.text": "Die Karte erneut lesen. Bei Wiederholung melden.",
    "reader.none": "Kein Leser angeschlossen",
    "reader.service": "Der Kartendienst (pcscd) läuft nicht",
    "reader.ready": "Leser bereit",
    "reader.card": "Karte im Leser",
    "notice.second-card": "Eine weitere Karte liegt in {reader}.",
    "notice.no-reader": "Kein Leser angeschlossen. Einen anstecken: er wird von selbst gefunden.",
    "notice.no-service": (
        "Der Kartendienst (pcscd) läuft nicht. Ihn starten: die Seite macht weiter."
    ),
    # --- a chip that did not open
    "opening.wrong-password.title.mrz": (
        "Der Chip hat sich mit dieser MRZ nicht geöffnet: noch einmal einlesen"
    ),
    "opening.wrong-password.title.can": (
        "Der Chip hat sich mit dieser CAN nicht geöffnet: noch einmal ablesen"
    ),
    "opening.wrong-password.title": (
        "Der Chip hat sich nicht geöffnet: MRZ oder CAN noch einmal ablesen"
    ),
    "opening.wrong-password.text": (
        "Wahrscheinlich ein Lesefehler. Das Dokument ist noch nicht beurteilt."
    ),
    "opening.wrong-password.again": (
        "{n} Fehlversuche. Wurde jedes Mal richtig abgelesen: zur zweiten Kontrolllinie."
    ),
    "opening.tries.one": "Noch {n} Versuch, dann sperrt der Chip dieses Passwort.",
    "opening.tries.many": "Noch {n} Versuche, dann sperrt der Chip dieses Passwort.",
    "opening.blocked.title": "Der Chip hat dieses Passwort gesperrt",
    "opening.blocked.text": "Das andere nehmen (MRZ oder CAN) oder zur zweiten Kontrolllinie.",
    "opening.wants-mrz.title": "Dieser Chip öffnet sich nur mit der MRZ",
    "opening.wants-mrz.text": "Er ist älter als die CAN. Die MRZ einlesen.",
    "opening.wants-terminal.title": "Dieser Chip öffnet sich nur zertifizierten Geräten",
    "opening.wants-terminal.text": "Der Platz braucht die Zertifikate eines Inspektionssystems.",
    "opening.other.title": "Der Chip hat sich nicht geöffnet",
    "opening.other.text": "Noch einmal lesen; bei Wiederholung zur zweiten Kontrolllinie.",
    # --- what was typed
    "typed.empty": "",
    "typed.can.short": "Eine CAN hat mindestens 6 Ziffern.",
    "typed.can": "Eine CAN. Eingabetaste drücken.",
    "typed.fields.short": "NUMMER,JJMMTT,JJMMTT: Dokumentnummer, Geburt, Ablauf.",
    "typed.fields": "Drei Felder der MRZ. Eingabetaste drücken.",
    "typed.missing.one": "{n} Zeichen fehlt.",
    "typed.missing.many": "{n} Zeichen fehlen.",
    "typed.surplus.one": "{n} Zeichen zu viel.",
    "typed.surplus.many": "{n} Zeichen zu viel.",
    "typed.strange": "Zeichen {position} ist nicht A bis Z, 0 bis 9 oder <.",
    "typed.right": "Alle Prüfziffern stimmen. Eingabetaste drücken.",
    "typed.wrong": "Eine Prüfziffer stimmt nicht: das markierte Feld neu ablesen.",
    "typed.confusion": "Zeile {line}, Stelle {position}: {read} ist vielleicht {likely}.",
    "typed.refused": "Das ist weder eine MRZ noch eine CAN. Noch einmal ablesen.",
    "refused.reader": "In diesem Leser ist keine Karte mehr.",
    "refused.number": "Dieses Ergebnis ist vergessen.",
    "refused.reading": "Gerade wird eine Karte gelesen. Das Ergebnis abwarten, dann noch einmal.",
    "refused.now": "Das geht jetzt nicht.",
    "field.document_number": "Dokumentnummer",
    "field.date_of_birth": "Geburtsdatum",
    "field.date_of_expiry": "Ablaufdatum",
    "field.optional_data": "Zusatzangaben",
    "field.composite": "Alle Felder zusammen",
    "field-state.right": "richtig",
    "field-state.wrong": "falsch",
    "field-state.incomplete": "unvollständig",
    # --- the page itself
    "page.title": "Kontrollplatz",
    "page.input": "MRZ oder CAN",
    "page.input-next": "Nächstes Dokument: MRZ oder CAN",
    "page.input-hint": "Einlesen, einfügen oder tippen. Die Eingabetaste liest die Karte.",
    "page.read": "Lesen",
    "page.again": "Erneut lesen",
    "page.next": "Nächste Karte",
    "page.show-anyway": "Ergebnis zeigen",
    "page.choose": "Diese Karte lesen",
    "page.lock": "Sperren",
    "page.unlock": "Entsperren",
    "page.language": "Sprache",
    "page.sound": "Ton",
    "page.large": "Große Bedienung",
    "page.on": "ein",
    "page.off": "aus",
    "page.history": "Diese Sitzung",
    "page.history-empty": "Noch keine Ergebnisse.",
    "page.history-note": (
        "Nur im Arbeitsspeicher, {minutes} Minuten lang; beim Sperren vergessen."
    ),
    "page.forget-now": "Alles vergessen",
    "page.holder": "Person",
    "page.document": "Dokument",
    "page.mrz": "Maschinenlesbare Zone",
    "page.grounds": "Gründe des Urteils",
    "page.enlarge": "Vergrößern",
    "page.close": "Schließen",
    "page.larger": "Größer",
    "page.smaller": "Kleiner",
    "page.save": "Bericht speichern",
    "page.live": "Livebild",
    "page.live-choose": "Bild wählen",
    "page.live-camera": "Kamera",
    "page.live-take": "Aufnehmen",
    "page.live-remove": "Entfernen",
    "page.live-none": "Wahlweise: ein Bild der Person zum Vergleich. Es bleibt in diesem Fenster.",
    "page.live-failed": "Die Kamera kann nicht benutzt werden.",
    "page.steps": "Schritte",
    "page.fingers": "Fingerabdrücke",
    "page.compare": "Vergleichen",
    "page.keypad": "Ziffernfeld",
    "page.delete": "Löschen",
    "page.lost.title": "Der Platz antwortet nicht",
    "page.lost.text": "Läuft `verify desk` noch? Die Seite versucht es von selbst wieder.",
    "page.refused.title": "Diese Seite ist für dieses Fenster nicht offen",
    "page.refused.text": (
        "Der Platz ist in einem anderen Fenster offen. Dieses benutzen oder neu starten."
    ),
    "page.personal": (
        "Personenbezogene Daten: nur hier gezeigt; nirgends gespeichert, außer Sie speichern einen"
        " Bericht."
    ),
}
