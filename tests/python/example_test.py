"""The example runs as it stands, also twice."""

import runpy
import unittest
from contextlib import redirect_stdout
from io import StringIO
from unittest import mock

import service

EXAMPLE = service.ROOT / "client" / "python" / "examples" / "plan_a_run.py"


class Example(service.ServiceTest):
    def run_example(self):
        output = StringIO()
        with mock.patch.dict("os.environ", {"BITBUDGET_SERVER": self.server.address}):
            with redirect_stdout(output):
                runpy.run_path(str(EXAMPLE))
        return output.getvalue()

    def test_it_plans_a_run_from_the_bundled_study(self):
        try:
            import pandas  # noqa: F401
        except ImportError:
            self.skipTest("python3-pandas is not installed")
        first, second = self.run_example(), self.run_example()
        self.assertTrue(first.startswith("761 stored, 0 there already\n"), first)
        self.assertTrue(second.startswith("0 stored, 761 there already\n"), second)
        for line in ("compute_optimal_qat (no_irreducible), 581 runs, R squared 0.961",
                     "inside the data", "Train ", "refused: fp_tokens: is 0"):
            self.assertIn(line, first)
        self.assertEqual(first.partition("\n")[2], second.partition("\n")[2])


if __name__ == "__main__":
    unittest.main()
