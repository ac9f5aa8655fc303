"""Retry counters: how a chip suspends and blocks a password (TR-03110-2, 2.2.3 and 2.4)."""

from emrtd.access.passwords import Password
from emrtd.errors import ChipRefusalError
from emrtd.status_words import SW


class PasswordState:
    """A chip's password and its retry counter RC, which every failure lowers by one.

    RC = 1 suspends the password until the CAN has been entered in the same session, so that only
    someone who has seen the document can block it.  RC = 0 blocks it.  Without `retry_limit` the
    password is non-blocking, as MRZ and CAN are.  The chip has to store only `failures` in
    non-volatile memory.  `suspends` is false for a chip that has no CAN to resume with.
    """

    def __init__(
        self,
        password: Password,
        retry_limit: int | None = None,
        failures: int = 0,
        *,
        suspends: bool = True,
        active: bool = True,
    ) -> None:
        self.password = password
        self.retry_limit = retry_limit
        self.failures = failures
        self.suspends = suspends
        self.active = active
        self._resumed = False

    @property
    def tries_left(self) -> int | None:
        """RC; None for a non-blocking password."""
        return None if self.retry_limit is None else max(0, self.retry_limit - self.failures)

    @property
    def suspended(self) -> bool:
        """Whether the password has to be resumed with the CAN before it is used."""
        return self.suspends and self.tries_left == 1 and not self._resumed

    @property
    def selection_status(self) -> int:
        """The status word of MSE:Set AT when the password is selected (TR-03110-3, B.14.1)."""
        if not self.active:
            return SW.FILE_DEACTIVATED
        tries = self.tries_left
        return SW.OK if tries is None or tries == self.retry_limit else 0x63C0 | tries

    @property
    def failure_status(self) -> int:
        """The status word of GENERAL AUTHENTICATE after a failure."""
        return SW.AUTHENTICATION_FAILED if self.retry_limit is None else self.selection_status

    def require_usable(self) -> None:
        """Raise `ChipRefusalError` if the password is deactivated, blocked or suspended."""
        doing = f"PACE with the {self.password.type.name}"
        if not self.active:
            raise ChipRefusalError(SW.REFERENCE_DATA_NOT_USABLE, doing)
        if self.tries_left == 0:
            raise ChipRefusalError(SW.AUTHENTICATION_METHOD_BLOCKED, doing)
        if self.suspended:
            raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)

    def attempt(self) -> None:
        """Count a failure before the attempt is checked, so that cutting the power gains no try."""
        if self.retry_limit is not None:
            self.failures += 1
        self._resumed = False

    def succeed(self) -> None:
        """Reset the counter to its limit after a correct attempt."""
        self.failures = 0

    def resume(self) -> None:
        """Allow a suspended password in this session, after a correct CAN."""
        self._resumed = True
