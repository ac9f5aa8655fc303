"""Keys of retention periods in an HSM (SoftHSM); a child process, since PKCS#11 state is global."""

from tests.personalise.pki.keys.test_hsm import run, token

__all__ = ["token"]  # a fixture

SCRIPT = """
import shutil, sqlite3, sys, tempfile
from datetime import UTC, datetime
from pathlib import Path
from emrtd.pki import private_key_file
from personalise.ledger.opening import open_ledger
from personalise.ledger.values import AlteredJob
from personalise.ledger.states import Worker
from personalise.pki.create import create_pki
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.settings import HsmAddress, LedgerSettings, changed, settings_for
from support.errors import MisuseError
from tests.personalise.ledger.line import ANNA, DESK, KIND, Line, image

private_key_file._COST = 2
folder = Path(tempfile.mkdtemp())
passphrase, pin = Secret(b"a pass phrase for tests"), lambda: Secret(b"123456")
pki = create_pki(folder / "pki", settings_for("UTO", "Utopia"), passphrase, datetime.now(UTC))
address = {"module": os.environ["MODULE"], "token": "pki"}
pki.save(changed(pki.settings, ledger={"hsm": address}))
def opened(place=folder):
    pki = IssuingPki.open(place / "pki", passphrase, pin, with_signing_keys=False)
    return open_ledger(f"sqlite:///{folder}/ledger.sqlite", pki, create=True)

line = Line(opened())
first, second = line.receive("A1", "A2")
(period,) = [each.name for each in line.ledger.periods()]
print(*sorted(each.name for each in (folder / "pki" / "retention").iterdir()))
custody = line.ledger._keys.hsm.custody()
print(custody.has_wrapping_key(f"retention-{period}"))
wrapped = custody.wrap(f"retention-{period}", Secret(bytes(32)))
print(len(wrapped), custody.unwrap(f"retention-{period}", wrapped).reveal() == bytes(32))
print(custody.unwrap(f"retention-{period}", bytes(40)), custody.unwrap(f"retention-{period}", b""))
line.ledger.close()

again = Line(opened())  # what was made by one process is opened by another
(taken, other) = again.ledger.take_for_preparation(DESK, 5)
print(taken.application.particulars.document.number)
again.ledger.prepared(taken.job, image())
claim = again.issue("CARD1")
print(again.ledger.image(claim).files == image().files)
again.ledger.reject(other.job, "withdrawn", by="s")
sqlite3.connect(folder / "ledger.sqlite").backup(sqlite3.connect(folder / "backup"))
report = again.ledger.purge(period=period, by="s")
print(report.periods == (period,), custody.has_wrapping_key(f"retention-{period}"))
print([each for each in report.beyond_reach if "HSM" in each])
again.ledger.close()

for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
    (folder / name).unlink(missing_ok=True)
shutil.copy(folder / "backup", folder / "ledger.sqlite")
(folder / "pki" / "ledger-checkpoint.json").unlink()
restored = opened()
try:
    restored.export(first, by="s")
except MisuseError as error:
    print(error)
later = Line(restored)
shutil.rmtree(folder)
"""


def test_the_keys_of_periods_are_made_used_and_destroyed_in_the_hsm(
    token: dict[str, str],
) -> None:
    found = run(SCRIPT, token).splitlines()
    assert found[:7] == [
        "digest.key", "True", "40 True", "None None", "A1", "True", "True False",
    ]  # fmt: skip
    assert "retention-2" in found[7]
    assert "does not exist" in found[8]
    assert "token 'pki'" in found[8]
