"""What is said of a document in German: verdicts, checks, holder and permit; dates and numbers."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    # --- dates and numbers
    "month.1": "Januar",
    "month.2": "Februar",
    "month.3": "März",
    "month.4": "April",
    "month.5": "Mai",
    "month.6": "Juni",
    "month.7": "Juli",
    "month.8": "August",
    "month.9": "September",
    "month.10": "Oktober",
    "month.11": "November",
    "month.12": "Dezember",
    "date.day": "{day}. {month} {year}",
    "date.month": "{month} {year}, Tag unbekannt",
    "date.year": "{year}, Tag und Monat unbekannt",
    "number.thousands": ".",
    "days.one": "{n} Tag",
    "days.many": "{n} Tagen",
    "years.one": "{n} Jahr alt",
    "years.many": "{n} Jahre alt",
    "octets.one": "{n} Oktett",
    "octets.many": "{n} Oktette",
    # --- verdicts and outcomes
    "verdict.accept": "ANNEHMEN",
    "verdict.refer": "ZUR ZWEITEN KONTROLLLINIE",
    "verdict.reject": "ZURÜCKWEISEN",
    "meaning.refer": "Nicht alles, was die Richtlinie verlangt, ließ sich feststellen.",
    "meaning.refer.closed": (
        "Der Chip hat sich nicht geöffnet; nichts von ihm konnte geprüft werden."
    ),
    "meaning.refer.expired": (
        "Das Dokument oder sein Titel ist zurzeit nicht gültig; alles andere, was verlangt wird,"
        " ist in Ordnung."
    ),
    "meaning.refer.reported": "Das Dokument steht auf der Sperrliste seines Staates.",
    "meaning.refer.failed": (
        "Eine Prüfung ist nicht bestanden. Das beweist weder Fälschung noch Kopie noch Widerruf."
    ),
    "meaning.reject": "Es gibt Beweise für Fälschung, Kopie oder Widerruf.",
    "meaning.accept.proven": (
        "Der Chip ist echt, und seine Daten sind die, die der ausstellende Staat signiert hat."
    ),
    "meaning.accept.files": (
        "Die Daten sind die, die der ausstellende Staat signiert hat; sie stammen aus Dateien, und"
        " kein Chip wurde um einen Beweis gebeten."
    ),
    "meaning.accept.unproven": (
        "Die Daten sind die, die der ausstellende Staat signiert hat; der Chip bietet keinen"
        " Beweis, dass er keine Kopie ist."
    ),
    "do.accept": "Die Person mit dem Bild vergleichen.",
    "do.refer": "Beheben, was möglich ist (siehe unten), sonst zur zweiten Kontrolllinie.",
    "do.reject": (
        "Das Dokument einbehalten und wegen Betrugsverdachts zur zweiten Kontrolllinie geben."
    ),
    "outcome.passed": "bestanden",
    "outcome.failed": "nicht bestanden",
    "outcome.warning": "Warnung",
    "outcome.undetermined": "unbestimmt",
    "outcome.not-performed": "nicht ausgeführt",
    "outcome.not-present": "nicht vorhanden",
    "shows.forgery": "Fälschung",
    "shows.cloning": "Kopie",
    "shows.revocation": "Widerruf",
    # --- holder, document, permit
    "document.surname": "Familienname",
    "document.given_names": "Vornamen",
    "document.name_in_full": "Vollständiger Name",
    "document.other_names": "Weitere Namen",
    "document.nationality": "Staatsangehörigkeit",
    "document.date_of_birth": "Geburtsdatum",
    "document.place_of_birth": "Geburtsort",
    "document.sex": "Geschlecht",
    "document.personal_number": "Personennummer",
    "document.document_code": "Dokumentart",
    "document.issuing_state": "Ausstellender Staat",
    "document.document_number": "Dokumentnummer",
    "document.issuing_authority": "Behörde",
    "document.date_of_issue": "Ausgestellt am",
    "document.date_of_expiry": "Gültig bis",
    "document.optional_data": "Zusatzangaben",
    "document.optional_data_2": "Zusatzangaben 2",
    "expiry.without-end": "ohne Ende",
    "expiry.soon": "{date} (in {days})",
    "expiry.today": "{date} (heute)",
    "expiry.past": "{date} (abgelaufen)",
    "birth.age": "{date} ({age})",
    "sex.F": "weiblich (F)",
    "sex.M": "männlich (M)",
    "sex.X": "ohne Angabe (X)",
    "code.P": "Reisepass ({code})",
    "code.PP": "Reisepass (PP)",
    "code.PE": "Notpass (PE)",
    "code.PD": "Diplomatenpass (PD)",
    "code.PO": "Dienstpass (PO)",
    "code.PR": "Reiseausweis für Flüchtlinge (PR)",
    "code.PT": "Reiseausweis für Ausländer (PT)",
    "code.PS": "Reiseausweis für Staatenlose (PS)",
    "code.PL": "Laissez-passer (PL)",
    "code.PM": "Militärpass (PM)",
    "code.V": "Visum ({code})",
    "code.IR": "Aufenthaltstitel (IR)",
    "code.AR": "Aufenthaltstitel (AR)",
    "code.AC": "Ausweis für Besatzungsmitglieder (AC)",
    "code.ID": "Personalausweis (ID)",
    "code.I": "amtliche Karte ({code}), Bedeutung legt ihr Staat fest",
    "code.A": "amtliche Karte ({code}), Bedeutung legt ihr Staat fest",
    "code.C": "amtliche Karte ({code}), Bedeutung legt ihr Staat fest",
    "code.other": "{code}, ein Code ihres Staates",
    "state.XXA": "staatenlos (XXA)",
    "state.XXB": "Flüchtling, Abkommen von 1951 (XXB)",
    "state.XXC": "Flüchtling, anderer (XXC)",
    "state.XXX": "Staatsangehörigkeit nicht angegeben (XXX)",
    "state.UTO": "Utopia, für Muster (UTO)",
    "state.EUE": "Europäische Union (EUE)",
    "state.UNO": "Vereinte Nationen (UNO)",
    "state.UNA": "Sonderorganisation der Vereinten Nationen (UNA)",
    "state.UNK": "Übergangsverwaltung der Vereinten Nationen, Kosovo (UNK)",
    "state.GBD": "Bürger der britischen Überseegebiete (GBD)",
    "state.GBN": "British National (Overseas) (GBN)",
    "state.GBO": "British Overseas citizen (GBO)",
    "state.GBP": "Britische Schutzperson (GBP)",
    "state.GBS": "British subject (GBS)",
    "state.RKS": "Kosovo (RKS)",
    "state.XBA": "Afrikanische Entwicklungsbank (XBA)",
    "state.XIM": "African Export-Import Bank (XIM)",
    "state.XCC": "Karibische Gemeinschaft (XCC)",
    "state.XCE": "Europarat (XCE)",
    "state.XCO": "Gemeinsamer Markt für das Östliche und Südliche Afrika (XCO)",
    "state.XEC": "Westafrikanische Wirtschaftsgemeinschaft (XEC)",
    "state.XPO": "Interpol (XPO)",
    "state.XOM": "Souveräner Malteserorden (XOM)",
    "permit.category": "Art des Titels",
    "permit.valid_from": "Gültig ab",
    "permit.valid_until": "Gültig bis",
    "permit.stay": "Aufenthalt",
    "permit.work": "Arbeit",
    "permit.study": "Studium",
    "permit.public_funds": "Öffentliche Mittel",
    "permit.remarks": "Anmerkungen",
    "permit.yes": "erlaubt",
    "permit.no": "NICHT erlaubt",
    "permit.part": "eingeschränkt",
    "permit.without-end": "unbefristet",
    "permit.none": "keine",
    "permit.title": "Was die Person darf",
    "permit.claim.unsigned": "Behauptung des Chips; kein Staat hat sie nachweislich signiert.",
    "permit.claim.reject": "Behauptung des Dokuments, das zurückgewiesen ist.",
    "permit.claim.refer": "Behauptung des Dokuments; die zweite Kontrolllinie entscheidet.",
    "permit.over": "Dieser Titel gilt heute nicht.",
    "permit.changed": (
        "Der Aufenthaltstitel (DG13) ist nicht, was ein Staat signiert hat; er wird nicht gezeigt."
    ),
    "permit.absent": "Der Chip enthält keinen Aufenthaltstitel (DG13).",
    "claim.holder": "Das behauptet der Chip; es ist nicht bewiesen.",
    "portrait.title": "Bild auf dem Chip",
    "portrait.unproven": "Bild auf dem Chip, Echtheit nicht bewiesen",
    "portrait.none": "Kein Bild gelesen",
    "portrait.broken": "Das Bild kann nicht gezeigt werden",
    "finger.title": "Fingerabdruck {n}",
    "finger.broken": "Fingerabdruck {n} kann nicht gezeigt werden",
    # --- the report
    "report.problems": "Was nicht stimmt",
    "report.unfinished": "Nicht geprüft",
    "report.passed.one": "{n} Prüfung bestanden",
    "report.passed.many": "{n} Prüfungen bestanden",
    "report.skipped.one": "{n} Prüfung nicht ausgeführt",
    "report.skipped.many": "{n} Prüfungen nicht ausgeführt",
    "report.next": "Was zu tun ist",
    "report.clause": "Fundstelle",
    "report.closed.title": "Der Chip hat sich nicht geöffnet",
    "facts.csca": "CSCA",
    "facts.ds": "Document Signer",
    "facts.revocation": "Widerruf",
    "facts.access": "Zugang",
    "facts.chip": "Chip",
    "facts.policy": "Richtlinie",
    "facts.at": "Beurteilt für",
    "facts.quirks": "Geduldete Abweichungen",
    "facts.unknown": "nicht bekannt",
    "access.files": "Abbild aus Dateien, kein Chip",
    "access.closed": "der Chip hat sich nicht geöffnet",
    "access.none": "kein Zugriffsschutz",
    "facts.counts": "{apdus} Befehle, {octets} Oktette, {seconds} s",
    # --- the checks: what each asks, and what to do if it did not pass
    "check.lds.structure": "Aufbau der Dateien",
    "next.lds.structure": "Die Karte noch einmal lesen. Bei Wiederholung: zweite Kontrolllinie.",
    "next.lds.structure.forgery": "Fälschungsverdacht: zweite Kontrolllinie.",
    "check.com.consistent": "Verzeichnis der Dateien (EF.COM)",
    "next.com.consistent": "Zweite Kontrolllinie: jemand hat das Verzeichnis verändert.",
    "check.sod.signature": "Signatur des Staates",
    "next.sod.signature": (
        "Die Liste der Signierer des Staates importieren und die Karte noch einmal lesen."
    ),
    "next.sod.signature.failed": "Fälschungsverdacht: zweite Kontrolllinie.",
    "check.sod.profile": "Form der Signatur",
    "next.sod.profile": "Zweite Kontrolllinie.",
    "check.ds.chain": "Signierer vom Staat ausgestellt",
    "next.ds.chain": "Die Master List des Staates importieren und die Karte noch einmal lesen.",
    "next.ds.chain.failed": "Fälschungsverdacht: zweite Kontrolllinie.",
    "check.ds.validity": "Zertifikate des Signierers gültig",
    "next.ds.validity": "Gültigkeit des Dokuments selbst prüfen; dann zweite Kontrolllinie.",
    "check.ds.profile": "Signierer darf Dokumente signieren",
    "next.ds.profile": "Zweite Kontrolllinie.",
    "check.ds.revocation": "Signierer nicht widerrufen",
    "next.ds.revocation": (
        "Die neueste Sperrliste des Staates importieren und die Karte noch einmal lesen."
    ),
    "next.ds.revocation.failed": (
        "Keinem Dokument dieses Signierers ist zu trauen: zweite Kontrolllinie."
    ),
    "check.dg.hash": "Daten wie signiert",
    "next.dg.hash": "Die Karte noch einmal lesen. Bei Wiederholung: zweite Kontrolllinie.",
    "next.dg.hash.failed": (
        "Fälschungsverdacht: die Daten wurden verändert. Zweite Kontrolllinie."
    ),
    "check.lds.images": "Bilder können gezeigt werden",
    "next.lds.images": "Die Person mit dem gedruckten Bild vergleichen.",
    "check.mrz.check-digits": "Prüfziffern auf dem Chip",
    "next.mrz.check-digits": "Gedruckte MRZ mit dem Chip vergleichen; dann zweite Kontrolllinie.",
    "check.mrz.matches-optical": "Gedruckte MRZ und Chip stimmen überein",
    "next.mrz.matches-optical": (
        "Die gedruckte MRZ noch einmal einlesen. Weicht sie wieder ab: der Chip gehört zu einem"
        " anderen Dokument, oder der Druck wurde verändert. Zweite Kontrolllinie."
    ),
    "check.mrz.matches-details": "Daten auf dem Chip stimmen überein",
    "next.mrz.matches-details": "Beide Daten mit den gedruckten vergleichen.",
    "check.document.expired": "Dokument und Titel gültig",
    "next.document.expired": "Die Daten mit den gedruckten vergleichen und die Person informieren.",
    "check.document.stop-list": "Nicht als verloren oder gestohlen gemeldet",
    "next.document.stop-list": (
        "Die neueste Sperrliste für Dokumente beschaffen und die Karte noch einmal lesen."
    ),
    "next.document.stop-list.failed": (
        "Das Dokument einbehalten, die Person zur zweiten Kontrolllinie."
    ),
    "check.access.downgrade": "Mit dem stärksten Protokoll geöffnet",
    "next.access.downgrade": "Die Karte noch einmal lesen. Bei Wiederholung: zweite Kontrolllinie.",
    "next.access.downgrade.forgery": "Fälschungsverdacht: zweite Kontrolllinie.",
    "check.cardsecurity.signature": "Signatur von EF.CardSecurity",
    "next.cardsecurity.signature": (
        "Die neuesten Listen des Staates importieren und die Karte noch einmal lesen. Bei"
        " Wiederholung: zweite Kontrolllinie."
    ),
    "next.cardsecurity.signature.failed": "Fälschungsverdacht: zweite Kontrolllinie.",
    "check.chip.authentication": "Keine Kopie (Chip Authentication)",
    "next.chip.authentication": (
        "Die Karte noch einmal lesen. Bei Wiederholung: zweite Kontrolllinie."
    ),
    "next.chip.authentication.cloning": (
        "Der Chip ist eine Kopie: das Dokument einbehalten. Zweite Kontrolllinie."
    ),
    "check.active.authentication": "Keine Kopie (Active Authentication)",
    "next.active.authentication": (
        "Die Karte noch einmal lesen. Bei Wiederholung: zweite Kontrolllinie."
    ),
    "next.active.authentication.cloning": (
        "Der Chip ist eine Kopie: das Dokument einbehalten. Zweite Kontrolllinie."
    ),
    "check.pace.cam": "Keine Kopie (PACE-CAM)",
    "next.pace.cam": ("Die Karte noch einmal lesen. Bei Wiederholung: zweite Kontrolllinie."),
    "next.pace.cam.cloning": (
        "Der Chip ist eine Kopie: das Dokument einbehalten. Zweite Kontrolllinie."
    ),
    "check.terminal.authentication": "Dieser Platz darf Fingerabdrücke lesen",
    "next.terminal.authentication": "Erst die Zertifikate des Platzes prüfen, dann das Dokument.",
    "check.chip.life-cycle": "Chip nach dem Beschreiben gesperrt",
    "next.chip.life-cycle": (
        "Jeder kann auf diesen Chip schreiben: die Person braucht eine andere Karte."
    ),
    "check.issuer.consistent": "Daten und Signierer von einem Staat",
    "next.issuer.consistent": "Zweite Kontrolllinie.",
    "next.issuer.consistent.forgery": "Fälschungsverdacht: zweite Kontrolllinie.",
    "check.algorithm.strength": "Verfahren stark genug",
    "next.algorithm.strength": "Zweite Kontrolllinie, wenn die Richtlinie es verlangt.",
    "check.deviation.list": "Kein bekannter Mangel solcher Dokumente",
    "next.deviation.list": "Das Dokument mit der Bekanntmachung des Staates vergleichen.",
    "next.closed": "MRZ oder CAN noch einmal ablesen; war sie richtig: zweite Kontrolllinie.",
    # --- what the verdicts rest on
    "rests.title": "Worauf die Urteile beruhen",
    "rests.none": "Im Vertrauensspeicher ist kein CSCA-Zertifikat: nichts kann angenommen werden.",
    "rests.import.today": "Zertifikate und Listen heute importiert",
    "rests.import": "Zertifikate und Listen zuletzt vor {days} importiert",
    "rests.crl.none": "keine Sperrliste: nichts kann angenommen werden",
    "rests.crl.late": "Sperrlisten veraltet: {states}",
    "rests.crl.fresh": "Sperrlisten in Kraft, die älteste bis {date}",
    "rests.unproven.one": "{n} CSCA ungeprüft übernommen",
    "rests.unproven.many": "{n} CSCAs ungeprüft übernommen",
    "rests.stops": "Sperrliste für Dokumente vom {date}",
    "rests.stops.late": "Sperrliste für Dokumente veraltet seit {date}",
    "rests.policy": "Richtlinie {name}",
    "rests.policy.weaker": "Richtlinie {name}, schwächer als die Vorgabe: {what}",
    "rests.policy.checks": "ohne {checks}",
    "rests.policy.clone": "kein Beweis gegen Kopien verlangt",
    "rests.policy.bac": "Basic Access Control statt PACE",
    "rests.policy.algorithms": "schwächere Verfahren angenommen",
    "rests.at": "beurteilt für {date}, nicht für heute",
    "rests.terminal": "Fingerabdrücke bis {date}",
    "rests.terminal.soon": (
        "das Zertifikat dieses Platzes für Fingerabdrücke endet in {days}: erneuern (neue"
        " Zertifikate in den Ordner von --terminal)"
    ),
    "rests.terminal.today": (
        "das Zertifikat dieses Platzes für Fingerabdrücke endet heute: erneuern"
    ),
    "rests.terminal.ended": (
        "das Zertifikat dieses Platzes für Fingerabdrücke endete am {date}: Fingerabdrücke bleiben"
        " verschlossen, alles andere wird wie bisher gelesen und beurteilt; erneuern"
    ),
}
