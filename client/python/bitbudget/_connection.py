"""A channel to one server: deadlines, retries and errors of all calls."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.protobuf.message import Message

from bitbudget._retry import Retry
from bitbudget.errors import Details, Error, from_rpc_error, make_error
from bitbudget.v1 import (
    campaign_pb2_grpc,
    experiment_pb2_grpc,
    fit_pb2_grpc,
    job_pb2_grpc,
    law_pb2_grpc,
    planner_pb2_grpc,
    study_pb2_grpc,
)

DEFAULT_ADDRESS = "127.0.0.1:7411"

_OPTIONS = (
    # A grid of 250,000 points with intervals is 6 MB, a page of experiments less.
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # Connect again within the backoff of the retries, not after gRPC's own second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)

# How long a call that has run out of time waits to learn whether there was a connection.
_STATE_SECONDS = 0.1


class Connection:
    """Thread-safe. `timeout` and `long_timeout` are seconds; None waits for ever."""

    def __init__(self, address: str, timeout: float | None, long_timeout: float | None) -> None:
        port = re.fullmatch(r"[^/]+:(\d{1,5})", address)
        if not port or not 0 < int(port[1]) <= 65535:
            raise ValueError(
                f"server: {address!r} is not HOST:PORT, for example {DEFAULT_ADDRESS}")
        self.address = address
        self.timeout = timeout
        self.long_timeout = long_timeout
        self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        self.studies = study_pb2_grpc.StudyServiceStub(self._channel)
        self.experiments = experiment_pb2_grpc.ExperimentServiceStub(self._channel)
        self.fits = fit_pb2_grpc.FitServiceStub(self._channel)
        self.laws = law_pb2_grpc.LawServiceStub(self._channel)
        self.planner = planner_pb2_grpc.PlannerServiceStub(self._channel)
        self.jobs = job_pb2_grpc.JobServiceStub(self._channel)
        self.campaigns = campaign_pb2_grpc.CampaignServiceStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def call(self, method: Callable[..., Any], request: Message | Callable[[], Iterator[Message]],
             *, long: bool = False, repeatable: bool = True) -> Any:
        """Makes a call that has one answer. `request` is a message or, for a stream, makes its
        messages anew for each attempt."""
        timeout = self.long_timeout if long else self.timeout
        retry = Retry(timeout, self._sleep, repeatable=repeatable)
        while True:
            try:
                sent = request if isinstance(request, Message) else request()
                return method(sent, timeout=retry.time_left())
            except grpc.RpcError as error:
                failed = self._error(error, timeout)
            retry.wait_after(failed)

    def read(self, method: Callable[..., Any], request: Message) -> Iterator[Any]:
        """Yields the messages of a stream. Sent again only while none has come: what has been
        handed over cannot be taken back."""
        retry: Retry | None = Retry(self.long_timeout, self._sleep)
        while True:
            stream = method(request, timeout=self.long_timeout)
            try:
                for message in stream:
                    retry = None
                    yield message
                return
            except grpc.RpcError as error:
                failed = self._error(error, self.long_timeout)
            finally:
                stream.cancel()
            if retry is None:
                raise failed
            retry.wait_after(failed)

    def watch(self, method: Callable[..., Any], request: Message,
              timeout: float | None) -> Iterator[Any]:
        """Yields the messages of a stream that begins with the present state, and so begins
        anew whenever the connection breaks."""
        whole = retry = Retry(timeout, self._sleep)
        while True:
            stream = method(request, timeout=whole.time_left())
            try:
                for message in stream:
                    retry = Retry(whole.time_left(), self._sleep)
                    yield message
                return
            except grpc.RpcError as error:
                failed = self._error(error, timeout)
            finally:
                stream.cancel()
            retry.wait_after(failed)

    def _error(self, rpc_error: grpc.RpcError, timeout: float | None) -> Error:
        error = from_rpc_error(rpc_error)
        # What the server itself says always has a reason; what has none was made up by gRPC
        # on this side.
        if error.reason:
            return error
        if "http1.x server" in error.message:
            return make_error(
                "UNAVAILABLE",
                f"{self.address} answers HTTP, not gRPC: it may be the dashboard's address; "
                "bitbudget-server prints the one it listens on",
                Details(reason="SERVER_UNREACHABLE",
                        metadata={"address": self.address, "cause": error.message}))
        expired = error.code == "DEADLINE_EXCEEDED"
        if error.code == "UNAVAILABLE" or (expired and not self._is_connected()):
            return make_error(
                "UNAVAILABLE",
                f"cannot reach {self.address}: is bitbudget-server running? Start it with: "
                f"bitbudget-server --database FILE --listen {self.address}",
                Details(reason="SERVER_UNREACHABLE",
                        metadata={"address": self.address, "cause": error.message}))
        if expired:
            return make_error(
                error.code, f"bitbudget-server at {self.address} did not answer within "
                f"{timeout:g} s; allow more with Client(timeout=..., long_timeout=...)",
                Details(reason="NO_ANSWER_IN_TIME", metadata={"address": self.address}))
        return error

    def _sleep(self, seconds: float) -> None:
        """Sleeps, and lets the channel connect again meanwhile: it does nothing while neither
        a call nor such a future waits for it."""
        ready = grpc.channel_ready_future(self._channel)
        try:
            time.sleep(seconds)
        finally:
            ready.cancel()

    def _is_connected(self) -> bool:
        ready = grpc.channel_ready_future(self._channel)
        try:
            ready.result(timeout=_STATE_SECONDS)
            return True
        except grpc.FutureTimeoutError:
            return False
        finally:
            ready.cancel()
