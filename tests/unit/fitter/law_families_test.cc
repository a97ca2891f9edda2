// The families beside the QAT law: coefficients of a known truth are found again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fitter/derived.h"
#include "fitter/fit.h"
#include "tests/support/simulated_study.h"

namespace bitbudget::fitter {
namespace {

using ::testing::HasSubstr;

// The truths: coefficients of published laws, arXiv 2505.14302 (W4A16) and
// 2411.04330 in round numbers.
double ChenLoss(double n, double d, double k, double group_size) {
  const double error =
      k * std::pow(d, 0.161) * std::pow(std::log2(group_size), 0.3533) / std::pow(n, 0.3589);
  return 1.9279 + 237.7042 / std::pow(n, 0.3022) + 596.249 / std::pow(d, 0.3022) + error;
}

double EffectiveShare(double bits) { return bits == 16 ? 1 : 1 - std::exp(0.3 - bits / 2.67); }

double KumarLoss(double n, double d, double bits) {
  return 2.7648 + 4299 / std::pow(n * EffectiveShare(bits), 0.4965) + 18060 / std::pow(d, 0.4965);
}

constexpr double kSizes[] = {3e7, 6e7, 1.2e8, 2.5e8, 5e8};
constexpr double kBudgets[] = {1e9, 4e9, 1.6e10, 6.4e10};

// A study of the runs that tests add, with relative noise.
class Study {
 public:
  explicit Study(double noise) : noise_(noise) {}

  Observation& Add(double n, double d, double bits, double loss) {
    Observation row{.point = {.parameters = n,
                              .fp_tokens = bits < 16 ? 0 : d,
                              .qat_tokens = bits < 16 ? d : 0,
                              .weight_bits = bits},
                    .role = bits < 16 ? RunRole::kQatFromScratch : RunRole::kFullPrecision,
                    .loss_nats = loss * std::exp(noise_ * stream_.Normal())};
    data.rows.push_back(row);
    return data.rows.back();
  }

  Dataset data;

