"""Keys in an HSM through PKCS#11 (python-pkcs11): made, used and destroyed there, never exported.

python-pkcs11 is not safe with two sessions in two threads, so each custody runs every call on one
thread.

A wrong PIN is tried only once, since an HSM locks after a few.  One process logs in at a time, and
a refusal is noted in a file in the user's folder: neither another process nor a service that is
restarted again and again tries the PIN again until a person has removed that note.
"""

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from emrtd.crypto.signatures import PublicKey, SignatureScheme
from personalise.pki.keys import hsm_keys
from personalise.pki.keys.hsm_keys import HsmError
from support.errors import MisuseError
from support.passphrase import user_folder
from support.secret import Secret

T = TypeVar("T")


def custody_of(module: str, token: str, pin: Callable[[], Secret]) -> "Pkcs11Custody":
    """Return this process's custody of a token; `pin` is called when it is the first one."""
    with _SHARED_LOCK:
        if (module, token) not in _SHARED:
            _SHARED[module, token] = Pkcs11Custody(module, token, pin())
        return _SHARED[module, token]


_SHARED: "Final[dict[tuple[str, str], Pkcs11Custody]]" = {}
_SHARED_LOCK: Final = threading.Lock()


class Pkcs11Custody:
    """The keys of one token, by label; satisfies `KeyCustody`.

    A process may have only one for each token: see `custody_of`.  `module` is the PKCS#11 library's
    path, `token` the token's label.
    """

    def __init__(self, module: str, token: str, pin: Secret) -> None:
        self._module = module
        self._token = token
        self._pin = pin
        self._session: Any = None
        self._lost = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hsm")

    def labels(self) -> list[str]:
        """Return the labels of the private keys in the token, in order."""
        return self._call(lambda session: sorted(hsm_keys.labels(session)))

    def generate(self, label: str, kind: str) -> PublicKey:
        """Make a key that cannot leave the HSM; `kind` is a curve's name or "RSA-3072"."""

        def work(session: Any) -> PublicKey:
            if label in hsm_keys.labels(session):
                raise MisuseError(f"the HSM already has a key {label!r}")
            hsm_keys.generate(session, label, kind)
            return hsm_keys.public_key(session, label)

        return self._call(work)

    def signer(self, label: str) -> "Pkcs11Signer":
        """Return the signer of one key; `HsmError` if no key in the token has this label."""
        public_key = self._call(lambda session: hsm_keys.public_key(session, label))
        return Pkcs11Signer(self, label, public_key)

    def destroy(self, label: str) -> None:
        """Destroy a key pair; it cannot be undone."""
        self._call(lambda session: hsm_keys.destroy(session, label))

    def sign(self, label: str, public: PublicKey, scheme: SignatureScheme, message: bytes) -> bytes:
        """Sign with one key, whose public half is `public`; ECDSA signatures are DER."""

        def work(session: Any) -> bytes:
            if not hsm_keys.needs_pin(session, label):
                return hsm_keys.sign(session, label, public, scheme, message)
            with _alone_with_the_pin(self._module, self._token) as note:
                try:
                    return hsm_keys.sign(session, label, public, scheme, message, self._pin)
                except _pin_errors() as error:
                    raise self._pin_refused(note) from error

        return self._call(work)

    def cmac(self, label: str, message: bytes, wrapped: bytes | None = None) -> bytes:
        """Compute AES-CMAC (16 octets) with a secret key; see `hsm_keys.cmac`."""
        return self._call(lambda session: hsm_keys.cmac(session, label, message, wrapped))

    def has_wrapping_key(self, label: str) -> bool:
        """Whether the token has a secret key with this label."""
        return self._call(lambda session: hsm_keys.has_secret_key(session, label))

    def generate_wrapping_key(self, label: str) -> None:
        """Make an AES-256 key that cannot leave the HSM, and wraps keys that are made elsewhere."""
        self._call(lambda session: hsm_keys.generate_wrapping_key(session, label))

    def wrap(self, label: str, key: Secret) -> bytes:
        """Wrap an AES key (RFC 3394); see `hsm_keys.wrap`."""
        return self._call(lambda session: hsm_keys.wrap(session, label, key))

    def unwrap(self, label: str, wrapped: bytes) -> Secret | None:
        """Return the key that `wrap` wrapped; None if the key with this label does not open it."""
        return self._call(lambda session: hsm_keys.unwrap(session, label, wrapped))

    def close(self) -> None:
        """Log out and end the custody's thread."""
        self._thread.submit(self._log_out).result()
        self._thread.shutdown()

    def _call(self, work: Callable[[Any], T]) -> T:
        return self._thread.submit(self._with_session, work).result()

    def _with_session(self, work: Callable[[Any], T]) -> T:
        from pkcs11 import exceptions

        expired = (
            exceptions.SessionClosed,
            exceptions.SessionHandleInvalid,
            exceptions.UserNotLoggedIn,
        )
        for last_try in (False, True):
            session = self._open()
            try:
                return work(session)
            except expired as error:
                self._log_out()  # the session has ended: log in once more, then give up
                if last_try:
                    raise HsmError(f"{self._token}: the HSM ends each session at once") from error
            except HsmError:
                self._give_up()
                raise
            except exceptions.PKCS11Error as error:
                self._give_up()
                raise HsmError(
                    f"{self._token}: the HSM answered {type(error).__name__}",
                    advice="see the HSM's own log",
                ) from error
        raise AssertionError("unreachable")

    def _open(self) -> Any:
        if self._session is not None:
            return self._session
        with _alone_with_the_pin(self._module, self._token) as note:
            self._session = self._log_in(note)
        return self._session

    def _log_in(self, note: "_Note") -> Any:
        import pkcs11
        from pkcs11 import exceptions

        try:
            library = pkcs11.lib(self._module)
            if self._lost:
                library.reinitialize()  # otherwise a library may not see a token that has returned
            token = library.get_token(token_label=self._token)
            session = token.open(rw=True, user_pin=self._pin.reveal().decode())
        except UnicodeDecodeError:
            raise HsmError(f"{self._token}: the PIN is not text in UTF-8") from None
        except _pin_errors() as error:
            raise self._pin_refused(note) from error
        except exceptions.PinLocked as error:
            raise HsmError(
                f"{self._token}: the PIN is locked",
                advice="have the token's security officer unlock it",
            ) from error
        except (exceptions.NoSuchToken, exceptions.TokenNotPresent) as error:
            raise HsmError(
                f"{self._module}: has no token {self._token!r}",
                advice="check that it is connected, and the configuration of its library",
            ) from error
        except (exceptions.PKCS11Error, RuntimeError) as error:
            if type(error) in {exceptions.PKCS11Error, RuntimeError}:  # not an answer of the HSM
                reason = "is not a PKCS#11 library, or cannot be loaded"
            else:
                reason = f"the HSM answered {type(error).__name__}"
            raise HsmError(f"{self._module}: {reason}") from error
        self._lost = False
        return session

    def _pin_refused(self, note: "_Note") -> HsmError:
        """Note that the PIN was refused, and return the error that says so."""
        note.write_down()
        return HsmError(
            f"{self._token}: the HSM refused the PIN; it is not tried again, since a few wrong"
            " ones lock the token",
            advice=f"write the right PIN to its file, then remove {note.path}",
        )

    def _give_up(self) -> None:
        """Log out, so that the next call loads the library and logs in again."""
        self._log_out()
        self._lost = True

    def _log_out(self) -> None:
        from pkcs11 import exceptions

        session, self._session = self._session, None
        if session is not None:
            with suppress(exceptions.PKCS11Error):  # the session may have ended
                session.close()


