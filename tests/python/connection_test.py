"""How calls reach a server, and what they raise if they do not."""

import contextlib
import os
import socket
import threading
import unittest
from unittest import mock

import bitbudget
import service
from bitbudget import errors
from bitbudget._connection import Connection
from bitbudget._retry import Retry


class Address(unittest.TestCase):
    def test_the_environment_names_the_server(self):
        with mock.patch.dict(os.environ, {"BITBUDGET_SERVER": "127.0.0.1:4711"}):
            self.assertEqual("127.0.0.1:4711", bitbudget.Client().address)
            self.assertEqual("127.0.0.1:1", bitbudget.Client("127.0.0.1:1").address)

    def test_without_it_the_server_is_the_default(self):
        with mock.patch.dict(os.environ):
            os.environ.pop("BITBUDGET_SERVER", None)
            self.assertEqual("127.0.0.1:7411", bitbudget.Client().address)

    def test_what_is_no_address_is_refused_at_once(self):
        for address in ("localhost", "localhost:", ":7411", "localhost:0", "localhost:70000",
                        "http://localhost:7411"):
            with self.subTest(address), self.assertRaisesRegex(ValueError, "is not HOST:PORT"):
                bitbudget.Client(address)


class Unreachable(unittest.TestCase):
    def test_a_call_says_where_it_looked_and_what_to_start(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        with bitbudget.Client(address, timeout=0.5) as client:
            with self.assertRaises(bitbudget.ServerUnreachableError) as raised:
                client.list_studies()
        self.assertEqual("SERVER_UNREACHABLE", raised.exception.reason)
        self.assertIn(f"cannot reach {address}: is bitbudget-server running?",
                      str(raised.exception))


    def test_an_address_that_answers_http_is_told_from_none(self):
        with socket.create_server(("127.0.0.1", 0)) as dashboard:
            address = f"127.0.0.1:{dashboard.getsockname()[1]}"

            def answer():
                with contextlib.suppress(OSError):  # closed at the end of the test
                    while True:
                        with dashboard.accept()[0] as connection:
                            connection.recv(1024)
                            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

            threading.Thread(target=answer, daemon=True).start()
            with bitbudget.Client(address, timeout=5) as client:
                with self.assertRaises(bitbudget.ServerUnreachableError) as raised:
                    client.list_studies()
            dashboard.shutdown(socket.SHUT_RDWR)
        self.assertIn(f"{address} answers HTTP, not gRPC", str(raised.exception))


class Reachable(service.ServiceTest):
    def test_a_client_is_closed_at_the_end_of_its_block(self):
        with bitbudget.Client(self.server.address) as client:
            client.list_studies()
        with self.assertRaisesRegex(ValueError, "closed"):
            client.list_studies()

    def test_a_call_that_is_not_answered_ends_at_its_deadline(self):
        with bitbudget.Client(self.server.address, timeout=1) as client:
            client.list_studies()
            with self.server.halted():
                with self.assertRaises(bitbudget.DeadlineExceededError) as raised:
                    client.list_studies()
        self.assertEqual("NO_ANSWER_IN_TIME", raised.exception.reason)
        self.assertIn("did not answer within 1 s", raised.exception.message)


class Restart(service.ServiceTest):
    def come_back(self):
        """Starts the server when a call waits for it the first time."""
        sleep, started = Connection._sleep, []

        def start_and_sleep(connection, seconds):
            if not started:
                started.append(self.server.start())
            sleep(connection, seconds)
        return mock.patch.object(Connection, "_sleep", start_and_sleep)

    def test_a_read_goes_on_when_the_server_is_back(self):
        study = self.create_study()
        self.server.stop()
        with self.come_back():
            self.assertEqual(study.name, self.client.get_study(study).name)

    def test_a_write_goes_on_and_happens_once(self):
        study = self.create_study()
        self.server.stop()
        with self.come_back():
            reply = self.client.import_experiments(study, service.runs())
        self.assertEqual((256, 0), (reply.created_count, reply.unchanged_count))

    def test_a_watch_begins_anew(self):
        study = self.create_study()
        with self.come_back():
            watched = self.client.watch_jobs(study)
            self.assertTrue(next(watched).present_state_complete)
            self.server.stop()
            self.assertTrue(next(watched).present_state_complete)
        watched.close()


class Retries(unittest.TestCase):
    def setUp(self):
        self.slept = []
        self.enterContext(mock.patch("bitbudget._retry.random.uniform", lambda low, high: 1))

    def raise_again_and_again(self, retry, error):
        while True:
            retry.wait_after(error)

    def test_while_unavailable_a_call_is_sent_five_times(self):
        with self.assertRaises(bitbudget.UnavailableError):
            self.raise_again_and_again(Retry(60, self.slept.append),
                                       errors.make_error("UNAVAILABLE", "gone"))
        self.assertEqual([.08, .16, .32, .64], self.slept)

    def test_a_call_without_request_id_is_sent_once(self):
        with self.assertRaises(bitbudget.UnavailableError):
            Retry(60, self.slept.append, repeatable=False).wait_after(
                errors.make_error("UNAVAILABLE", "gone"))
        self.assertEqual([], self.slept)

    def test_a_busy_server_is_waited_for_as_it_asks_and_longer_each_time(self):
        busy = errors.make_error("RESOURCE_EXHAUSTED", "busy",
                                 errors.Details(reason="TOO_MANY_CALLS", retry_delay_seconds=2))
        retry = Retry(None, self.slept.append)
        for _ in range(5):
            retry.wait_after(busy)
        self.assertEqual([2, 4, 8, 16, 16], self.slept)
        with self.assertRaises(bitbudget.ResourceExhaustedError):
            Retry(1, self.slept.append).wait_after(busy)

    def test_other_errors_are_raised_at_once(self):
        with self.assertRaises(bitbudget.NotFoundError):
            Retry(60, self.slept.append).wait_after(errors.make_error("NOT_FOUND", "none"))

    def test_a_server_that_said_it_would_go_has_the_last_word(self):
        retry = Retry(60, self.slept.append)
        retry.wait_after(errors.make_error("UNAVAILABLE", "the server ends",
                                           errors.Details(reason="SHUTTING_DOWN")))
        with self.assertRaisesRegex(bitbudget.UnavailableError, "the server ends"):
            self.raise_again_and_again(retry, errors.make_error(
                "UNAVAILABLE", "cannot reach", errors.Details(reason="SERVER_UNREACHABLE")))


if __name__ == "__main__":
    unittest.main()
