"""The client of a bitbudget-server."""

from __future__ import annotations

import os
from types import TracebackType

from bitbudget._connection import DEFAULT_ADDRESS, Connection
from bitbudget._experiments import ExperimentCalls
from bitbudget._fits import FitCalls
from bitbudget._jobs import JobCalls
from bitbudget._planner import PlannerCalls
from bitbudget._studies import StudyCalls


class Client(StudyCalls, ExperimentCalls, FitCalls, PlannerCalls, JobCalls):
    """All that can be asked of a server, a method for each call.

        with bitbudget.Client("127.0.0.1:7411") as client:
            print(client.optimize_qat_fraction("micro", parameters=2.2e9, weight_bits=2,
                                               total_tokens=1.4e12))

    `address` is HOST:PORT; unset: the environment variable BITBUDGET_SERVER, else
    127.0.0.1:7411. Nothing is asked before the first call.

    Every call has a deadline, retries included: `timeout` seconds for calls that answer at once,
    `long_timeout` for those that work or wait (fits, imports, exports, grids, backups,
    questions with min_revision); None waits for ever. Within it, a call is sent again while the
    server is unavailable (reads always, writes because each carries a request_id), and waits
    while the server has no place for it. Errors are those of bitbudget.errors. Thread-safe.
    """

    def __init__(self, address: str | None = None, *, timeout: float | None = 10.0,
                 long_timeout: float | None = 600.0) -> None:
        address = address or os.environ.get("BITBUDGET_SERVER") or DEFAULT_ADDRESS
        self._connection = Connection(address, timeout, long_timeout)

    @property
    def address(self) -> str:
        return self._connection.address

    def close(self) -> None:
        """Ends the connection; the client cannot be used any more."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"bitbudget.Client({self.address!r})"
