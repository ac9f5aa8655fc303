"""Keys in an HSM, with SoftHSM; each test runs a child process, since PKCS#11 state is global."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.interop

SOFTHSM = next(
    (
        path
        for path in map(
            Path,
            (
                "/usr/lib/softhsm/libsofthsm2.so",
                "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
            ),
        )
        if path.exists()
    ),
    None,
)


@pytest.fixture
def token(tmp_path: Path) -> dict[str, str]:
    if SOFTHSM is None:
        pytest.skip("needs SoftHSM (Debian's softhsm2), which is not on this machine")
    (tmp_path / "tokens").mkdir()
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    environment = {
        "SOFTHSM2_CONF": str(configuration),
        "MODULE": str(SOFTHSM),
        "XDG_DATA_HOME": str(tmp_path / "user"),
    }
    subprocess.run(
        [
            "softhsm2-util", "--init-token", "--free",
            "--label", "pki", "--pin", "123456", "--so-pin", "654321",
        ],
        env={**environment, "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )  # fmt: skip
    return environment


ROOT = Path(__file__).parents[4]
PRELUDE = (
    "import os\n"
    "from emrtd.crypto.hashes import Hash\n"
    "from emrtd.crypto.signatures import SignatureFamily, SignatureScheme, verify\n"
    "from support.errors import ChipsealError\n"
    "from support.secret import Secret\n"
    "from personalise.pki.keys.hsm import Pkcs11Custody\n"
    "ECDSA = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)\n"
    "def custody(pin=b'123456', token='pki'):\n"
    "    return Pkcs11Custody(os.environ['MODULE'], token, Secret(pin))\n"
)


def run(script: str, environment: dict[str, str], typed: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + script],
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_keys_of_every_kind_sign_in_the_hsm_and_their_signatures_verify(
    token: dict[str, str],
) -> None:
    script = """
hsm = custody()
kinds = ["brainpoolP256r1", "secp384r1", "brainpoolP512r1", "RSA-2048", "RSA-2048"]
for kind, family in zip(kinds, ["ECDSA"] * 3 + ["RSA", "RSA-PSS"]):
    label = kind + family
    key = hsm.generate(label, kind)
    for digest in (Hash.SHA256, Hash.SHA512):
        scheme = SignatureScheme(SignatureFamily(family), digest)
        signer = hsm.signer(label)
        assert signer.public_key == key
        verify(key, scheme, signer.sign(scheme, b"message"), b"message")
print(len(hsm.labels()))
hsm.destroy("RSA-2048RSA")
print(len(hsm.labels()))
hsm.close()
"""
    assert run(script, token).split() == ["5", "4"]


MAKE = """
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag
from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.public_keys import encode_parameters
hsm = custody()
def make(label, parameters, template):
    def work(session):
        made = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: parameters}, local=True
        )
        made.generate_keypair(
            mechanism=Mechanism.EC_KEY_PAIR_GEN, store=True, label=label,
            capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY, private_template=template,
        )
    hsm._call(work)
"""


def test_a_key_that_wants_the_pin_with_each_signature_signs(token: dict[str, str]) -> None:
    script = """
make("k", der.oid(CURVES["secp256r1"].oid), {Attribute.ALWAYS_AUTHENTICATE: True})
signer = hsm.signer("k")
for _ in range(3):
    verify(signer.public_key, ECDSA, signer.sign(ECDSA, b"m"), b"m")
session = hsm._session
verify(signer.public_key, ECDSA, signer.sign(ECDSA, b"m"), b"m")
print(hsm._session is session)
"""
    assert run(MAKE + script, token).split() == ["True"]


def test_a_key_with_explicit_parameters_signs(token: dict[str, str]) -> None:
    script = """
for name in ("brainpoolP256r1", "secp384r1"):
    make(name, encode_parameters(CURVES[name]), {})
    signer = hsm.signer(name)
    verify(signer.public_key, ECDSA, signer.sign(ECDSA, b"m"), b"m")
    print(signer.public_key.curve.name)
"""
    assert run(MAKE + script, token).split() == ["brainpoolP256r1", "secp384r1"]


def test_an_mgf1_hash_that_the_token_does_not_do_is_named(token: dict[str, str]) -> None:
    script = """
hsm = custody()
hsm.generate("k", "RSA-2048")
scheme = SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256, 32, Hash.SHA1)
try:
    hsm.signer("k").sign(scheme, b"m")
except ChipsealError as error:
    print(error)