def _pin_errors() -> tuple[type[Exception], ...]:
    """Return the errors of a wrong PIN."""
    from pkcs11 import exceptions

    return exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange


class _Note:
    """The file that records that a token's PIN was refused; empty if it was not."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @property
    def is_written(self) -> bool:
        return os.fstat(self._descriptor).st_size > 0

    def write_down(self) -> None:
        os.write(self._descriptor, b"the PIN of this token was refused\n")
        os.fsync(self._descriptor)


@contextmanager
def _alone_with_the_pin(module: str, token: str) -> Iterator[_Note]:
    """Hold the lock for logging in to a token; `HsmError` if its PIN was refused before."""
    name = hashlib.sha256(f"{module}\0{token}".encode()).hexdigest()[:16]
    path = user_folder() / f"hsm-pin-{name}"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        note = _Note(path, descriptor)
        if note.is_written:
            raise HsmError(
                f"{token}: the PIN was refused before and is not tried again",
                advice=f"write the right PIN to its file, then remove {path}",
            )
        yield note
    finally:
        os.close(descriptor)


class Pkcs11Signer:
    """Signs with one key of a `Pkcs11Custody`; satisfies `Signer`."""

    def __init__(self, custody: Pkcs11Custody, label: str, public_key: PublicKey) -> None:
        self._custody = custody
        self._label = label
        self._public_key = public_key

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public_key

    def sign(self, scheme: SignatureScheme, message: bytes) -> bytes:
        """Sign a message in the HSM; ECDSA signatures are DER."""
        return self._custody.sign(self._label, self._public_key, scheme, message)
