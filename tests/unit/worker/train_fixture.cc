#include "tests/unit/worker/train_fixture.h"

#include <stdlib.h>

#include <array>
#include <fstream>
#include <iterator>
#include <random>
#include <utility>

#include "worker/data/prepare.h"

namespace bitbudget::worker {

namespace fs = std::filesystem;

TrainTest::TrainTest() {
  std::string pattern = (fs::temp_directory_path() / "bitbudget_train_XXXXXX").string();
  folder_ = mkdtemp(pattern.data());
}

TrainTest::~TrainTest() { fs::remove_all(folder_); }

void TrainTest::WriteFile(const std::string& name, const std::string& content) const {
  fs::create_directories((folder_ / name).parent_path());
  std::ofstream(folder_ / name, std::ios::binary) << content;
}

std::string TrainTest::ReadFile(const std::string& name) const {
  std::ifstream file(folder_ / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::string& TrainTest::data_path() {
  if (data_path_.empty()) {
    WriteFile("text/markov.txt", MarkovText(1 << 16, 1));
    data_path_ = PathOf("tokens.bin");
    const auto summary = PrepareTokens(
        {.inputs = {PathOf("text")}, .output = data_path_, .vocabulary = 128, .chunk_bytes = 1024});
    EXPECT_TRUE(summary.ok()) << summary.status();
  }
  return data_path_;
}

RunConfig TrainTest::TinyConfig() {
  RunConfig config;
  config.data_path = data_path();
  config.batch_sequences = 4;
  config.model = {.vocabulary = 128, .width = 32, .layers = 1, .hidden = 64, .context = 32};
  config.schedule = {.peak_rate = 0.01,
                     .fp_tokens = 60 * kStepTokens,
                     .qat_tokens = 40 * kStepTokens,
                     .warmup_tokens = 10 * kStepTokens};
  config.quantization = {.bits = 2};
  return config;
}

std::string MarkovText(size_t size, uint64_t seed) {
  constexpr int kLetters = 8;
  // How likely each letter is to follow each pair: three of eight, 6 : 3 : 1.
  constexpr std::array<int, 3> kWeights = {6, 3, 1};
  std::mt19937_64 table(99);
  std::array<std::array<int, 3>, kLetters * kLetters> followers;
  for (auto& choice : followers) {
    for (int& letter : choice) letter = static_cast<int>(table() % kLetters);
  }
  std::mt19937_64 random(seed);
  std::discrete_distribution<int> rank(kWeights.begin(), kWeights.end());
  std::string text;
  int before = 0;
  int last = 0;
  while (text.size() < size) {
    const int next = followers[before * kLetters + last][rank(random)];
    text.push_back(static_cast<char>('a' + next));
    before = std::exchange(last, next);
  }
  return text;
}

}  // namespace bitbudget::worker
