#include "worker/quantize/quantizer.h"

#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <span>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "worker/quantize/quantized_weights.h"

namespace bitbudget::worker {
namespace {

using testing::ElementsAre;
using testing::Pointwise;

std::unique_ptr<const Quantizer<double>> Make(double bits) { return *MakeQuantizer<double>(bits); }

std::vector<double> Quantized(double bits, const std::vector<double>& weights, double scale) {
  std::vector<double> values(weights.size());
  Make(bits)->Quantize(weights, scale, values);
  return values;
}

struct Gradients {
  std::vector<double> weights;
  double log_scale;
};

Gradients Backward(double bits,
                   const std::vector<double>& weights,
                   double scale,
                   std::vector<double> upstream) {
  const double log_scale = Make(bits)->Backward(weights, scale, upstream);
  return {.weights = upstream, .log_scale = log_scale};
}

TEST(Lsq, RoundsToWholeStepsAndClampsToItsRange) {
  // 3 bits: -4 to 3 steps; halves go to the even step.
  EXPECT_THAT(Quantized(3, {-9, -4.2, -1.6, 0.4, 0.5, 1.5, 2.6, 3.4, 9}, 1),
              ElementsAre(-4, -4, -2, 0, 0, 2, 3, 3, 3));
  EXPECT_THAT(Quantized(4, {-9, 9}, 0.5), ElementsAre(-4, 3.5));
  EXPECT_THAT(Quantized(8, {-9, 9}, 0.03125), ElementsAre(-4, 3.96875));
}

TEST(Lsq, PassesGradientsInsideItsRangeOnly) {
  const Gradients gradients = Backward(3, {-9, 0.8, 9}, 2, {10, 20, 30});
  EXPECT_THAT(gradients.weights, ElementsAre(0, 20, 0));
  // s * (10 * -4 + 20 * (round(.4) - .4) + 30 * 3)
  EXPECT_DOUBLE_EQ(gradients.log_scale, 2 * (-40 - 8 + 90));
}

TEST(StretchedElastic, HasThreeBalancedLevelsAtTernary) {
  // Levels -2/3, 0, 2/3 of the scale; thresholds at a third.
  const double level = 2.0 / 3;
  EXPECT_THAT(Quantized(1.58, {-5, -0.34, -0.32, 0, 0.32, 0.34, 5}, 1),
              Pointwise(testing::DoubleEq(), {-level, -level, 0.0, 0.0, 0.0, level, level}));
}

TEST(StretchedElastic, HasFourBalancedLevelsAtTwoBits) {
  EXPECT_THAT(Quantized(2, {-5, -0.51, -0.49, -0.01, 0.01, 0.49, 0.51, 5}, 1),
              ElementsAre(-0.75, -0.75, -0.25, -0.25, 0.25, 0.25, 0.75, 0.75));
  EXPECT_THAT(Quantized(2, {-5, 5}, 4), ElementsAre(-3, 3));
}

TEST(StretchedElastic, PassesGradientsWithinTheClipOnly) {
  const Gradients gradients = Backward(2, {-5, 0.6, 2.5}, 2, {10, 20, 30});
  EXPECT_THAT(gradients.weights, ElementsAre(0, 20, 0));
  // s * (10 * -.75 + 20 * (.25 - .3) + 30 * .75)
  EXPECT_DOUBLE_EQ(gradients.log_scale, 2 * (-7.5 - 1 + 22.5));
}

TEST(ElasticBinary, KeepsTheSign) {
  EXPECT_THAT(Quantized(1, {-5, -0.1, 0, 0.1, 5}, 0.5), ElementsAre(-0.5, -0.5, 0.5, 0.5, 0.5));
}

TEST(ElasticBinary, PassesGradientsWithinOneScaleOnly) {
  const Gradients gradients = Backward(1, {-5, -0.1, 0.2}, 0.5, {10, 20, 30});
  EXPECT_THAT(gradients.weights, ElementsAre(0, 20, 30));
  EXPECT_DOUBLE_EQ(gradients.log_scale, 0.5 * (-10 - 20 + 30));
}

TEST(ElasticBinary, StartsAtTheMeanMagnitude) {
  const std::vector<double> weights = {-1, 2, -3, 6};
  EXPECT_DOUBLE_EQ(Make(1)->BestScale(weights), 3);
}

class AnyQuantizer : public testing::TestWithParam<double> {
 protected:
  std::vector<double> RandomWeights(int count) {
    std::normal_distribution<double> normal(0, 0.2);
    std::vector<double> weights(count);
    for (double& weight : weights) weight = normal(random_);
    return weights;
  }

