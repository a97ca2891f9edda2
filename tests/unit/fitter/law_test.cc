#include "fitter/law.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/support/truth.h"
#include "util/error.h"

namespace bitbudget::fitter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

constexpr double kWidths[] = {1, 2, 4, 16};

std::vector<Law> Ladder(std::string_view family) { return LawLadder(family, kWidths).value(); }

const RunPoint kQuantized = {
    .parameters = 3e8, .fp_tokens = 4e9, .qat_tokens = 1e9, .weight_bits = 4};
const RunPoint kFullPrecision = {.parameters = 3e8, .fp_tokens = 5e9, .weight_bits = 16};

// Any point inside the bounds at which no term is lost beside another.
std::vector<double> SomeTheta(const Law& law) {
  std::vector<double> theta;
  for (int j = 0; j < law.parameter_count(); ++j) {
    theta.push_back(law.parameters[j].is_log_coefficient ? -0.3 - 0.1 * j : 0.2 + 0.05 * j);
  }
  return theta;
}

std::vector<double> ThetaOf(const Law& law, const test_support::QatLawCoefficients& c) {
  const double values[] = {c.alpha,
                           c.beta,
                           c.gamma,
                           c.zeta,
                           c.eta,
                           c.theta,
                           c.kappa,
                           c.phi,
                           c.chi,
                           c.psi,
                           c.omega,
                           c.lambda,
                           c.mu,
                           c.nu,
                           c.xi,
                           c.rho};
  std::vector<double> theta;
  for (int j = 0; j < law.parameter_count(); ++j) {
    theta.push_back(law.parameters[j].is_log_coefficient ? std::log(values[j]) : values[j]);
  }
  return theta;
}

TEST(LawTest, FullQatLawHasTheSixteenParametersOfThePaperInItsOrder) {
  std::vector<std::string> names;
  const Law law = Ladder("compute_optimal_qat")[0];
  for (const Parameter& parameter : law.parameters) {
    names.push_back(parameter.name);
  }
  EXPECT_THAT(names,
              ElementsAre("alpha",
                          "beta",
                          "gamma",
                          "zeta",
                          "eta",
                          "theta",
                          "kappa",
                          "phi",
                          "chi",
                          "psi",
                          "omega",
                          "lambda",
                          "mu",
                          "nu",
                          "xi",
                          "rho"));
}

TEST(LawTest, LadderGoesFromTheRichestRungDown) {
  std::vector<std::string> variants;
  std::vector<int> counts;
  for (const Law& law : Ladder("compute_optimal_qat")) {
    variants.push_back(law.variant);
    counts.push_back(law.parameter_count());
  }
  EXPECT_THAT(variants,
              ElementsAre("full",
                          "shared_bit_decay",
                          "bit_free_interaction",
                          "no_irreducible",
                          "no_floors",
                          "per_bit_chinchilla"));
  // The last has floor, data and model term for each of 4 widths, 2 exponents.
  EXPECT_THAT(counts, ElementsAre(16, 15, 15, 14, 13, 14));
}

TEST(LawTest, LossIsThatOfTheFormulaWrittenOut) {
  const Law law = Ladder("compute_optimal_qat")[0];
  for (const test_support::Truth& truth : test_support::OwnTruths()) {
    const std::vector<double> theta = ThetaOf(law, truth.coefficients);
    for (const RunPoint& run : {kQuantized, kFullPrecision}) {
      const double loss = test_support::TrueLoss(truth.coefficients, run);
      EXPECT_NEAR(std::exp(LogLoss(law, theta, run)), loss, 1e-13 * loss) << truth.name;
    }
  }
}

TEST(LawTest, TermsAddUpToTheLoss) {
  for (const Law& law : Ladder("compute_optimal_qat")) {
    const std::vector<double> theta = SomeTheta(law);
    const std::vector<double> terms = TermLosses(law, theta, kQuantized);
    EXPECT_NEAR(std::log(std::accumulate(terms.begin(), terms.end(), 0.0)),
                LogLoss(law, theta, kQuantized),
                1e-13)
        << law.variant;
  }
}

TEST(LawTest, FullPrecisionRunsHaveNoQuantizedTerms) {
  const Law law = Ladder("compute_optimal_qat")[0];
  const std::vector<double> terms = TermLosses(law, SomeTheta(law), kFullPrecision);
  for (std::size_t k = 0; k < terms.size(); ++k) {
    EXPECT_EQ(terms[k] == 0, law.terms[k].quantized_only) << law.terms[k].name;
  }
}

TEST(LawTest, PerBitTermsArePresentAtTheirWidthAlone) {
  const Law law = Ladder("compute_optimal_qat").back();
  const std::vector<double> terms = TermLosses(law, SomeTheta(law), kQuantized);
  for (std::size_t k = 0; k < terms.size(); ++k) {
    EXPECT_EQ(terms[k] > 0, law.terms[k].only_weight_bits == kQuantized.weight_bits);
  }
}

