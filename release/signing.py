"""The checksums of a release, and their signature by an OpenSSH key.

`ssh-keygen` is on every developer's machine, signs with a key in a file, an agent or a security
token, and verifies without a service or a network.
"""

import hashlib
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from support.errors import MisuseError

NAMESPACE: Final = "chipseal-release"
"""What the signature is for: `ssh-keygen -Y verify -n` refuses another."""

SUMS: Final = "SHA256SUMS"


def write_sums(folder: Path, files: Iterable[Path]) -> Path:
    """Write the checksums as `sha256sum` does, in order of names; return the file."""
    lines = [
        f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in sorted(files)
    ]
    sums = folder / SUMS
    sums.write_text("".join(lines), encoding="utf-8")
    return sums


def sign(sums: Path, key: Path, signers: Path) -> tuple[Path, str]:
    """Sign the checksums; return the signature's file, and the signer's name in `signers`.

    Raises `MisuseError` if the key does not sign, or if `signers` (in the form of ssh-keygen's
    ALLOWED SIGNERS) does not list it: then nobody could verify the release.
    """
    signature = sums.with_name(f"{sums.name}.sig")
    signature.unlink(missing_ok=True)
    _ssh_keygen("-Y", "sign", "-n", NAMESPACE, "-f", str(key), str(sums))
    found = _ssh_keygen("-Y", "find-principals", "-s", str(signature), "-f", str(signers))
    name = found.decode().splitlines()[0]
    verify(sums, signature, signers, name)
    return signature, name


def verify(sums: Path, signature: Path, signers: Path, name: str) -> None:
    """Verify a signature as a user would; raises `MisuseError` if it is not good."""
    options = ("-n", NAMESPACE, "-s", str(signature), "-f", str(signers), "-I", name)
    _ssh_keygen("-Y", "verify", *options, given=sums.read_bytes())


def _ssh_keygen(*arguments: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            ("ssh-keygen", *arguments),  # noqa: S607 - found on the PATH
            input=given,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise MisuseError(
            "ssh-keygen is not installed", advice="install Debian's openssh-client"
        ) from None
    if done.returncode:
        lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        words = lines[-1] if lines else "no output"
        advice = {
            "sign": "name the file of the private key with --key",
            "find-principals": "add its public key to the signers' file, and commit it first",
        }.get(arguments[1], "")
        raise MisuseError(f"ssh-keygen -Y {arguments[1]}: {words}", advice=advice)
    return done.stdout
