#include "worker/torch/export.h"

#include <torch/torch.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/unit/worker/train_fixture.h"
#include "worker/run/trainer.h"

namespace bitbudget::worker {
namespace {

class ExportTest : public TrainTest {
 protected:
  c10::Dict<std::string, at::Tensor> Exported(std::span<const float> parameters,
                                              const ParameterLayout& layout) {
    EXPECT_TRUE(ExportForTorch(layout, parameters, PathOf("model.pt")).ok());
    const std::string bytes = ReadFile("model.pt");
    const at::IValue value = torch::pickle_load({bytes.begin(), bytes.end()});
    c10::Dict<std::string, at::Tensor> tensors;
    for (const auto& entry : value.toGenericDict()) {
      tensors.insert(entry.key().toStringRef(), entry.value().toTensor());
    }
    return tensors;
  }
};

TEST_F(ExportTest, NamesAndShapesAreThoseOfTheLayout) {
  const ParameterLayout layout(
      {.vocabulary = 10, .width = 32, .layers = 1, .hidden = 48, .context = 16});
  std::vector<float> parameters(layout.size());
  for (size_t i = 0; i < parameters.size(); ++i) parameters[i] = static_cast<float>(i);
  const auto tensors = Exported(parameters, layout);
  EXPECT_EQ(tensors.size(), layout.parameters().size());
  const at::Tensor expand = tensors.at("layers.0.feed_forward.expand");
  EXPECT_EQ(expand.sizes(), (std::vector<int64_t>{48, 32}));
  EXPECT_EQ(expand[2][3].item<float>(), layout.layers()[0].expand + 2 * 32 + 3);
  EXPECT_EQ(tensors.at("final_gain").sizes(), (std::vector<int64_t>{32}));
}

TEST_F(ExportTest, WhatIsServedIsQuantized) {
  const auto data = *TokenFile::Open(data_path());
  RunConfig config = TinyConfig();
  ASSERT_TRUE(BindToData(*data, config).ok());
  const auto trainer = *Trainer::Create(config, *data);
  while (trainer->step() < trainer->total_steps()) trainer->Step();
  const auto tensors = Exported(trainer->ServedParameters(), trainer->layout());
  const at::Tensor row = tensors.at("layers.0.attention.qkv")[0];
  std::set<float> levels;
  for (int i = 0; i < row.numel(); ++i) levels.insert(row[i].item<float>());
  EXPECT_LE(levels.size(), 4U) << "two bits";
}

}  // namespace
}  // namespace bitbudget::worker
