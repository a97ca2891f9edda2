// Small texts, token files and jobs for tests that train.

#ifndef BITBUDGET_TESTS_UNIT_WORKER_TRAIN_FIXTURE_H_
#define BITBUDGET_TESTS_UNIT_WORKER_TRAIN_FIXTURE_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "worker/data/token_file.h"
#include "worker/run/config.h"

namespace bitbudget::worker {

// Tokens of a step of TinyConfig.
inline constexpr int64_t kStepTokens = 128;

// A folder of its own for each test, removed with it.
class TrainTest : public ::testing::Test {
 protected:
  TrainTest();
  ~TrainTest() override;

  std::string PathOf(const std::string& name) const { return (folder_ / name).string(); }
  void WriteFile(const std::string& name, const std::string& content) const;
  std::string ReadFile(const std::string& name) const;

  // A token file of 64 kB of MarkovText, 1 kB chunks.
  const std::string& data_path();

  // A tiny job on that text that takes well under a second.
  RunConfig TinyConfig();

 private:
  std::filesystem::path folder_;
  std::string data_path_;
};

// Text of 8 letters in which each depends on the two before it, in the same way
// for every seed: the last letter alone says little.
std::string MarkovText(size_t size, uint64_t seed);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_TESTS_UNIT_WORKER_TRAIN_FIXTURE_H_
