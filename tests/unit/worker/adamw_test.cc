#include "worker/engine/adamw.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bitbudget::worker {
namespace {

constexpr AdamWOptions kOptions;

TEST(AdamW, FollowsTheFormulaOverThreeSteps) {
  std::vector<float> parameters = {0.5F, -2.0F};
  std::vector<float> first(2);
  std::vector<float> second(2);
  double expected = 0.5;
  double m = 0;
  double v = 0;
  for (int count = 1; count <= 3; ++count) {
    const std::vector<float> gradients = {0.1F * static_cast<float>(count), 0};
    UpdateAdamW(kOptions,
                {.rate = 0.01, .norm = 0.5, .count = count, .decays = true},
                {.parameters = parameters,
                 .gradients = gradients,
                 .first_moments = first,
                 .second_moments = second});
    const double gradient = gradients[0];
    m = 0.9 * m + 0.1 * gradient;
    v = 0.99 * v + 0.01 * gradient * gradient;
    const double unbiased_m = m / (1 - std::pow(0.9, count));
    const double unbiased_v = v / (1 - std::pow(0.99, count));
    expected -= 0.01 * 0.1 * expected + 0.01 * unbiased_m / (std::sqrt(unbiased_v) + 1e-8);
  }
  // Three steps of a few roundings of 6e-8 each.
  EXPECT_NEAR(parameters[0], expected, 1e-6);
  EXPECT_NEAR(parameters[1], -2 * std::pow(1 - 0.001, 3), 1e-6);
}

TEST(AdamW, ClipsLongGradientsOnly) {
  const auto first_moment = [](double norm) {
    std::vector<float> parameters = {0};
    std::vector<float> first = {0};
    std::vector<float> second = {0};
    const std::vector<float> gradients = {2};
    UpdateAdamW(kOptions,
                {.rate = 0.01, .norm = norm, .count = 1, .decays = false},
                {.parameters = parameters,
                 .gradients = gradients,
                 .first_moments = first,
                 .second_moments = second});
    return first[0];
  };
  EXPECT_FLOAT_EQ(first_moment(4), 0.1F * 2 / 4);
  EXPECT_FLOAT_EQ(first_moment(0.5), 0.1F * 2);
}

TEST(Norm, IsTheLengthAndShowsWhatIsNotFinite) {
  EXPECT_DOUBLE_EQ(Norm(std::vector<float>{3, 4}), 5);
  EXPECT_DOUBLE_EQ(Norm(std::vector<float>(10000, 2)), 200);
  EXPECT_TRUE(std::isnan(Norm(std::vector<float>{1, std::nanf("")})));
  EXPECT_TRUE(std::isinf(Norm(std::vector<float>{1, std::numeric_limits<float>::infinity()})));
}

}  // namespace
}  // namespace bitbudget::worker