 private:
  double noise_;
  test_support::NormalStream stream_{1};
};

Study ChenStudy(double noise) {
  Study study(noise);
  for (const double n : kSizes) {
    for (const double d : kBudgets) {
      study.Add(n, d, 16, ChenLoss(n, d, 0, 32));
      for (const int group_size : {32, 64, 128, 256}) {
        const double loss = ChenLoss(n, d, 0.2522, group_size);
        study.Add(n, d, 4, loss).group_size = group_size;
      }
    }
  }
  return study;
}

FitOptions OptionsOf(const std::string& family) { return {.family = family}; }

double CoefficientOf(const FittedLaw& law, const std::string& name) {
  const int index = law.law.FindParameter(name).value();
  const double theta = law.theta[index];
  return law.law.parameters[index].is_log_coefficient ? std::exp(theta) : theta;
}

std::map<std::string, DerivedCoefficient> Derived(const FittedLaw& law) {
  std::map<std::string, DerivedCoefficient> result;
  for (DerivedCoefficient& c : DerivedCoefficients(law)) result[c.name] = c;
  return result;
}

TEST(UnifiedQatErrorTest, ExactDataGiveTheErrorLawBack) {
  const FitResult fit = FitLaw(ChenStudy(0).data, OptionsOf("unified_qat_error")).value();
  EXPECT_EQ(fit.variant, "full");
  EXPECT_NEAR(CoefficientOf(*fit.law, "gamma_N_4"), 0.3589, 1e-3);
  EXPECT_NEAR(CoefficientOf(*fit.law, "gamma_D_4"), 0.1610, 1e-3);
  EXPECT_NEAR(CoefficientOf(*fit.law, "gamma_G_4"), 0.3533, 1e-3);
  EXPECT_NEAR(CoefficientOf(*fit.law, "alpha"), 0.3022, 1e-3);
}

TEST(UnifiedQatErrorTest, RowsThatBeginInFullPrecisionAreLeftOut) {
  Study study = ChenStudy(0.001);
  Observation& row = study.Add(1e8, 1e9, 4, 3);
  row.role = RunRole::kFpThenQat;
  row.group_size = 32;
  const FitResult fit = FitLaw(study.data, OptionsOf("unified_qat_error")).value();
  EXPECT_EQ(fit.rows_left_out.at(LeaveOutReason::kRoleFpThenQat), 1);
}

TEST(UnifiedQatErrorTest, MixedActivationPrecisionsOfOneWidthAreRefused) {
  Study study = ChenStudy(0.001);
  study.data.rows.back().activation_bits = 4;
  const absl::Status status = FitLaw(study.data, OptionsOf("unified_qat_error")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("activations of 16 and 4 bits"));
}

TEST(UnifiedQatErrorTest, GroupSizesOfSomeRowsAloneAreRefused) {
  Study study = ChenStudy(0.001);
  study.data.rows.back().group_size = 0;
  const absl::Status status = FitLaw(study.data, OptionsOf("unified_qat_error")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("group_size"));
}

TEST(EffectiveParametersTest, EffectiveSharesAndPrecisionLawAreFoundWithinFourErrors) {
  Study study(0.002);
  for (const double n : kSizes) {
    for (const double d : kBudgets) {
      for (const double bits : {2.0, 3.0, 4.0, 6.0, 16.0}) {
        study.Add(n, d, bits, KumarLoss(n, d, bits));
        study.Add(n, d, bits, KumarLoss(n, d, bits));
      }
    }
  }
  const FitResult fit = FitLaw(study.data, OptionsOf("effective_parameters")).value();
  ASSERT_EQ(fit.variant, "full");
  const auto derived = Derived(*fit.law);
  for (const auto& [name, truth] : std::map<std::string, double>{{"eff_2", EffectiveShare(2)},
                                                                 {"eff_3", EffectiveShare(3)},
                                                                 {"eff_4", EffectiveShare(4)},
                                                                 {"n", 0.3},
                                                                 {"gamma", 2.67}}) {
    const DerivedCoefficient& found = derived.at(name);
    EXPECT_NEAR(found.value, truth, 4 * found.standard_error.value()) << name;
    EXPECT_LT(found.standard_error.value(), 0.2 * std::abs(truth)) << name;
  }
}

// Tokens of "fast" count twice: rho_D = 2.
TEST(OptimizerRescaledTest, TokenMultiplierOfAnOptimizerIsFoundWithinFourErrors) {
  Study study(0.002);
  study.data.labels = {"", "adamw", "fast"};
  for (const double n : kSizes) {
    for (const double d : kBudgets) {
      study.Add(n, d, 16, KumarLoss(n, d, 16)).optimizer = 1;
      study.Add(n, d, 16, KumarLoss(n, 2 * d, 16)).optimizer = 2;
    }
  }
  const FitResult fit = FitLaw(study.data, OptionsOf("optimizer_rescaled")).value();
  ASSERT_EQ(fit.variant, "full");
  const auto derived = Derived(*fit.law);
  const DerivedCoefficient& tokens = derived.at("rho_D_fast");
  EXPECT_NEAR(tokens.value, 2, 4 * tokens.standard_error.value());
  EXPECT_LT(tokens.standard_error.value(), 0.2);
  const DerivedCoefficient& parameters = derived.at("rho_N_fast");
  EXPECT_NEAR(parameters.value, 1, 4 * parameters.standard_error.value());
  EXPECT_EQ(fit.law->support.optimizers, (std::vector<std::string>{"adamw", "fast"}));
}

TEST(OptimizerRescaledTest, OneRatioOfTokensToParametersStandsOnTheModelTermAlone) {
  Study study(0.001);
  study.data.labels = {"", "adamw", "muon"};
  for (const double n : {3e7, 6e7, 1.2e8, 2.5e8, 5e8, 1e9, 2e9}) {
    for (int replicate = 0; replicate < 3; ++replicate) {
      study.Add(n, 20 * n, 16, 2 + 400 / std::pow(n, 0.35)).optimizer = 1;
      study.Add(n, 20 * n, 16, 2 + 400 / std::pow(0.85 * n, 0.35)).optimizer = 2;
    }
  }
  const FitResult fit = FitLaw(study.data, OptionsOf("optimizer_rescaled")).value();
  ASSERT_EQ(fit.variant, "model_only");
  const auto derived = Derived(*fit.law);
  const DerivedCoefficient& rho = derived.at("rho_N_muon");
  EXPECT_NEAR(rho.value, 0.85, 4 * rho.standard_error.value());
}

}  // namespace
}  // namespace bitbudget::fitter
