"""Whether a call that failed is sent again, and when; the same rules as the C++ client's.

- The server refused it for want of a place (RESOURCE_EXHAUSTED with the time to wait): nothing
  has happened, so the wait goes on as long as the call may take.
- The server is unavailable (UNAVAILABLE): repeatable calls are sent five times in about a
  second and a half.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from bitbudget.errors import CancelledError, Error, ServerUnreachableError

_MOST_ATTEMPTS = 5
_FIRST_BACKOFF_SECONDS = 0.08
# 1, 2, 4 and then 8 times what the server asks for.
_MOST_DOUBLINGS = 3


class Retry:
    """One call that may take `timeout` seconds from now on, retries included; None: for
    ever. `sleep` lets seconds pass."""

    def __init__(self, timeout: float | None, sleep: Callable[[float], None], *,
                 repeatable: bool = True) -> None:
        self._sleep = sleep
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._repeatable = repeatable
        self._error: Error | None = None
        self._refusals = 0
        self._attempts = 0

    def time_left(self) -> float | None:
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - time.monotonic())

    def wait_after(self, error: Error) -> None:
        """Returns, after a wait, if the call shall be sent again; raises if it has failed."""
        # A server that ends cuts off the calls that still reach it; nobody else cancels.
        said_so = self._error is not None and self._error.reason == "SHUTTING_DOWN"
        if not (said_so and isinstance(error, (ServerUnreachableError, CancelledError))):
            self._error = error
        assert self._error is not None
        wait = self._wait_seconds(self._error)
        if wait is None or not self._wait(wait):
            raise self._error

    def _wait_seconds(self, error: Error) -> float | None:
        if error.code == "RESOURCE_EXHAUSTED" and error.retry_delay_seconds is not None:
            self._refusals += 1
            return float(error.retry_delay_seconds * 2 ** min(self._refusals - 1, _MOST_DOUBLINGS))
        if error.code == "UNAVAILABLE" and self._repeatable:
            self._attempts += 1
            if self._attempts < _MOST_ATTEMPTS:
                return float(_FIRST_BACKOFF_SECONDS * 2 ** (self._attempts - 1))
        return None

    def _wait(self, seconds: float) -> bool:
        """Waits up to half as long again, so that clients refused together come back apart;
        False, at once, if the call would end before."""
        seconds *= random.uniform(1, 1.5)
        left = self.time_left()
        if left is not None and seconds >= left:
            return False
        self._sleep(seconds)
        return True
