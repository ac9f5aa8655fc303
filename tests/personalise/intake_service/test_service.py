"""The intake service: a package is taken once, its sender is told of it, and nobody else."""

import subprocess
from base64 import b64decode
from datetime import timedelta
from errno import ENOSPC
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from emrtd.errors import ProtocolError
from emrtd.pki.x509.certificates import Certificate
from personalise.client import (
    RefusedRequestError,
    ServiceUnavailableError,
    read_receipt,
)
from personalise.commands.main import personalise
from personalise.intake_service import processing, web, worker
from personalise.intake_service.processing import Processing
from personalise.ledger.errors import LedgerUnavailableError
from personalise.pki.folder import RECEIPT
from personalise.pki.issuing_pki import IssuingPki
from personalise.service.intake import DESCRIPTION, Package, PackageState
from personalise.service.operations import COMMON
from support.command_line import run_command_line
from support.errors import MisuseError
from tests.personalise.applications import folder as application_folder
from tests.personalise.intake.packages import application_files, packed, record, zipped
from tests.personalise.intake_service.running import CONFIGURATION, Running, running
from tests.personalise.service.described import described_answers


def package(folder: Path, pki: IssuingPki, *numbers: str) -> bytes:
    """Return a package of the documented application, once for each document number."""
    files: dict[str, bytes] = {}
    for position, number in enumerate(numbers):
        files |= application_files(f"{position:04}/", record(number))
    return packed(folder / "package.p7m", files, pki).read_bytes()


def read(answer: bytes) -> Package:
    return msgspec.json.decode(answer, type=Package)


def jobs(service: Running) -> list[str]:
    return [each.job.id for each in service.parts.ledger.jobs()]


def test_a_package_gets_a_signed_receipt_and_its_application_a_state(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, pki) as service, service.client(monkeypatch) as client:
        sent = client.send_application(application_folder(tmp_path / "application"))
        assert sent.state is PackageState.DONE
        content = read_receipt(sent, pki.certificate(RECEIPT))
        assert content == sent.content
        (of_package,) = content.packages
        assert of_package.sender.status == "authenticated"
        (entry,) = of_package.applications
        assert entry.outcome == "taken"
        assert [entry.application] == jobs(service)
        assert entry.application is not None
        state = client.application(entry.application)
        assert (state.state, state.final) == ("received", False)
        assert client.applications(sent.package) == [state]
        service.parts.ledger.hold(entry.application, "to be seen", by="a supervisor")
        held = client.application(entry.application)
        assert (held.state, held.reason) == ("held", "to be seen")
        assert client.package(sent.package) == sent
        assert list(service.parts.inbox.folder.glob("*.p7m")) == []


