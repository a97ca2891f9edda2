"""A real bitbudget-server for the tests of this folder."""

import contextlib
import csv
import json
import math
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import bitbudget

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUNDLED = ROOT / "data" / "micro_prototype"


class Server:
    """A server with a database of its own; may be stopped and started again at the same
    address."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._process = None
        self.address = "127.0.0.1:0"
        self.start()

    def start(self):
        database = pathlib.Path(self._folder.name) / "bitbudget.db"
        self._process = subprocess.Popen(
            [os.environ["BITBUDGET_SERVER_PROGRAM"], "--database", database,
             "--listen", self.address, "--log-level", "error"],
            stdout=subprocess.PIPE, text=True)
        self.address = self._process.stdout.readline().split()[-1]

    @contextlib.contextmanager
    def halted(self):
        """The server is there and does nothing."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()

    def close(self):
        self.stop()
        self._folder.cleanup()


class ServiceTest(unittest.TestCase):
    """Tests of one class share a server and a client; each has studies of its own."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.client = bitbudget.Client(cls.server.address)
        cls.addClassCleanup(cls.client.close)

    def create_study(self):
        name = self.id().rpartition(".")[2].replace("_", "-").lower()[:60].rstrip("-")
        return self.client.create_study(name)


def loss(parameters, fp_tokens, qat_tokens, weight_bits):
    """A law of the form of arXiv 2509.22935 with coefficients of our own; no QAT tokens mean
    full precision."""
    n, total = parameters / 1e9, (fp_tokens + qat_tokens) / 1e10
    full_precision = 1.8 + .35 * n ** -.33 + .28 * total ** -.3
    if not qat_tokens:
        return full_precision
    size = parameters * weight_bits / 8
    fp_ratio, qat_ratio = fp_tokens / size, qat_tokens / size
    return (full_precision + .3 * 2 ** (-.8 * weight_bits)
            + 1.6 * 2 ** (-.5 * weight_bits) * n ** -.1 * qat_ratio ** -.35
            + .9 * 2 ** (-.3 * weight_bits) * n ** -.05 * fp_ratio ** -.4 * qat_ratio ** -.1)


def runs():
    """Runs that identify the law: 4 sizes, 4 budgets, 5 fractions, 3 widths, full precision."""
    rows = []

    def add(parameters, fp_tokens, qat_tokens, weight_bits):
        scatter = 1 + .002 * math.sin(12.9898 * (len(rows) + 1))
        rows.append({"parameters": parameters, "fp_tokens": fp_tokens, "qat_tokens": qat_tokens,
                     "weight_bits": weight_bits, "schedule": "classic" if qat_tokens else "fp",
                     "loss_nats": scatter * loss(parameters, fp_tokens, qat_tokens, weight_bits)})

    for parameters in (86e6, 194e6, 396e6, 759e6):
        for total in (4e9, 16e9, 64e9, 256e9):
            add(parameters, total, 0, 16)
            for fraction in (.1, .25, .4, .6, .8):
                qat_tokens = round(total * fraction)
                for weight_bits in (1, 2, 4):
                    add(parameters, total - qat_tokens, qat_tokens, weight_bits)
    return rows


def bundled_study():
    """The definition of the study that the quickstart loads, and its rows."""
    definition = json.loads((BUNDLED / "study.json").read_text(encoding="utf-8"))
    with open(BUNDLED / "experiments.csv", encoding="utf-8", newline="") as file:
        return definition, list(csv.DictReader(file))
