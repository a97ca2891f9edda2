"""Noise of runs, from replicates."""

import unittest

import numpy as np

import runs
import simulated


def replicated(curve_deviation, run_deviation, cells=200, seeds=3):
    """Runs with a known offset of each seed's curve and noise of each run about it."""
    random = np.random.default_rng(1)
    made = []
    for cell in range(cells):
        for seed in range(seeds):
            offset = curve_deviation * random.standard_normal()
            for f in simulated.FRACTIONS:
                loss = 1.5 + offset + run_deviation * random.standard_normal()
                made.append(simulated.run(20_000 + cell, 1e6 * (1 - f), 1e6 * f, 2, loss, seed))
    return made


class Noise(unittest.TestCase):
    def test_curve_and_run_are_told_apart(self):
        noise = runs.noise(replicated(0.007, 0.002))
        # Standard errors of 400 and 1,600 degrees of freedom, four of them.
        self.assertAlmostEqual(0.007, noise.curve, delta=4 * 0.007 / np.sqrt(2 * 400))
        self.assertAlmostEqual(0.002, noise.run, delta=4 * 0.002 / np.sqrt(2 * 1600))
        self.assertEqual(200 * 2 * (len(simulated.FRACTIONS) - 1), noise.degrees_of_freedom)

    def test_without_a_curve_effect_none_is_found(self):
        self.assertLess(runs.noise(replicated(0, 0.002)).curve, 0.0005)

    def test_one_seed_tells_no_noise(self):
        self.assertIsNone(runs.noise(replicated(0.007, 0.002, seeds=1)))


if __name__ == "__main__":
    unittest.main()
