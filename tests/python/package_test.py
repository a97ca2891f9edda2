"""The package as it is installed, and as type checkers see it."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import bitbudget
import service

SOURCE = service.ROOT / "client" / "python"


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


class Package(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    @unittest.skipUnless(importlib.util.find_spec("pip") and importlib.util.find_spec("ensurepip"),
                         "python3-pip or python3-venv is not installed")
    def test_it_is_installed_from_the_checkout_without_a_network(self):
        # From a copy: what a build leaves behind does not belong into a checkout under test.
        for part in ("client/python", "proto"):
            shutil.copytree(service.ROOT / part, self.folder / part,
                            ignore=shutil.ignore_patterns("build"))
        venv = run(sys.executable, "-m", "venv", "--system-site-packages", self.folder / "venv")
        self.assertEqual(0, venv.returncode, venv.stdout + venv.stderr)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        python = self.folder / "venv" / "bin" / "python"
        pip = run(python, "-m", "pip", "install", "--no-index", "--no-build-isolation",
                  self.folder / "client" / "python", env=environment)
        self.assertEqual(0, pip.returncode, pip.stdout + pip.stderr)
        program = ("import bitbudget; print(bitbudget.__file__, "
                   "bitbudget.Client('127.0.0.1:1'), bitbudget.Study(name='studies/s'))")
        used = run(python, "-c", program, env=environment, cwd=self.folder)
        self.assertEqual("", used.stderr)
        self.assertIn(str(self.folder / "venv"), used.stdout)
        self.assertIn("bitbudget.Client('127.0.0.1:1')", used.stdout)
        left = {path.name for path in (self.folder / "client" / "python").iterdir()}
        written = {"build", "__pycache__"}
        self.assertEqual(set(), left - {path.name for path in SOURCE.iterdir()} - written)

    def test_a_checkout_that_is_not_whole_says_how_to_make_it_so(self):
        used = run(sys.executable, "-B", "-c", "import bitbudget", cwd=SOURCE)
        self.assertIn("ImportError: this copy of bitbudget lacks the modules generated",
                      used.stderr)
        self.assertIn("client/python/generate.py build/python", used.stderr)

    @unittest.skipUnless(importlib.util.find_spec("mypy"), "mypy is not installed")
    def test_it_is_typed_for_those_who_write_and_for_those_who_use_it(self):
        use = self.folder / "use.py"
        use.write_text(
            "import bitbudget\n"
            "with bitbudget.Client() as client:\n"
            "    answer = client.predict_loss('s', parameters=1e9, fp_tokens=1e9,\n"
            "                                 weight_bits=16)\n"
            "    loss = answer.loss_nats\n"
            "    assert loss is not None\n"
            "    value: float = loss.value\n"
            "    runs: list[bitbudget.Experiment] = client.list_experiments('s')\n"
            "    wrong: float = answer.perplexity\n", encoding="utf-8")
        package = pathlib.Path(bitbudget.__file__).parent.parent
        checked = run(sys.executable, "-m", "mypy", "--config-file", SOURCE / "pyproject.toml",
                      "--cache-dir", self.folder / "cache", "-p", "bitbudget",
                      cwd=package)
        self.assertEqual(("", 0), (checked.stderr, checked.returncode), checked.stdout)
        used = run(sys.executable, "-m", "mypy", "--strict", "--cache-dir",
                   self.folder / "cache2", use, env=os.environ | {"MYPYPATH": str(package)})
        self.assertRegex(used.stdout, r"use.py:9: error: Incompatible types.*Estimate")
        self.assertIn("Found 1 error", used.stdout)


if __name__ == "__main__":
    unittest.main()
