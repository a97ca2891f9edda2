// Fitted laws with known coefficients, for tests of the planner.

#ifndef BITBUDGET_TESTS_UNIT_PLANNER_TEST_LAWS_H_
#define BITBUDGET_TESTS_UNIT_PLANNER_TEST_LAWS_H_

#include <string_view>
#include <vector>

#include "fitter/fit.h"
#include "tests/support/truth.h"

namespace bitbudget::planner {

// The truth `name` of test_support::OwnTruths().
test_support::QatLawCoefficients OwnTruth(std::string_view name);

// A fit of the QAT law that found `coefficients` exactly, from the design of
// test_support::StudyDesign(). Everything is identified; no covariance.
fitter::FittedLaw FittedQatLaw(const test_support::QatLawCoefficients& coefficients,
                               std::string_view variant = "full");

// The Chinchilla law of arXiv 2505.14302, on the same support.
fitter::FittedLaw FittedChinchillaLaw();

// The per-bit rung at 2 and 4 bits, with support of these widths, and at 16 bits
// if told so.
fitter::FittedLaw FittedPerBitLaw(bool with_full_precision = false);

// A square root of a covariance, row-major lower triangle: standard errors of
// `scale` times 1 to 2, all parameters correlated.
std::vector<double> CovarianceRoot(int parameter_count, double scale);

// Sets law->covariance to root root^T.
void SetCovariance(const std::vector<double>& root, fitter::FittedLaw* law);

// With the covariance of CovarianceRoot(parameter_count, scale).
fitter::FittedLaw WithCovariance(fitter::FittedLaw law, double scale);

// With theta[parameter] set.
fitter::FittedLaw WithTheta(fitter::FittedLaw law, std::string_view parameter, double theta);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_TESTS_UNIT_PLANNER_TEST_LAWS_H_
