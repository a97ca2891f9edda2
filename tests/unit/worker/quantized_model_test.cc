// The whole way through quantizers and model, against autograd.

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/worker/torch_twin.h"
#include "worker/engine/model.h"
#include "worker/quantize/quantized_weights.h"

namespace bitbudget::worker {
namespace {

constexpr int kSequences = 2;

const ParameterLayout& Layout() {
  static const auto* const layout = new ParameterLayout(
      {.vocabulary = 32, .width = 32, .layers = 2, .hidden = 64, .context = 32});
  return *layout;
}

struct Batch {
  std::vector<double> parameters;
  std::vector<uint8_t> tokens;
};

Batch RandomBatch() {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal(0, 0.2);
  Batch batch;
  batch.parameters.resize(Layout().size());
  for (const Parameter& parameter : Layout().parameters()) {
    const double center = parameter.kind == ParameterKind::kGain ? 1 : 0;
    for (int64_t i = 0; i < parameter.size(); ++i) {
      batch.parameters[parameter.offset + i] = static_cast<float>(center + normal(random));
    }
  }
  batch.tokens.resize(kSequences * (Layout().shape().context + 1));
  for (uint8_t& token : batch.tokens) token = random() % Layout().shape().vocabulary;
  return batch;
}

// What training computes, in either precision.
template <class T>
struct Computation {
  std::vector<T> values;
  std::vector<T> gradients;
  std::vector<T> log_scale_gradients;
};

template <class T>
Computation<T> Compute(const Batch& batch, double bits, const std::vector<double>& log_scales) {
  const auto weights = *QuantizedWeights<T>::Create(Layout(), {.bits = bits});
  const std::vector<T> parameters(batch.parameters.begin(), batch.parameters.end());
  const std::vector<T> scales(log_scales.begin(), log_scales.end());
  Computation<T> result;
  result.values.resize(Layout().size());
  result.gradients.resize(Layout().size());
  result.log_scale_gradients.resize(weights.scale_count());
  weights.Quantize(parameters.data(), scales.data(), result.values.data());
  Model<T> model(Layout(), kSequences);
  model.Forward(result.values.data(), batch.tokens);
  model.Backward(result.values.data(), result.gradients.data());
  weights.Backward(
      parameters.data(), scales.data(), result.gradients.data(), result.log_scale_gradients.data());
  return result;
}

std::vector<double> StartScales(const Batch& batch, double bits) {
  const auto weights = *QuantizedWeights<double>::Create(Layout(), {.bits = bits});
  std::vector<double> log_scales(weights.scale_count());
  weights.InitializeScales(batch.parameters.data(), log_scales.data());
  // Floats hold them exactly; and away from the best scale, at which a group's
  // largest weight may lie on the very edge of the range, on either side of it.
  for (double& log_scale : log_scales) log_scale = static_cast<float>(log_scale + 0.01);
  return log_scales;
}

template <class A, class B>
double RelativeDistance(const std::vector<A>& a, const std::vector<B>& b) {
  double difference = 0;
  double length = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    length += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / length);
}

class QuantizedModel : public testing::TestWithParam<double> {};

// The gradient at the quantized weights comes from autograd, the way back through
// the quantizer from its own tests.
TEST_P(QuantizedModel, GradientsAgreeWithAutogradInDoublePrecision) {
  const Batch batch = RandomBatch();
  const std::vector<double> log_scales = StartScales(batch, GetParam());
  const auto ours = Compute<double>(batch, GetParam(), log_scales);

  const LossAndGradient twin = TorchTwin(Layout(), ours.values, batch.tokens, kSequences);
  const auto weights = *QuantizedWeights<double>::Create(Layout(), {.bits = GetParam()});
  std::vector<double> gradients = twin.gradients;
  std::vector<double> log_scale_gradients(weights.scale_count());
  weights.Backward(
      batch.parameters.data(), log_scales.data(), gradients.data(), log_scale_gradients.data());
  EXPECT_LT(RelativeDistance(ours.gradients, gradients), 1e-9);
  EXPECT_LT(RelativeDistance(ours.log_scale_gradients, log_scale_gradients), 1e-9);
}

// On the same codes floats differ by their rounding alone; see model_test.cc.
TEST_P(QuantizedModel, FloatsAgreeWithDoublesOnTheSameCodes) {
  const Batch batch = RandomBatch();
  const std::vector<double> log_scales = StartScales(batch, GetParam());
  const auto exact = Compute<double>(batch, GetParam(), log_scales);
  const auto rounded = Compute<float>(batch, GetParam(), log_scales);
  ASSERT_LT(RelativeDistance(rounded.values, exact.values), 1e-6) << "codes differ";
  EXPECT_LT(RelativeDistance(rounded.gradients, exact.gradients), 1e-5);
  EXPECT_LT(RelativeDistance(rounded.log_scale_gradients, exact.log_scale_gradients), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Bits, QuantizedModel, testing::Values(1, 1.58, 2, 3, 4));

}  // namespace
}  // namespace bitbudget::worker