  std::mt19937_64 random_{5};
};

// With the rounding held at (w0, s0) the value is a smooth function: w + s d
// inside, with d = value / s - w / s at (w0, s0), and s times the level outside.
// Binary values are s times the sign for the scale, w + const for the weight.
TEST_P(AnyQuantizer, SurrogateGradientIsThatOfTheFunctionWithCodesHeld) {
  const double bits = GetParam();
  const double scale = bits == 1 ? 0.15 : 0.4 / std::exp2(bits - 1);
  const std::vector<double> weights = RandomWeights(200);
  const std::vector<double> upstream = RandomWeights(200);
  const std::vector<double> values = Quantized(bits, weights, scale);
  const Gradients gradients = Backward(bits, weights, scale, upstream);

  const double high = bits >= 3 ? std::exp2(bits - 1) - 1 : bits == 1 ? 1 : 0.99;
  const double low = bits >= 3 ? -std::exp2(bits - 1) : -high;
  const auto held = [&](size_t i, double weight, double log_scale) {
    const double s = std::exp(log_scale);
    const double x = weights[i] / scale;
    const double level = values[i] / scale;
    const bool inside = x >= low && x <= high;
    return inside ? weight + s * (level - x) : s * level;
  };
  const double step = 1e-6;
  double scale_slope = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double log_scale = std::log(scale);
    const double weight_slope =
        (held(i, weights[i] + step, log_scale) - held(i, weights[i] - step, log_scale)) /
        (2 * step);
    // Central differences of a linear function: rounding of 1e-16 / 1e-6.
    EXPECT_NEAR(gradients.weights[i], upstream[i] * weight_slope, 1e-9) << weights[i];
    const double along_scale =
        bits == 1
            ? values[i]
            : (held(i, weights[i], log_scale + step) - held(i, weights[i], log_scale - step)) /
                  (2 * step);
    scale_slope += upstream[i] * along_scale;
  }
  EXPECT_NEAR(gradients.log_scale, scale_slope, 1e-8);
}

TEST_P(AnyQuantizer, BestScaleBeatsAllOthersOfAFineGrid) {
  const auto quantizer = Make(GetParam());
  const std::vector<double> weights = RandomWeights(64);
  const auto error = [&](double scale) {
    double total = 0;
    const std::vector<double> values = Quantized(GetParam(), weights, scale);
    for (size_t i = 0; i < weights.size(); ++i) {
      total += (values[i] - weights[i]) * (values[i] - weights[i]);
    }
    return total;
  };
  const double found = quantizer->BestScale(weights);
  double best = std::numeric_limits<double>::infinity();
  for (double scale = found / 8; scale < found * 8; scale *= 1.002) {
    best = std::min(best, error(scale));
  }
  // The search's steps are 1/128 of the covering scale, so at most 1/52 off the
  // optimum, by which the clipping error moves less than twice that.
  EXPECT_LE(error(found), (1 + 2.0 / 52) * best);
}

TEST_P(AnyQuantizer, AGroupOfZerosHasAPositiveScale) {
  const std::vector<double> zeros(16);
  EXPECT_GT(Make(GetParam())->BestScale(zeros), 0);
}

TEST_P(AnyQuantizer, FloatsAndDoublesAgreeOnCodes) {
  const std::vector<double> weights = RandomWeights(256);
  const std::vector<float> narrow(weights.begin(), weights.end());
  std::vector<float> values(256);
  (*MakeQuantizer<float>(GetParam()))->Quantize(narrow, 0.0625F, values);
  const std::vector<double> wide(narrow.begin(), narrow.end());
  const std::vector<double> expected = Quantized(GetParam(), wide, 0.0625);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-6) << i;
}

