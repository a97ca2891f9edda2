#include "worker/engine/model.h"

#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/worker/torch_twin.h"

namespace bitbudget::worker {
namespace {

constexpr int kSequences = 3;

struct Batch {
  std::vector<double> parameters;
  std::vector<uint8_t> tokens;
};

// Parameters that a float holds exactly, so that both precisions start equal.
Batch RandomBatch(const ParameterLayout& layout) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal(0, 0.3);
  Batch batch;
  batch.parameters.resize(layout.size());
  for (const Parameter& parameter : layout.parameters()) {
    const double center = parameter.kind == ParameterKind::kGain ? 1 : 0;
    for (int64_t i = 0; i < parameter.size(); ++i) {
      batch.parameters[parameter.offset + i] = static_cast<float>(center + normal(random));
    }
  }
  batch.tokens.resize(kSequences * (layout.shape().context + 1));
  for (uint8_t& token : batch.tokens) token = random() % layout.shape().vocabulary;
  return batch;
}

template <class T>
LossAndGradient HandWritten(const ParameterLayout& layout, const Batch& batch) {
  const Buffer<T> parameters(batch.parameters.begin(), batch.parameters.end());
  Buffer<T> gradients(layout.size(), T{99});
  Model<T> model(layout, kSequences);
  const auto losses = model.Forward(parameters.data(), batch.tokens);
  const double loss = std::accumulate(losses.begin(), losses.end(), 0.0) / losses.size();
  model.Backward(parameters.data(), gradients.data());
  return {.loss = loss, .gradients = {gradients.begin(), gradients.end()}};
}

// Length of the difference of two vectors over the length of the second.
double RelativeDistance(const std::vector<double>& a, const std::vector<double>& b) {
  double difference = 0;
  double length = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    length += b[i] * b[i];
  }
  return std::sqrt(difference / length);
}

class ModelAgainstAutograd : public testing::TestWithParam<ModelShape> {};

// Both sides do some 1e3 dependent operations at 1e-16 each; a wrong term would
// show in the first digits.
TEST_P(ModelAgainstAutograd, LossAndGradientAgreeInDoublePrecision) {
  const ParameterLayout layout(GetParam());
  const Batch batch = RandomBatch(layout);
  const LossAndGradient twin = TorchTwin(layout, batch.parameters, batch.tokens, kSequences);
  const LossAndGradient ours = HandWritten<double>(layout, batch);
  EXPECT_NEAR(ours.loss, twin.loss, 1e-9 * twin.loss);
  EXPECT_LT(RelativeDistance(ours.gradients, twin.gradients), 1e-9);
}

// A float has 6e-8; sums of 128 terms and six matrices in a row leave 1e-5 with
// room.
TEST_P(ModelAgainstAutograd, FloatsAgreeWithDoubles) {
  const ParameterLayout layout(GetParam());
  const Batch batch = RandomBatch(layout);
  const LossAndGradient exact = HandWritten<double>(layout, batch);
  const LossAndGradient rounded = HandWritten<float>(layout, batch);
  EXPECT_NEAR(rounded.loss, exact.loss, 1e-5 * exact.loss);
  EXPECT_LT(RelativeDistance(rounded.gradients, exact.gradients), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes,
    ModelAgainstAutograd,
    testing::Values(
        ModelShape{.vocabulary = 11, .width = 16, .layers = 1, .hidden = 32, .context = 16},
        ModelShape{.vocabulary = 64,
                   .width = 48,
                   .layers = 2,
                   .hidden = 80,
                   .context = 48,
                   .feed_forward = FeedForward::kSwiglu},
        ModelShape{.vocabulary = 32,
                   .width = 64,
                   .layers = 2,
                   .head_size = 32,
                   .hidden = 64,
                   .context = 80,
                   .tied_embeddings = false}));

TEST(Model, TheSameBatchGivesTheSameBits) {
  const ParameterLayout layout(
      {.vocabulary = 32, .width = 32, .layers = 2, .hidden = 64, .context = 32});
  const Batch batch = RandomBatch(layout);
  const LossAndGradient first = HandWritten<float>(layout, batch);
  const LossAndGradient second = HandWritten<float>(layout, batch);
  EXPECT_EQ(first.loss, second.loss);
  EXPECT_EQ(first.gradients, second.gradients);
}

TEST(Model, NoTokenSeesALaterOne) {
  const ParameterLayout layout(
      {.vocabulary = 32, .width = 32, .layers = 2, .hidden = 64, .context = 32});
  Batch batch = RandomBatch(layout);
  const Buffer<float> parameters(batch.parameters.begin(), batch.parameters.end());
  Model<float> model(layout, kSequences);
  const auto first = model.Forward(parameters.data(), batch.tokens);
  const std::vector<double> before(first.begin(), first.end());
  // Token 20 of the first sequence is predicted at place 19, read at place 20.
  batch.tokens[20] ^= 1;
  const auto after = model.Forward(parameters.data(), batch.tokens);
  for (int i = 0; i < 19; ++i) EXPECT_EQ(after[i], before[i]) << i;
  EXPECT_NE(after[19], before[19]);
  EXPECT_NE(after[20], before[20]);
}

TEST(Model, LossesAreNotFiniteIfAParameterIsNot) {
  const ParameterLayout layout(
      {.vocabulary = 32, .width = 32, .layers = 1, .hidden = 64, .context = 16});
  Batch batch = RandomBatch(layout);
  batch.parameters[layout.layers()[0].expand] = std::nan("");
  EXPECT_TRUE(std::isnan(HandWritten<float>(layout, batch).loss));
}

TEST(ParameterLayout, CountsTheBlocksAndTheEmbeddingsApart) {
  const ParameterLayout layout(
      {.vocabulary = 128, .width = 32, .layers = 2, .hidden = 128, .context = 64});
  // 12 width^2 a layer, and five gains of 32.
  EXPECT_EQ(layout.block_parameters(), 2 * 12 * 32 * 32 + 5 * 32);
  EXPECT_EQ(layout.embedding_parameters(), 128 * 32);
}

TEST(ValidateShape, NamesTheFieldThatBreaksARule) {
  const auto message = [](const ModelShape& shape) {
    return std::string(ValidateShape(shape).message());
  };
  const ModelShape good = {.width = 32, .layers = 2, .hidden = 128};
  EXPECT_EQ(message(good), "");
  ModelShape bad = good;
  bad.width = 40;
  EXPECT_EQ(message(bad), "model.width: 40 is not a multiple of model.head_size, 16");
  bad = good;
  bad.context = 60;
  EXPECT_EQ(message(bad), "model.context: 60 is not a positive multiple of 16");
  bad = good;
  bad.vocabulary = 257;
  EXPECT_EQ(message(bad), "model.vocabulary: 257 is outside 2 to 256");
}

}  // namespace
}  // namespace bitbudget::worker
