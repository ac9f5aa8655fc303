"""A year of two States' PKIs, with border posts that have stores of several ages.

Issued, rolled over, revoked, published; officers lost and replaced; a machine lost and restored;
terminals' certificates exchanged: all by commands of the documentation, at a clock of its own.  At
each step every post judges documents, and so does OpenSSL with the same files: both must say what
the trial knows that they must say.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emrtd.pki import private_key_file
from tests.trials.year_offices import (
    Clock,
    Desk,
    Document,
    OpenSsl,
    Post,
    State,
    WrongError,
    seeded,
)

BEGIN = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
_A_DAY = timedelta(days=1)

_RANK = {"personalise eac renew-dv": 1, "personalise eac renew-is": 2}

PLAN = """
issuing_state = "{code}"
organisation = "{name}"
contact = "csca@{name}.example"
crl_urls = ["https://{name}.example/{code}.crl"]
key = "{key}"
pss = {pss}
named_curves = true

[keys]
cvca = "{cvca}"
"""


@dataclass(frozen=True)
class Length:
    """How much is done in the year: days between two looks, and documents judged at each look."""

    step: int = 14
    documents_every: int = 14
    judged: int = 4
    end: int = 400
    events: frozenset[str] | None = None
    """The names of the events, without the underscore; None is all of them."""


@dataclass(frozen=True)
class Kinds:
    """The kinds of keys of a State."""

    key: str
    cvca: str
    pss: bool = True


CHOICES = (
    (Kinds("RSA-2048", "RSA-2048", pss=False), Kinds("brainpoolP256r1", "secp384r1")),
    (Kinds("RSA-3072", "brainpoolP256r1"), Kinds("secp384r1", "RSA-2048")),
    (Kinds("brainpoolP384r1", "brainpoolP384r1"), Kinds("RSA-2048", "brainpoolP224r1")),
)


@dataclass
class Year:
    """The offices, and what is to happen when."""

    folder: Path
    seed: int
    kinds: tuple[Kinds, Kinds]
    length: Length = field(default_factory=Length)
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.chance = seeded(self.seed)
        self.clock = Clock(BEGIN)
        self.desks: list[Desk] = []
        self.openssl = OpenSsl(self.folder / "openssl")
        self.utopia, self.germany = (
            State(code, country, desk, desk.home / "pki")
            for code, country in (("UTO", "UT"), ("D", "DE"))
            for desk in [self._desk(country)]
        )
        self.home, self.abroad, self.directory, self.forgotten = (
            Post(name, desk, desk.home / "trust.sqlite")
            for name in ("home", "abroad", "directory", "forgotten")
            for desk in [self._desk(name)]
        )
        self.posts = (self.home, self.abroad, self.directory, self.forgotten)
        self.states = (self.utopia, self.germany)
        self.known: dict[str, list[Path]] = {}
        self.cards: list[tuple[Path, str]] = []
        self.application = self.folder / "applications" / "0001"
        self._last_answers: dict[str, Path] = {}
        self._issued: dict[str, Path] = {}
        """The last certificates from before a restore, by the State that has them."""

    def run(self) -> None:
        """Live the year; what is wrong is in `problems`."""
        events = self._events()
        try:
            self._found()
            while self.clock.now < BEGIN + self.length.end * _A_DAY:
                self.clock.now = self.clock.now.replace(hour=9, minute=0) + self._until_next(events)
                for day in sorted(
                    each for each in events if BEGIN + each * _A_DAY <= self.clock.now
                ):
                    events.pop(day)()
                self._look()
        except WrongError as error:
            self.problems.append(str(error))

    def _until_next(self, events: dict[int, Callable[[], None]]) -> timedelta:
        today = (self.clock.now - BEGIN).days
        return (min([today + self.length.step, *(each for each in events if each > today)])
                - today) * _A_DAY  # fmt: skip

    def _events(self) -> dict[int, Callable[[], None]]:
        events = {
            30: self._germany_renews_its_cvca,
            45: self._signer_stolen,
            70: self._officer_lost,
            84: self._machine_lost,
            120: self._rollover_of_utopia,
            150: self._act,
            180: self._rollover_of_germany,
            210: self._clock_ahead,
            240: self._csca_stolen,
            300: self._utopia_renews_its_cvca,
        }
        wanted = self.length.events
        return {
            day + self.chance.randrange(-3, 4): event
            for day, event in events.items()
            if wanted is None or event.__name__.removeprefix("_") in wanted
        }

    # Events

    def _found(self) -> None:
        for state, kinds in zip(self.states, self.kinds, strict=True):
            name = "utopia" if state is self.utopia else "germany"
            state.begin(
                PLAN.format(
                    code=state.code,
                    name=name,
                    key=kinds.key,
                    cvca=kinds.cvca,
                    pss="true" if kinds.pss else "false",
                )
            )
        utopia, germany = self.states
        utopia.desk.run("personalise", "specimen", "-o", self.folder / "applications")
        utopia.enrol("alice", "bob", "carol")
        utopia.present = ["alice", "bob"]
        utopia.operate("officer", "require", "2")
        for state in self.states:
            state.operate("pki", "issue-list-signer", "master")
            state.prepare(self.application)
        for state in self.states:
            self._exchange(state, status=2)
        for post in (self.home, self.directory, self.forgotten):
            for state in self.states:
                post.take(state, state.roots[0], roots=[0], crl=True)
        self.abroad.take(germany, germany.roots[0], roots=[0], crl=True)
        self._ask(utopia, germany, [germany.pki / "terminal" / "cvca.cvcert"])
        self._ask(germany, utopia, [utopia.pki / "terminal" / "cvca.cvcert"])
        self._make_card()

    def _germany_renews_its_cvca(self) -> None:
        self._renew_cvca(self.germany)

    def _utopia_renews_its_cvca(self) -> None:
        self._renew_cvca(self.utopia)

    def _renew_cvca(self, state: State) -> None:
        for command in ("renew-cvca", "renew-dv", "renew-is"):
            state.operate("eac", command)
        asker = self.germany if state is self.utopia else self.utopia
        links = sorted((state.pki / "terminal").glob("cvca-link-*.cvcert"))
        self._ask(asker, state, links)
        self._make_card()

    def _signer_stolen(self) -> None:
        state = self.utopia
        signer = state.documents[-1].signer
        said = state.do(
            "incident",
            "open",
            "a signer's key may be known",
            "--certificate",
            "ds",
            "--severity",
            "1",
        )
        affected = state.revoke("ds")
        signed = sum(each.signer == signer for each in state.documents)
        self.require(affected == signed, f"{affected} documents affected, and {signed} signed")
        state.desk.run(
            "personalise", "prepare", state.folder / "application-1", "--pki", state.pki,
            "-o", state.folder / "refused", status=64,
        )  # fmt: skip
        state.operate("pki", "issue-ds")
        number = said.split()[0]
        state.do("incident", "close", number, "cause: a lost smart card; keys are in a safe now")

    def _officer_lost(self) -> None:
        """Bob is gone: he is replaced by Dave, and a backup is made for the officers of today."""
        state = self.utopia
        state.present = ["alice", "carol"]
        state.enrol("dave")
        state.operate("officer", "remove", "bob")
        state.present = ["alice", "bob"]
        state.operate("pki", "issue-ds", status=64)
        state.present = ["alice", "carol"]
        state.operate("pki", "backup", "--required", "2", "-o", state.folder / "pki.backup")

    def _machine_lost(self) -> None:
        """Restore the PKI on another machine, with other officers than those who are present."""
        state, before = self.utopia, self.utopia.head
        published = state.folder / "last-published.crl"
        shutil.copy(state.pki / "crl.crl", published)
        bare = self._desk("bare")
        pki = bare.home / "pki"
        officers = []
        for name in ("alice", "dave"):
            officers += ["--officer", f"{name}={state.folder}/{name}.p8"]
            officers += ["--officer-passphrase-file", f"{name}={state.folder}/{name}.pass"]
        bare.run(
            "personalise", "pki", "restore", state.folder / "pki.backup", "-o", pki, *officers,
            "--crl", published,
        )  # fmt: skip
        bare.run("personalise", "audit", "verify", "--pki", pki, "--head", before, status=64)
        for path in state.folder.iterdir():
            if path.name not in {"pki", "passphrase", "chipseal"}:
                target = bare.home / path.name
                shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
        shutil.rmtree(state.pki)
        state.desk, state.pki, state.head = bare, pki, ""
        state.roots = [bare.home / each.name for each in state.roots]
        state.links = {number: bare.home / each.name for number, each in state.links.items()}
        self._issued["D"] = bare.home / self._last_answers["D"].name
        state.operate("pki", "issue-ds")
        state.issue_crl()
        self._ask(state, self.germany, [], name="DV2")
        state.operate("pki", "backup", "--required", "2", "-o", state.folder / "pki-2.backup")

    def _rollover_of_utopia(self) -> None:
        state = self.utopia
        state.desk.run("personalise", "pki", "rehearse", "--pki", state.pki)
        state.renew_csca()
        self.clock.now += 3 * _A_DAY  # 4.1.4.3: the new key rests while the link is distributed
        state.operate("pki", "issue-ds")

    def _rollover_of_germany(self) -> None:
        self.germany.renew_csca("CSCA Germany 2")
        self.clock.now += 3 * _A_DAY
        self.germany.operate("pki", "issue-ds")

    def _act(self) -> None:
        """Have an act approved by officers at machines of their own."""
        state = self.utopia
        act = state.folder / "act.json"
        state.desk.run(
            "personalise", "pki", "act", "propose", "-o", act, "--pki", state.pki, "--",
            "pki", "issue-ds",
        )  # fmt: skip
        for name in ("carol", "dave"):
            elsewhere = self._desk(name)
            elsewhere.run(
                "personalise", "pki", "act", "approve", act,
                "--officer", f"{name}={state.folder}/{name}.p8",
                "--officer-passphrase-file", f"{name}={state.folder}/{name}.pass",
            )  # fmt: skip
        state.do("pki", "act", "run", act)
        state.do("pki", "act", "run", act, status=64)

    def _clock_ahead(self) -> None:
        """The machine's clock is 40 days ahead when a list is issued, and is then set right."""
        state, now = self.utopia, self.clock.now
        self.clock.now += 40 * _A_DAY
        state.do("pki", "issue-crl")
        self.clock.now = now
        said = state.operate("pki", "issue-ds", status=64)
        self.require("clock says" in said, f"a clock behind was not named: {said}")
        state.operate("pki", "accept-clock", "--reason", "the clock was 40 days ahead")
        state.issue_crl()

    def _csca_stolen(self) -> None:
        """The CSCA's key is in other hands: everything under it is revoked, and a new one made."""
        state = self.utopia
        state.revoke("csca")
        state.operate("pki", "issue-ds", status=64)
        for post in (self.home, self.directory):
            post.take(state, crl=True)
        self.judge()
        state.renew_csca("CSCA Utopia again")
        state.operate("pki", "issue-ds")
        state.operate("pki", "issue-list-signer", "master")
        for post in (self.home, self.directory):
            post.take(state, state.roots[-1], roots=[len(state.roots) - 1], crl=True)
        self._exchange(state, status=2)

    # Every look

    def _look(self) -> None:
        for state in self.states:
            self._do_what_is_due(state)
            newest = max((each.at for each in state.documents), default=BEGIN)
            if self.clock.now - newest >= self.length.documents_every * _A_DAY:
                state.prepare(self.application)
                self.counts["documents"] += 1
            state.audit()
            self._update(self.home, state)
        if self.clock.now.day <= self.length.step:
            for state in self.states:
                self._exchange(state, status=0)
                self._report(state)
        self.judge()
        self._read_cards()

    def _do_what_is_due(self, state: State) -> None:
        # A key is renewed before what it certifies.
        for each in sorted(state.due(), key=lambda each: _RANK.get(str(each["command"]), 0)):
            command = str(each["command"]).removeprefix("personalise ")
            soon = datetime.fromisoformat(each["by"]) - self.clock.now < 30 * _A_DAY
            if not command or not soon or command.startswith("pki lint"):
                continue
            self.counts["duties"] += 1
            if command == "pki issue-crl":
                state.issue_crl()
            elif command.startswith("eac request"):
                self._ask(state, self._other(state), [])
            elif command.startswith("eac certify-terminal"):
                state.operate("eac", "certify-terminal", self._other(state).country)
            else:
                state.operate(*command.split())
        for each in state.due():
            self.require(not each["overdue"], f"{state.code}: still overdue: {each}")

    def _update(self, post: Post, state: State) -> None:
        known = post.roots.get(state.country, set())
        links = [number for number in state.links if number not in known and number - 1 in known]
        post.take(state, *(state.links[each] for each in links), roots=links, crl=True)

    def judge(self) -> None:
        """Have every post judge documents of both States, and OpenSSL with the same files."""
        for post in self.posts:
            for state in self.states:
                for document in self._some(state):
                    expected = post.expected(document)
                    ours = post.judged(document)
                    theirs = self._by_openssl(post, document)
                    self.counts["judged"] += 1
                    self.counts[expected["ds.revocation"]] += 1
                    where = f"{self.clock.now:%Y-%m-%d} {post.name}, {document.image}"
                    self.require(ours == expected, f"{where}: {ours}, and not {expected}")
                    self.require(theirs == expected, f"{where}: OpenSSL: {theirs}, not {expected}")

    def _by_openssl(self, post: Post, document: Document) -> dict[str, str]:
        state = document.state
        known = post.roots.get(state.country, set())
        roots = [state.links.get(each, state.roots[each]) for each in sorted(known)]
        crl = post.crls.get(state.country)
        octets = None if crl is None else crl.octets
        return self.openssl.judged(document, roots, octets, self.clock.now)

    def _some(self, state: State) -> list[Document]:
        """Return documents of all ages, and from two on the newest one among them."""
        newest = state.documents[-1:] if self.length.judged > 1 else []
        others = [each for each in state.documents if each not in newest]
        count = min(self.length.judged - len(newest), len(others))
        return [*newest, *self.chance.sample(others, count)]

    # Between the States

    def _exchange(self, state: State, *, status: int) -> None:
        """Send a State's package to the other one, whose post and whose directory take it."""
        day = f"{self.clock.now:%Y%m%d}"
        listed, package = state.folder / f"states-{day}.ml", state.folder / f"package-{day}"
        if package.exists():
            return
        roots = [*state.roots, *state.links.values()]
        state.operate("pki", "publish-master-list", *roots, "-o", listed)
        state.do("pki", "exchange", "package", listed, "-o", package)
        known = [part for each in self.known.get(state.country, []) for part in ("--known", each)]
        self._other(state).desk.run(
            "personalise", "pki", "exchange", "check", package, *known, status=status
        )
        self.known[state.country] = list(state.roots)
        generations = range(len(state.roots))
        if state is self.utopia:
            files = [each for name in ("csca", "ds") for each in (package / name).iterdir()]
            self.abroad.take(state, *files, roots=generations, crl=True)
        if state.country in self.directory.roots:
            self.directory.take(state, package / f"{state.code}.ldif", roots=generations, crl=True)

    def _ask(self, asker: State, of: State, brought: list[Path], name: str = "") -> None:
        """Have the Document Verifier of one State certified by the other, and a terminal by it.

        Under a new `name` the CVCA of the one who asks signs too.
        """
        day = f"{self.clock.now:%Y%m%d}"
        request, answer = asker.folder / f"{day}.cvreq", of.folder / f"{day}.cvcert"
        request.unlink(missing_ok=True)
        answer.unlink(missing_ok=True)
        held = sorted((asker.pki / "foreign" / of.country / "cvca").glob("*.cvcert"))
        # A PKI that was restored since it certified this asker does not know the certificate.
        restored = of is self.utopia and asker.code in self._issued
        renamed, cvca = ["--name", name, "--by-our-cvca"], asker.pki / "terminal" / "cvca.cvcert"
        asker.operate(
            "eac", "request", *(brought or held), *(renamed if name else []), "-o", request
        )
        of.operate(
            "eac", "certify", request, "--role", "foreign-dv", "--days", "30", "-o", answer,
            *(["--authenticated-by", cvca] if name else []),
            *(["--authenticated-by", self._issued.pop(asker.code)] if restored else []),
        )  # fmt: skip
        asker.operate("eac", "import", answer)
        asker.operate("eac", "certify-terminal", of.country, "--right", "dg3")
        self._last_answers[asker.code] = answer
        self.counts["terminals"] += 1

    def _make_card(self) -> None:
        """Write a German document to a card, which a Utopian terminal reads from now on."""
        germany = self.germany
        path = germany.folder / f"card-{len(self.cards)}.chip"
        blanks = germany.folder / f"blanks-{len(self.cards)}"
        germany.desk.run("vsmartcard", "blank", blanks, "-n", "1")
        (blanks / "0001.chip").rename(path)
        document = germany.prepare(self.application) if self.cards else germany.documents[-1]
        germany.desk.run("personalise", "write", document.image, "--reader", f"virtual:{path}")
        printed = germany.desk.answer("personalise", "passwords", document.image)
        self.cards.append((path, str(printed["can"])))

    def _read_cards(self) -> None:
        """Read the fingerprints of German cards of before and after the CVCA's renewals."""
        terminal = self.utopia.pki / "foreign" / "DE" / "terminal"
        for path, can in self.cards:
            report = self.home.desk.answer(
                "verify", "card", "--reader", f"virtual:{path}", "--can", can,
                "--trust", self.home.store, "--terminal", terminal,
                "--passphrase-file", self.utopia.desk.home / "passphrase",
            )  # fmt: skip
            checks = {each["id"]: each for each in report["checks"]}
            for name in ("terminal.authentication", "chip.authentication", "dg.hash.DG3"):
                good = checks.get(name, {}).get("outcome") == "passed"
                where = f"{self.clock.now:%Y-%m-%d} {path.name}"
                self.require(good, f"{where}: {checks.get(name)}")
            self.counts["cards"] += 1

    def _report(self, state: State) -> None:
        month = self.clock.now.replace(day=1) - _A_DAY
        path = state.folder / f"{month:%Y-%m}.csv"
        said = state.do("report", "--month", f"{month:%Y-%m}", "--csv", path)
        del said
        rows = [each.split(",") for each in path.read_text().splitlines()]
        (signed,) = (int(row[2]) for row in rows if row[:2] == ["signatures", "in all"])
        made = sum(f"{each.at:%Y-%m}" == f"{month:%Y-%m}" for each in state.documents)
        self.require(signed <= made, f"{state.code} {month:%Y-%m}: {signed} signed, not {made}")
        self.counts["reports"] += 1

    def require(self, right: bool, problem: str) -> None:
        """Note a problem unless something is right."""
        if not right:
            self.problems.append(problem)

    def _other(self, state: State) -> State:
        return self.germany if state is self.utopia else self.utopia

    def _desk(self, name: str) -> Desk:
        made = Desk(name, self.folder / name, self.clock)
        self.desks.append(made)
        return made

    @property
    def commands(self) -> int:
        """How many commands were run at all the desks."""
        return sum(each.commands for each in self.desks)


def live(folder: Path, seed: int) -> tuple[str, list[str]]:
    """Live a year with the kinds of keys of a seed; return the result, and what was wrong."""
    kinds = CHOICES[seed % len(CHOICES)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(private_key_file, "_COST", 2)  # keys of nobody
        year = Year(folder, seed, kinds)
        year.run()
    return told(year), year.problems


def told(year: Year) -> str:
    """Return the result of a year in a line."""
    counts, names = year.counts, " and ".join(each.key for each in year.kinds)
    return (
        f"{names}: {year.commands} commands, {counts['documents']} documents,"
        f" {counts['judged']} judgements of ours and of OpenSSL ({counts['passed']} in force,"
        f" {counts['failed']} revoked, {counts['undetermined']} not to be told),"
        f" {counts['cards']} cards read by a terminal that the other State certified,"
        f" {counts['duties']} duties"
    )