INSTANTIATE_TEST_SUITE_P(Bits, AnyQuantizer, testing::Values(1, 1.58, 2, 3, 4, 5, 8));

TEST(MakeQuantizer, RefusesWidthsThatNoneHas) {
  for (const double bits : {0.0, 1.5, 2.5, 3.5, 9.0, 16.0, -1.0, std::nan("")}) {
    EXPECT_EQ(MakeQuantizer<float>(bits).status().code(), absl::StatusCode::kInvalidArgument)
        << bits;
  }
}

const ParameterLayout& SmallLayout() {
  static const auto* const layout = new ParameterLayout(
      {.vocabulary = 10, .width = 32, .layers = 1, .hidden = 48, .context = 16});
  return *layout;
}

TEST(QuantizedWeights, OneScaleAMatrixARowOrAGroup) {
  const auto count = [](Quantization quantization) {
    quantization.bits = 2;
    return QuantizedWeights<float>::Create(SmallLayout(), quantization)->scale_count();
  };
  EXPECT_EQ(count({.granularity = Granularity::kTensor}), 4);
  EXPECT_EQ(count({.granularity = Granularity::kRow}), 96 + 32 + 48 + 32);
  EXPECT_EQ(count({.granularity = Granularity::kGroup, .group_size = 16}),
            2 * (96 + 32 + 48) + 3 * 32);
  EXPECT_EQ(count({.granularity = Granularity::kRow, .embeddings = EmbeddingBits::kAtLeastFour}),
            10 + 96 + 32 + 48 + 32);
}

TEST(QuantizedWeights, RefusesAGroupThatDoesNotDivideARow) {
  const auto result = QuantizedWeights<float>::Create(
      SmallLayout(), {.bits = 2, .granularity = Granularity::kGroup, .group_size = 24});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(result.status().message(),
            "quantization.group_size: 24 does not divide the 32 columns of "
            "layers.0.attention.qkv");
}

TEST(QuantizedWeights, EmbeddingsKeepAtLeastFourBitsAndGainsAreNotTouched) {
  const ParameterLayout& layout = SmallLayout();
  const auto weights = *QuantizedWeights<float>::Create(
      layout, {.bits = 1, .embeddings = EmbeddingBits::kAtLeastFour});
  Buffer<float> parameters(layout.size());
  std::mt19937_64 random(3);
  std::normal_distribution<float> normal;
  for (float& parameter : parameters) parameter = normal(random);
  std::vector<float> log_scales(weights.scale_count());
  weights.InitializeScales(parameters.data(), log_scales.data());
  Buffer<float> values(layout.size());
  weights.Quantize(parameters.data(), log_scales.data(), values.data());

  for (const Parameter& parameter : layout.parameters()) {
    const std::span row(values.data() + parameter.offset, parameter.columns);
    const std::set<float> levels(row.begin(), row.end());
    if (parameter.kind == ParameterKind::kGain) {
      EXPECT_TRUE(std::equal(row.begin(), row.end(), parameters.data() + parameter.offset));
    } else if (parameter.kind == ParameterKind::kEmbedding) {
      EXPECT_GT(levels.size(), 4U);
      EXPECT_LE(levels.size(), 16U);
    } else {
      EXPECT_EQ(levels.size(), 2U) << parameter.name;
    }
  }
}

}  // namespace
}  // namespace bitbudget::worker