"""
    said = run(script, token)
    assert "does not make RSA-PSS with SHA-256, MGF1 with SHA-1 and a salt of 32 octets" in said
    assert "choose a scheme that the token's manual lists" in said


def test_a_wrong_pin_is_tried_once_and_not_printed(token: dict[str, str]) -> None:
    script = """
hsm = custody(b'000111')
for _ in range(20):
    try:
        hsm.labels()
    except ChipsealError as error:
        print(error)
"""
    said = run(script, token).splitlines()
    assert "refused the PIN" in said[0]
    assert all("was refused before and is not tried again" in line for line in said[1:])
    assert "000111" not in "".join(said)


TRY = """
import sys
try:
    print(custody(sys.stdin.readline().strip().encode()).labels())
except ChipsealError as error:
    print(error)
"""


def test_only_one_of_many_processes_tries_a_wrong_pin(
    token: dict[str, str],
) -> None:
    """Such as workers that start together, and a service that is restarted repeatedly."""
    command = [sys.executable, "-c", PRELUDE + TRY]
    processes = [
        subprocess.Popen(
            command, env=token, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(3)
    ]
    said = [process.communicate("000111\n")[0] for process in processes]
    assert sum("the HSM refused the PIN" in each for each in said) == 1
    assert sum("refused before" in each for each in said) == 2
    later = run(TRY, token, "123456\n")
    assert "refused before" in later, "the right PIN too is refused until the note is removed"
    Path(later.split()[-1]).unlink()
    assert run(TRY, token, "123456\n").strip() == "[]"


def test_a_token_that_was_removed_signs_when_it_is_back(token: dict[str, str]) -> None:
    script = """
import pathlib
hsm = custody()
hsm.generate("k", "secp256r1")
signer = hsm.signer("k")
tokens = pathlib.Path(os.environ["SOFTHSM2_CONF"]).with_name("tokens")
away = tokens.with_name("away")
(token,) = tokens.iterdir()
token.rename(away)
for _ in range(3):
    try:
        signer.sign(ECDSA, b"m")
    except ChipsealError as error:
        print(error)
away.rename(token)
verify(signer.public_key, ECDSA, signer.sign(ECDSA, b"m"), b"m")
"""
    said = run(script, token).splitlines()
    assert len(said) == 3
    assert "no key 'k'; if the token is new, restore" in said[0]
    assert "no token 'pki'" in said[-1]


def test_a_failed_pki_init_leaves_no_key_in_the_hsm(token: dict[str, str]) -> None:
    script = """
from datetime import UTC, datetime
from pathlib import Path
import msgspec
from personalise.pki import create
from personalise.pki.settings import HsmAddress, settings_for
from personalise.pki.create import create_pki
def full(*_):
    raise OSError(28, "No space left on device")
address = HsmAddress(os.environ["MODULE"], "pki")
settings = msgspec.structs.replace(settings_for("UTO", "Utopia"), hsm=address)
folder = Path(os.environ["XDG_DATA_HOME"]) / "pki"
create.make_terminal = full
try:
    create_pki(
        folder, settings, Secret(b"p"), datetime.now(UTC), lambda: Secret(b"123456")
    )
except OSError as error:
    print(error.strerror)
print(folder.exists())
"""
    run('custody().generate("other", "secp256r1")', token)
    assert run(script, token).splitlines() == ["No space left on device", "False"]
    assert run("print(custody().labels())", token).strip() == "['other']"


def test_an_expired_session_is_opened_again(token: dict[str, str]) -> None:
    script = """
hsm = custody()
hsm.generate("k", "secp256r1")
hsm._session.close()
scheme = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
signer = hsm.signer("k")
verify(signer.public_key, scheme, signer.sign(scheme, b"m"), b"m")
print("signed")
"""
    assert run(script, token).split() == ["signed"]


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("custody(token='none').labels()", "no token 'none'"),
        (
            "custody().signer('absent')",
            "no key 'absent'; if the token is new, restore the HSM's own backup",
        ),
        ("custody().destroy('absent')", "no key 'absent'"),
        ("custody().generate('x', 'P-1')", "use the name of a curve"),
        ("custody().generate('x', 'RSA-1024')", "too weak"),
        (
            "hsm = custody(); hsm.generate('x', 'secp256r1'); hsm.generate('x', 'secp256r1')",
            "alrea",
        ),
        (
            "hsm = custody(); hsm.generate('x', 'RSA-2048'); hsm.signer('x').sign(ECDSA, b'')",
            "cannot make",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_it(token: dict[str, str], work: str, said: str) -> None:
    script = f"try:\n    {work}\nexcept ChipsealError as error:\n    print(error)\n"
    assert said in run(script, token)
