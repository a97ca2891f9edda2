"""The scripts are sound before they run."""

import os
import shutil
import subprocess
import unittest

import repository

SOURCED = {"scripts/common.sh"}


def scripts():
    return [str(p) for p in repository.files(".sh")] + [".ci/run"]


def run(*command):
    return subprocess.run(command, cwd=repository.ROOT, capture_output=True, text=True, check=False)


class Scripts(repository.RepositoryTest):
    def test_the_two_commands_exist(self):
        self.assertLessEqual({"scripts/quickstart.sh", "scripts/test.sh"}, set(scripts()))

    def test_bash_can_read_them(self):
        for script in scripts():
            with self.subTest(script=script):
                result = run("bash", "-n", script)
                self.assertEqual((0, ""), (result.returncode, result.stderr))

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_shellcheck_has_no_complaint(self):
        result = run("shellcheck", "--external-sources", "--source-path=SCRIPTDIR", *scripts())
        self.assertEqual((0, ""), (result.returncode, result.stdout))

    def test_those_that_are_run_can_be_and_stop_at_the_first_error(self):
        for script in set(scripts()) - SOURCED:
            with self.subTest(script=script):
                self.assertTrue(os.access(repository.ROOT / script, os.X_OK))
                if script != ".ci/run":
                    self.assertIn("\nset -euo pipefail\n", repository.text(script))

    def test_continuous_integration_runs_the_tests_and_nothing_else(self):
        commands = [line for _, line in repository.lines(".ci/run") if not line.startswith("#")]
        self.assertEqual(['exec "$(dirname "$0")/../scripts/test.sh"'], commands)


if __name__ == "__main__":
    unittest.main()