def test_openssl_verifies_a_receipt(tmp_path: Path, pki: IssuingPki) -> None:
    with running(tmp_path, pki) as service:
        sent = read(service.send(package(tmp_path, pki, "ZU1"), "a key").content)
    assert sent.receipt is not None
    (tmp_path / "receipt.p7m").write_bytes(b64decode(sent.receipt))
    signer = x509.load_der_x509_certificate(pki.certificate(RECEIPT).der)
    (tmp_path / "receipt.pem").write_bytes(signer.public_bytes(Encoding.PEM))
    command = ["openssl", "cms", "-verify", "-inform", "DER", "-in", "receipt.p7m"]
    done = subprocess.run(
        [*command, "-CAfile", "receipt.pem", "-partial_chain"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert b'"taken": 1' in done.stdout


def test_a_repetition_takes_nothing_twice(tmp_path: Path, pki: IssuingPki) -> None:
    octets = package(tmp_path, pki, "ZU1", "ZU2")
    with running(tmp_path, pki) as service:
        first, again = service.send(octets, "one"), service.send(octets, "one")
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.content == again.content
        other = service.send(octets + b"\n", "one")
        assert other.status_code == 409
        assert other.json()["error"]["kind"] == "key-reused"
        replayed = read(service.send(octets, "another").content)
        assert replayed.content is not None
        assert replayed.content.packages[0].code == "replayed"
        assert len(jobs(service)) == 2


def test_nobody_else_learns_anything(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, pki) as service:
        sent = read(service.send(package(tmp_path, pki, "ZU1"), "one").content)
        (application,) = jobs(service)
        paths = (
            f"/v1/packages/{sent.package}",
            f"/v1/packages/{sent.package}/applications",
            f"/v1/applications/{application}",
        )
        for path in paths:
            assert service.ask("GET", path).status_code == 200
            assert service.ask("GET", path, client="clear").status_code == 404
            stranger = service.ask("GET", path, client="stranger")
            assert (stranger.status_code, stranger.json()["error"]["kind"]) == (
                403,
                "unknown-client",
            )
        named = service.ask("GET", "/v1/applications/JOHN%20SMITH")
        assert "SMITH" not in named.text
        with service.client(monkeypatch, "clear") as client:
            with pytest.raises(RefusedRequestError) as refused:
                client.application(application)
            assert (refused.value.status, refused.value.refusal) == (404, "not-found")


def test_an_archive_in_clear_is_taken_from_those_who_may_send_one(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped(application_files())
    with running(tmp_path, pki, works=False, text=_impatient()) as service:
        kind = "application/zip"
        assert service.send(archive, "one", kind=kind).json()["error"]["kind"] == "not-allowed"
        waiting = service.send(archive, "one", kind=kind, client="clear")
        assert waiting.status_code == 202
        (stored,) = service.parts.inbox.folder.glob("*.p7m")
        assert stored.stat().st_mode & 0o777 == 0o600
        assert b"PK\x03\x04" not in stored.read_bytes()
    with running(tmp_path, pki) as service, service.client(monkeypatch, "clear") as client:
        package = client.wait_for(client.package(waiting.json()["package"]), tries=1000)
        content = read_receipt(package, pki.certificate(RECEIPT))
        assert (content.taken, content.packages[0].sender.status) == (1, "authenticated")


def _impatient() -> str:
    return CONFIGURATION.replace("answer_seconds = 60", "answer_seconds = 0")


class Killed(BaseException):
    """The process ends here."""


def test_a_service_killed_before_the_receipt_was_signed_takes_nothing_twice(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    octets = package(tmp_path, pki, "ZU1", "ZU2", "ZU1")
    with running(tmp_path, pki, works=False, text=_impatient()) as service:
        waiting = read(service.send(octets, "one").content)
        stored = service.parts.inbox.next()
        assert stored is not None
        with monkeypatch.context() as patch:
            patch.setattr(processing, "sign_receipt", _die)
            service.parts.inbox.begin(stored.package)
            work = Processing(
                pki, service.parts.ledger, service.parts.settings, service.parts.clock
            )
            with pytest.raises(Killed):
                work.process(stored, service.parts.inbox.path(stored.package))
        entered = jobs(service)
        assert len(entered) == 2
    with running(tmp_path, pki) as service:
        done = read(service.send(octets, "one").content)
        assert done.package == waiting.package
        content = read_receipt(done, pki.certificate(RECEIPT))
        assert (content.taken, content.refused, content.refused_packages) == (2, 1, 0)
        found = [each.application for each in content.packages[0].applications]
        assert found == [*entered, None]
        assert jobs(service) == entered


def _die(*_: object) -> bytes:
    raise Killed


def test_a_document_of_another_package_stays_a_duplicate_after_a_kill(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, pki) as service:
        service.send(package(tmp_path, pki, "ZU1"), "one")
    octets = package(tmp_path, pki, "ZU1", "ZU2")
    with running(tmp_path, pki, works=False, text=_impatient()) as service:
        service.send(octets, "two")
        stored = service.parts.inbox.next()
        assert stored is not None
        with monkeypatch.context() as patch:
            patch.setattr(processing, "sign_receipt", _die)
            parts = service.parts
            parts.inbox.begin(stored.package)
            with pytest.raises(Killed):
                Processing(pki, parts.ledger, parts.settings, parts.clock).process(
                    stored, parts.inbox.path(stored.package)
                )
    with running(tmp_path, pki) as service:
        content = read_receipt(read(service.send(octets, "two").content), pki.certificate(RECEIPT))
        outcomes = [each.outcome for each in content.packages[0].applications]
        assert outcomes == ["refused", "taken"]


def test_a_ledger_that_does_not_answer_is_waited_for(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, pki) as service:

        def away(*_: object, **__: object) -> None:
            raise LedgerUnavailableError("the database is stopped")

        with monkeypatch.context() as patch:
            patch.setattr(service.parts.ledger, "receive", away)
            answer = service.send(package(tmp_path, pki, "ZU1"), "one")
            assert answer.status_code == 202
            assert int(answer.headers["Retry-After"]) > 0
        service.clock.ahead = timedelta(minutes=1)
        service.parts.worker.wake()
        waiting = read(answer.content).package
        service.parts.worker.watch(waiting).result(60)
        done = read(service.ask("GET", f"/v1/packages/{waiting}").content)
        assert done.state is PackageState.DONE
        assert len(jobs(service)) == 1


def test_an_internal_error_fails_one_package_and_the_others_go_on(
    tmp_path: Path,
    pki: IssuingPki,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    octets = package(tmp_path, pki, "ZU1")
    with running(tmp_path, pki) as service:
        with monkeypatch.context() as patch:
            patch.setattr(processing, "sign_receipt", _defect)
            answer = service.send(octets, "one")
            assert answer.status_code == 202
            name = read(answer.content).package
            for _ in range(2):
                service.clock.ahead += timedelta(minutes=10)
                watched = service.parts.worker.watch(name)
                service.parts.worker.wake()
                watched.result(60)
        failed = read(service.ask("GET", f"/v1/packages/{name}").content)
        assert failed.state is PackageState.FAILED
        assert service.parts.inbox.path(name).exists()
        assert service.send(package(tmp_path, pki, "ZU2"), "two").status_code == 201
        entered = jobs(service)
        assert len(entered) == 2, "the package that failed was entered before its receipt"
        again = read(service.send(octets, "three").content)
        assert again.content is not None
        assert again.content.packages[0].applications[0].application == entered[0]
        assert jobs(service) == entered
        with pytest.raises(MisuseError, match="sent it again"):
            service.parts.inbox.retry(name)
    assert "SMITH" not in caplog.text
    assert "internal error (KeyError in" in caplog.text


def test_what_cannot_be_entered_is_not_looked_at_again_at_once(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def full(*_: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    with running(tmp_path, pki) as service:
        name = read(service.send(package(tmp_path, pki, "ZU1"), "one").content).package
        parts = service.parts
        monkeypatch.setattr(parts.inbox, "fail", full)
        monkeypatch.setattr(parts.inbox, "put_off", full)
        condition = parts.worker._condition
        monkeypatch.setattr(condition, "wait_for", lambda _, seconds: waited.append(seconds))
        stored = parts.inbox.get(name)
        parts.worker._try_again(stored, KeyError(), ends=False)
        parts.worker._give_up(stored, KeyError())
    assert waited == [5.0, 5.0]


def test_a_header_is_given_once_and_a_body_is_not_compressed(
    tmp_path: Path, pki: IssuingPki
) -> None:
    octets = package(tmp_path, pki, "ZU1")
    kind, key = ("Content-Type", "application/cms"), ("Idempotency-Key", "one")

    def sent(*headers: tuple[str, str]) -> int:
        return service.ask("POST", "/v1/packages", content=octets, headers=headers).status_code

    with running(tmp_path, pki) as service:
        assert sent(kind, key, ("Idempotency-Key", "two")) == 400
        assert sent(kind, ("Content-Type", "application/zip"), key) == 400
        assert sent(kind, key, ("Content-Encoding", "gzip")) == 415
        assert jobs(service) == []
        assert sent(kind, key, ("Content-Encoding", "identity")) == 201


def test_an_operator_has_a_package_that_failed_looked_at_again(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    octets = package(tmp_path, pki, "ZU1")
    with running(tmp_path, pki) as service:
        monkeypatch.setattr(worker, "TRIES", 1)
        with monkeypatch.context() as patch:
            patch.setattr(processing, "sign_receipt", _defect)
            failed = read(service.send(octets, "one").content)
        assert failed.state is PackageState.FAILED
        (entered,) = jobs(service)
    command = ("intake-service", "--config", tmp_path / "intake.toml", "--pki", pki.folder)

    def retry(name: str) -> int:
        return run_command_line(personalise, [*map(str, command), "--retry", name])

    assert retry("P-0000000000000000") == 64
    assert retry(failed.package) == 0
    assert retry(failed.package) == 64, "it waits"
    with running(tmp_path, pki) as service:
        service.parts.worker.watch(failed.package).result(60)
        done = read(service.ask("GET", f"/v1/packages/{failed.package}").content)
        assert done.content is not None
        (taken,) = done.content.packages[0].applications
        assert (taken.outcome, taken.application) == ("taken", entered)
        assert jobs(service) == [entered]


def _defect(*_: object) -> bytes:
    raise KeyError("SMITH")


def test_a_client_that_was_removed_has_nothing_taken(tmp_path: Path, pki: IssuingPki) -> None:
    with running(tmp_path, pki, works=False, text=_impatient()) as service:
        service.send(package(tmp_path, pki, "ZU1"), "one")
    without = CONFIGURATION.replace('name = "cases"', 'name = "others"')
    with running(tmp_path, pki, text=without) as service:
        stored = service.parts.inbox.next()
        if stored is not None:
            service.parts.worker.watch(stored.package).result(60)
        assert service.parts.inbox.waiting() == 0
        assert jobs(service) == []


def test_every_described_answer_is_given(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    octets = package(tmp_path, pki, "ZU1")
    with running(tmp_path, pki) as service:
        sent = read(service.send(octets, "one").content)
        service.send(octets, "one")
        (application,) = jobs(service)
        service.send(octets + b"\n", "one")  # 409
        service.send(octets, "")  # 400
        service.send(octets, "two", client="stranger")  # 403
        service.send(bytes(1024 * 1024 + 1), "two")  # 413
        service.send(octets, "two", kind="text/plain")  # 415
        service.send(octets, "two", client="slow")
        limited = service.send(octets, "three", client="slow")  # 429
        assert int(limited.headers["Retry-After"]) == 60
        with monkeypatch.context() as patch:
            patch.setattr(web, "BODY_SECONDS", 0)
            service.stall("four")  # 408
        own = {
            "getPackage": f"/v1/packages/{sent.package}",
            "listApplications": f"/v1/packages/{sent.package}/applications",
            "getApplication": f"/v1/applications/{application}",
            "getCertificates": "/v1/certificates",
        }
        other = {
            "getPackage": "/v1/packages/P-0000000000000000",
            "listApplications": "/v1/packages/P-0000000000000000/applications",
            "getApplication": "/v1/applications/A-0000000000000000",
        }
        for path in [*own.values(), *other.values()]:
            service.ask("GET", path)
            service.ask("GET", path, client="stranger")
        for each in COMMON:
            service.ask("GET", each.path, client="stranger")
        for error in (LedgerUnavailableError("away"), KeyError("SMITH")):
            with monkeypatch.context() as patch:
                for name in ("get", "waiting", "require_application"):
                    patch.setattr(service.parts.inbox, name, _raising(error))
                patch.setattr(IssuingPki, "intake_labels", _raising(error))
                for path in own.values():
                    service.ask("GET", path)
                service.send(octets, "five")
                assert service.ask("GET", "/health/ready").status_code == 503
        seen = service.seen
    with running(tmp_path, pki, works=False, text=_impatient()) as service:
        for number in ("ZU3", "ZU4"):
            assert service.send(package(tmp_path, pki, number), number).status_code == 202
        full = service.send(package(tmp_path, pki, "ZU5"), "ZU5")
        assert (full.status_code, full.json()["error"]["what"]) == (503, "too many packages wait")
        assert service.ask("GET", "/health/ready").json()["checks"]["room"]["left"] == 0
        seen |= service.seen
    assert seen == described_answers(DESCRIPTION)


def test_a_client_whose_packages_do_not_arrive_keeps_nobody_out(
    tmp_path: Path, pki: IssuingPki
) -> None:
    octets = package(tmp_path, pki, "ZU1")
    with running(tmp_path, pki, works=False, text=_impatient()) as service:
        service.application._uploads["slow"] = web.UPLOADS_OF_A_CLIENT
        busy = service.send(octets, "one", client="slow")
        assert (busy.status_code, busy.json()["error"]["kind"]) == (503, "unavailable")
        assert service.send(octets, "one").status_code == 202
        service.application._uploads["clear"] = web.UPLOADS_OF_A_CLIENT
        assert service.send(octets, "two").status_code == 503


def test_readiness_names_what_is_missing(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unready() -> dict[str, str]:
        found = service.ask("GET", "/health/ready").json()
        assert found["ready"] == all(each["ready"] for each in found["checks"].values())
        return {name: each["what"] for name, each in found["checks"].items() if not each["ready"]}

    unusable = "cannot be used; the log says why"
    with running(tmp_path, pki) as service:
        assert unready() == {}
        secret = MisuseError("/srv/secret: the token is away")
        for owner, name, check in (
            (IssuingPki, "issuer_of", "keys"),
            (type(pki.custody), "labels", "keys"),
            (service.parts.ledger, "counts", "database"),
            (service.parts.inbox, "waiting", "room"),
            (web, "room_in", "disk"),
            (web, "require_clock", "clock"),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, _raising(secret))
                assert unready() == {check: unusable}
        with monkeypatch.context() as patch:
            patch.setattr(type(pki.custody), "labels", lambda _: ["intake"])
            assert unready() == {"keys": "there is no key that signs receipts"}


def _raising(error: Exception) -> object:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_a_receipt_of_another_signer_or_another_package_is_refused(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, pki) as service, service.client(monkeypatch) as client:
        first = client.send(package(tmp_path, pki, "ZU1"))
        second = client.send(package(tmp_path, pki, "ZU2"))
    signer = pki.certificate(RECEIPT)
    swapped = msgspec.structs.replace(first, receipt=second.receipt)
    with pytest.raises(ProtocolError, match="another package"):
        read_receipt(swapped, signer)
    with pytest.raises(ProtocolError):
        read_receipt(first, Certificate.parse(pki.certificate("intake").der))


def test_the_client_gives_up_in_the_end_and_says_what_the_service_asks(
    tmp_path: Path, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, pki, works=False, text=_impatient()) as service:
        with service.client(monkeypatch) as client:
            sent = client.send(package(tmp_path, pki, "ZU1"))
            with pytest.raises(ServiceUnavailableError, match="was not looked at yet"):
                client.wait_for(sent, tries=2)
        with service.client(monkeypatch, "slow") as client:
            client.send(package(tmp_path, pki, "ZU2"))
            with pytest.raises(ServiceUnavailableError) as limited:
                client.send(package(tmp_path, pki, "ZU3"))
            assert (limited.value.status, limited.value.retry_after) == (429, 60)
