"""Forms of the loss that the report fits beside the law."""

import dataclasses
import unittest

import numpy as np

import loss_forms
import simulated
from loss_forms import LAW, Design, Points, term

# theta of LAW: coefficients as logs, then the exponents of each term.
TRUTH = np.array([-0.6, -1.0, 0.3, -0.7, 0.2, -1.3, 1.0, -0.6, 1.5, 0.4, 0.3,
                  -4.5, 0.5, 0.6, 1.2, 0.1])
HUBER_DELTA = 0.01


def with_losses(form, theta):
    """The simulated design with the losses of a form."""
    rows = simulated.design()
    widths = sorted({r.weight_bits for r in rows if r.qat_tokens})
    losses = np.exp(Design(form, Points.of(rows), widths).log_loss(theta))
    return [dataclasses.replace(r, loss=float(loss)) for r, loss in zip(rows, losses)]


class LossForms(unittest.TestCase):
    def test_the_law_is_the_sum_of_its_terms(self):
        n, fp, qat, bits = 6e4, 3e6, 1e6, 2.0
        alpha, beta, zeta, theta, phi, lam = np.exp(TRUTH[[0, 1, 3, 5, 7, 11]])
        s_fp, s_qat = (tokens / (n * bits / 8) / 100 for tokens in (fp, qat))
        size = n / 1e5
        expected = (alpha + beta / ((fp + qat) / 4e6) ** TRUTH[2] + zeta / size ** TRUTH[4]
                    + theta * 2 ** (-TRUTH[6] * bits)
                    + phi * 2 ** (-TRUTH[8] * bits) / (size ** TRUTH[9] * s_qat ** TRUTH[10])
                    + lam * 2 ** (-TRUTH[12] * bits)
                    / (size ** TRUTH[13] * s_fp ** TRUTH[14] * s_qat ** TRUTH[15]))
        told = Design(LAW, Points([n], [fp], [qat], [bits]), [2.0]).log_loss(TRUTH)
        self.assertAlmostEqual(np.log(expected), told[0], places=12)

    def test_full_precision_runs_have_no_terms_of_quantization(self):
        alpha, beta, zeta = np.exp(TRUTH[[0, 1, 3]])
        told = Design(LAW, Points([1e5], [4e6], [0], [16]), [2.0]).log_loss(TRUTH)
        self.assertAlmostEqual(np.log(alpha + beta + zeta), told[0], places=12)

    def test_the_gradient_is_that_of_the_differences(self):
        form = {**LAW, "qat": term("2^-B", "1/N", "1/S_qat", each_width="1/S_qat")}
        design = Design(form, Points.of(simulated.design()), list(simulated.WIDTHS))
        theta = np.random.default_rng(1).uniform(0.1, 0.6, design.parameter_count)
        step = 1e-6
        for parameter, slope in enumerate(design.gradient(theta).T):
            move = step * np.eye(len(theta))[parameter]
            difference = design.log_loss(theta + move) - design.log_loss(theta - move)
            # Truncation is of the order of step^2, rounding of 1e-16 / step.
            np.testing.assert_allclose(slope, difference / (2 * step), atol=1e-8)

    def test_the_fit_finds_the_law_behind_runs_without_noise(self):
        fitted = loss_forms.fit(LAW, with_losses(LAW, TRUTH), HUBER_DELTA)
        self.assertLess(fitted.objective, 1e-8)

    def test_the_fit_finds_the_powers_of_a_floor_that_grows(self):
        form = {**LAW, "bits_floor": term("2^-B", "D", "1/N")}
        theta = np.insert(TRUTH, 7, [0.4, 0.35])
        fitted = loss_forms.fit(form, with_losses(form, theta), HUBER_DELTA)
        self.assertLess(fitted.objective, 1e-8)
        self.assertAlmostEqual(0.4, fitted.exponent("bits_floor", "D"), places=2)
        self.assertAlmostEqual(0.35, fitted.exponent("bits_floor", "1/N"), places=2)

    def test_the_law_cannot_follow_a_floor_that_grows(self):
        form = {**LAW, "bits_floor": term("2^-B", "D", "1/N")}
        rows = with_losses(form, np.insert(TRUTH, 7, [0.4, 0.35]))
        self.assertGreater(loss_forms.fit(LAW, rows, HUBER_DELTA).objective, 1e-4)

    def test_an_exponent_of_each_width_is_one_parameter_a_width(self):
        form = {**LAW, "qat": term("2^-B", "1/N", "1/S_qat", each_width="1/S_qat")}
        design = Design(form, Points.of(simulated.design()), list(simulated.WIDTHS))
        self.assertEqual(len(TRUTH) + len(simulated.WIDTHS) - 1, design.parameter_count)


if __name__ == "__main__":
    unittest.main()