TEST(LawTest, SharedBitDecayIsTheFullLawWithEqualDecays) {
  const std::vector<Law> ladder = Ladder("compute_optimal_qat");
  const Law& full = ladder[0];
  const Law& shared = ladder[1];
  std::vector<double> theta = SomeTheta(full);
  theta[*full.FindParameter("mu")] = theta[*full.FindParameter("chi")];
  std::vector<double> shared_theta;
  for (const Parameter& parameter : shared.parameters) {
    shared_theta.push_back(theta[*full.FindParameter(parameter.name)]);
  }
  EXPECT_NEAR(LogLoss(shared, shared_theta, kQuantized), LogLoss(full, theta, kQuantized), 1e-14);
}

TEST(LawTest, BitFreeInteractionIsTheFullLawWithoutItsDecay) {
  const std::vector<Law> ladder = Ladder("compute_optimal_qat");
  const Law& full = ladder[0];
  const Law& bit_free = ladder[2];
  std::vector<double> theta = SomeTheta(full);
  theta[*full.FindParameter("mu")] = 0;
  std::vector<double> bit_free_theta;
  for (const Parameter& parameter : bit_free.parameters) {
    bit_free_theta.push_back(theta[*full.FindParameter(parameter.name)]);
  }
  EXPECT_NEAR(
      LogLoss(bit_free, bit_free_theta, kQuantized), LogLoss(full, theta, kQuantized), 1e-14);
}

TEST(LawTest, ChinchillaLossIsStatedInRawUnits) {
  const Law law = Ladder("chinchilla")[0];
  const std::vector<double> theta = {
      std::log(1.8172), std::log(477.83), 0.3473, std::log(2143.42), 0.3672};
  const double n = 70e9;
  const double d = 1.4e12;
  const double loss = 1.8172 + 477.83 / std::pow(n, 0.3473) + 2143.42 / std::pow(d, 0.3672);
  const RunPoint run = {.parameters = n, .fp_tokens = d, .weight_bits = 16};
  EXPECT_NEAR(std::exp(LogLoss(law, theta, run)), loss, 1e-13 * loss);
}

// Central differences of a smooth function of order 1: h = 1e-5 leaves an error of
// h^2 = 1e-10 by curvature and 1e-16 / h = 1e-11 by rounding. In raw units the
// function is one of 25 times the parameter, since features reach ln 1e11 = 25.
TEST(LawTest, GradientAgreesWithFiniteDifferencesOnEveryRung) {
  for (const std::string_view family : LawFamilies()) {
    for (const Law& law : Ladder(family)) {
      const std::vector<double> theta = SomeTheta(law);
      const double scale = law.reference.parameters == 1 ? 25 : 1;
      for (const RunPoint& run : {kQuantized, kFullPrecision}) {
        std::vector<double> gradient;
        LogLoss(law, theta, run, &gradient);
        for (int j = 0; j < law.parameter_count(); ++j) {
          const double step = 1e-5 / scale;
          std::vector<double> above = theta;
          std::vector<double> below = theta;
          above[j] += step;
          below[j] -= step;
          const double slope = (LogLoss(law, above, run) - LogLoss(law, below, run)) / (2 * step);
          EXPECT_NEAR(gradient[j], slope, 1e-8 * scale)
              << law.variant << " " << law.parameters[j].name;
        }
      }
    }
  }
}

TEST(LawTest, QatLawDescribesTwoPhasesAndFullPrecisionAlone) {
  const Law law = Ladder("compute_optimal_qat")[0];
  const auto outside = [&](RunRole role) {
    return OutsideDomain(law, {.point = kQuantized, .role = role, .loss_nats = 2});
  };
  EXPECT_EQ(outside(RunRole::kFullPrecision), std::nullopt);
  EXPECT_EQ(outside(RunRole::kFpThenQat), std::nullopt);
  EXPECT_THAT(outside(RunRole::kControl), Optional(LeaveOutReason::kRoleControl));
  EXPECT_THAT(outside(RunRole::kQatFromScratch), Optional(LeaveOutReason::kRoleQatFromScratch));
  EXPECT_THAT(outside(RunRole::kPostTraining), Optional(LeaveOutReason::kRolePostTraining));
}

TEST(LawTest, ChinchillaDescribesFullPrecisionAlone) {
  const Observation row = {.point = kQuantized, .role = RunRole::kFpThenQat, .loss_nats = 2};
  EXPECT_THAT(OutsideDomain(Ladder("chinchilla")[0], row),
              Optional(LeaveOutReason::kRoleFpThenQat));
}

TEST(LawTest, QuantizedActivationsAreOutsideEveryLaw) {
  const Observation row = {.point = kFullPrecision, .activation_bits = 8, .loss_nats = 2};
  for (const std::string_view family : LawFamilies()) {
    EXPECT_THAT(OutsideDomain(Ladder(family)[0], row),
                Optional(LeaveOutReason::kQuantizedActivations));
  }
}

TEST(LawTest, UnknownFamilyIsRefusedNamingTheKnownOnes) {
  const absl::Status status = LawLadder("linear", kWidths).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("compute_optimal_qat, chinchilla"));
}

}  // namespace
}  // namespace bitbudget::fitter
