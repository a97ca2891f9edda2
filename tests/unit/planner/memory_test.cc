#include "planner/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/planner/status_testing.h"

namespace bitbudget::planner {
namespace {

// 12 * 8 layers * 1024^2 parameters in the blocks.
constexpr double kParameters = 12.0 * 8 * 1024 * 1024;

double Sum(const ModelMemory& memory) {
  return memory.block_bytes + memory.scale_bytes + memory.zero_point_bytes +
         memory.embedding_bytes + memory.norm_bytes + memory.kv_cache_bytes + memory.overhead_bytes;
}

TEST(MemoryTest, ItemsAreThoseOfTheStatedShape) {
  MemoryModel model;
  model.group_size = 128;
  model.zero_point_bits = 4;
  model.overhead_bytes = 1e6;
  const ModelMemory memory = MemoryOf(model, kParameters, 3);
  EXPECT_NEAR(memory.width, 1024, 1e-9);
  EXPECT_NEAR(memory.layers, 8, 1e-11);
  EXPECT_NEAR(memory.embedding_parameters, 32'000 * 1024, 1e-4);
  EXPECT_EQ(memory.storage_bits, 3);
  EXPECT_EQ(memory.embedding_bits, 4);
  EXPECT_NEAR(memory.block_bytes, kParameters * 3 / 8, 1e-3);
  const double groups = (kParameters + 32'000 * 1024) / 128;
  EXPECT_NEAR(memory.scale_bytes, groups * 2, 1e-3);
  EXPECT_NEAR(memory.zero_point_bytes, groups / 2, 1e-3);
  EXPECT_NEAR(memory.embedding_bytes, 32'000 * 1024 / 2, 1e-3);
  EXPECT_NEAR(memory.norm_bytes, 17 * 1024 * 2, 1e-6);
  // Keys and values, 8 layers, 1024 wide, 4096 tokens, 2 bytes.
  EXPECT_NEAR(memory.kv_cache_bytes, 2.0 * 8 * 1024 * 4096 * 2, 1e-2);
  EXPECT_NEAR(memory.overhead_bytes,
              0.05 * (Sum(memory) - memory.overhead_bytes) + 1e6,
              1e-6 * memory.overhead_bytes);
  EXPECT_NEAR(memory.total_bytes, Sum(memory), 1e-6);
}

TEST(MemoryTest, UntiedHeadCountsTwice) {
  MemoryModel model;
  model.tied_embeddings = false;
  EXPECT_NEAR(MemoryOf(model, kParameters, 4).embedding_parameters, 2 * 32'000 * 1024, 1e-3);
}

TEST(MemoryTest, EmbeddingsHaveAtLeastFourBitsUnlessAsked) {
  MemoryModel model;
  EXPECT_EQ(MemoryOf(model, kParameters, 2).embedding_bits, 4);
  EXPECT_EQ(MemoryOf(model, kParameters, 6).embedding_bits, 6);
  model.embedding_bits = 16;
  EXPECT_EQ(MemoryOf(model, kParameters, 2).embedding_bits, 16);
}

TEST(MemoryTest, TernaryWeightsTakeWhatTheirFormatTakes) {
  MemoryModel model;
  EXPECT_EQ(StorageBits(model, std::log2(3)), 2);
  EXPECT_EQ(StorageBits(model, 1.58), 2);
  model.ternary_storage = TernaryStorage::kFiveInAByte;
  EXPECT_EQ(StorageBits(model, 1.58), 1.6);
}

TEST(MemoryTest, OtherFractionsOfBitsTakeTheNextWhole) {
  const MemoryModel model;
  EXPECT_EQ(StorageBits(model, 2.5), 3);
  EXPECT_EQ(StorageBits(model, 1), 1);
  EXPECT_EQ(StorageBits(model, 16), 16);
}

TEST(MemoryTest, FullPrecisionHasNoScales) {
  EXPECT_EQ(MemoryOf({}, kParameters, 16).scale_bytes, 0);
}

TEST(MemoryTest, AScaleARowByDefault) {
  const ModelMemory memory = MemoryOf({}, kParameters, 4);
  // A row has 1024 weights; the embedding has 32,000 rows.
  EXPECT_NEAR(memory.scale_bytes, 2 * (kParameters / 1024 + 32'000), 1e-6);
}

TEST(MemoryTest, GroupsAreNotLargerThanARow) {
  MemoryModel model;
  model.group_size = 1e6;
  EXPECT_EQ(MemoryOf(model, kParameters, 4).scale_bytes, MemoryOf({}, kParameters, 4).scale_bytes);
}

TEST(MemoryTest, FewerKeyValueHeadsShrinkTheCacheAlone) {
  MemoryModel model;
  model.key_value_share = 0.25;
  const ModelMemory grouped = MemoryOf(model, kParameters, 4);
  const ModelMemory full = MemoryOf({}, kParameters, 4);
  EXPECT_NEAR(grouped.kv_cache_bytes, full.kv_cache_bytes / 4, 1e-3);
  EXPECT_EQ(grouped.block_bytes, full.block_bytes);
}

TEST(MemoryTest, ParametersOfTheLawMayCountEmbeddings) {
  MemoryModel model;
  model.law_counts_embeddings = true;
  const ModelMemory memory = MemoryOf(model, kParameters + 32'000 * 1024, 4);
  EXPECT_NEAR(memory.block_parameters, kParameters, 1e-9 * kParameters);
}

class MemoryInverseTest : public testing::TestWithParam<bool> {};

TEST_P(MemoryInverseTest, LargestModelHasExactlyTheMemory) {
  MemoryModel model;
  model.law_counts_embeddings = GetParam();
  model.group_size = 128;
  for (const double bits : {1.0, 1.58, 4.0, 16.0}) {
    for (double parameters = 1e5; parameters < 1e12; parameters *= 17) {
      const double bytes = MemoryOf(model, parameters, bits).total_bytes;
      // Newton's step of 1e-7 leaves an error near its square, plus rounding.
      EXPECT_NEAR(LargestModel(model, bytes, bits) / parameters, 1, 1e-10) << parameters;
    }
  }
}

TEST_P(MemoryInverseTest, ElasticityIsTheDerivative) {
  MemoryModel model;
  model.law_counts_embeddings = false;
  model.group_size = GetParam() ? 128 : 0;
  model.zero_point_bits = 4;
  constexpr double kStep = 1e-4;
  const auto log_bytes = [&](double shift) {
    return std::log(MemoryOf(model, 3e8 * std::exp(shift), 3).total_bytes);
  };
  // The central difference errs by its step squared.
  EXPECT_NEAR(MemoryOf(model, 3e8, 3).elasticity,
              (log_bytes(kStep) - log_bytes(-kStep)) / (2 * kStep),
              1e-7);
}

INSTANTIATE_TEST_SUITE_P(Both, MemoryInverseTest, testing::Bool());

TEST(MemoryTest, NothingFitsBesideAFixedOverhead) {
  MemoryModel model;
  model.overhead_bytes = 1e9;
  EXPECT_EQ(LargestModel(model, 1e9, 4), 0);
}

TEST(FitShapeTest, TheRuleGoesThroughTheShape) {
  MemoryModel model;
  ASSERT_TRUE(FitShape(7e9, 32, 4096, &model).ok());
  const ModelMemory memory = MemoryOf(model, 7e9, 4);
  EXPECT_NEAR(memory.layers, 32, 1e-10);
  EXPECT_NEAR(memory.width, 4096, 1e-8);
}

TEST(FitShapeTest, ShapeOfAnotherSizeIsRefused) {
  MemoryModel model;
  EXPECT_THAT(FitShape(7e9, 4, 256, &model),
              ViolatesField(absl::StatusCode::kInvalidArgument, "memory_model.layers"));
}

TEST(FitShapeTest, EmbeddingsMustFitIntoTheParameters) {
  MemoryModel model;
  model.law_counts_embeddings = true;
  EXPECT_THAT(FitShape(1e6, 2, 4096, &model),
              ViolatesField(absl::StatusCode::kInvalidArgument, "parameters"));
}

}  // namespace
}  // namespace bitbudget::planner
