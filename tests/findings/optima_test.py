"""Optima read off measured losses."""

import unittest

import numpy as np

import optima
from optima import expit, logit

FRACTIONS = np.array([0.05, 0.12, 0.25, 0.45, 0.7])
CELL = (55_000, 4e6, 2.0)


def parabola(best):
    """Losses with their least at the fraction `best`."""
    return np.array([1.5 + 0.01 * (logit(f) - logit(best)) ** 2 for f in FRACTIONS])


def curve(losses, replicates=3):
    return {f: dict.fromkeys(range(replicates), loss) for f, loss in zip(FRACTIONS, losses)}


def measured(losses, noise=0.001):
    return optima.measure(CELL, curve(losses), noise, np.random.default_rng(1))


class Optima(unittest.TestCase):
    def test_logit_and_expit_undo_each_other(self):
        self.assertAlmostEqual(0.3, expit(logit(0.3)), places=15)

    def test_a_parabola_in_logit_is_found_exactly(self):
        fraction, loss, interior = optima.vertex(FRACTIONS, parabola(0.2))
        self.assertAlmostEqual(0.2, fraction, places=12)
        self.assertAlmostEqual(1.5, loss, places=12)
        self.assertTrue(interior)

    def test_the_least_loss_at_an_edge_is_no_interior_optimum(self):
        fraction, _, interior = optima.vertex(FRACTIONS, parabola(0.9))
        self.assertEqual(0.7, fraction)
        self.assertFalse(interior)

    def test_the_interval_holds_the_optimum_and_narrows_with_the_noise(self):
        wide, narrow = measured(parabola(0.2), 0.003), measured(parabola(0.2), 0.0003)
        for found in (wide, narrow):
            self.assertTrue(found.lower < 0.2 < found.upper)
        self.assertLess(narrow.upper - narrow.lower, wide.upper - wide.lower)

    def test_an_optimum_stands_out_if_both_ends_are_worse_beyond_noise(self):
        self.assertTrue(measured(parabola(0.2), 0.0003).stands_out)
        self.assertFalse(measured(parabola(0.2), 0.03).stands_out)
        self.assertFalse(measured(parabola(0.9), 0.0003).stands_out)

    def test_two_fractions_tell_no_optimum(self):
        two = {f: {0: 1.5} for f in FRACTIONS[:2]}
        self.assertIsNone(optima.measure(CELL, two, 0.001, np.random.default_rng(1)))

    def test_losses_between_fractions_are_linear_in_logit(self):
        by_fraction = curve(parabola(0.2))
        middle = expit((logit(0.12) + logit(0.25)) / 2)
        ends = [by_fraction[f][0] for f in (0.12, 0.25)]
        self.assertAlmostEqual(sum(ends) / 2, optima.loss_at(by_fraction, middle), places=12)
        self.assertIsNone(optima.loss_at(by_fraction, 0.8))


class Regression(unittest.TestCase):
    def test_slopes_of_an_exact_plane_are_found_without_error(self):
        cells = [(n, d, 2.0) for n in (2e4, 5e4, 1e5) for d in (1e6, 4e6, 16e6)]
        found = [
            optima.Optimum(c, expit(-2 + 0.3 * np.log(c[1] / 1e6) - 0.2 * np.log(c[0] / 1e4)),
                           0, 1, True, 1, 1.5, 0, 0.1, 3)
            for c in cells
        ]
        slopes = optima.regress(found, {"D": [np.log(c[1]) for c in cells],
                                        "N": [np.log(c[0]) for c in cells]})
        np.testing.assert_allclose(slopes.values[1:], [0.3, -0.2], atol=1e-10)
        self.assertLess(slopes.residual, 1e-10)


if __name__ == "__main__":
    unittest.main()
