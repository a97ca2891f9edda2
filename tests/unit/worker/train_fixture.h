// Small texts, token files and jobs for tests that train.

#ifndef BITBUDGET_TESTS_UNIT_WORKER_TRAIN_FIXTURE_H_
#define BITBUDGET_TESTS_UNIT_WORKER_TRAIN_FIXTURE_H_

#include <filesystem>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "worker/data/token_file.h"
#include "worker/run/config.h"

namespace bitbudget::worker {

// A folder of its own for each test, removed with it.
class TrainTest : public ::testing::Test {
 protected:
  TrainTest();
  ~TrainTest() override;

  std::string PathOf(const std::string& name) const { return (folder_ / name).string(); }
  void WriteFile(const std::string& name, const std::string& content) const;
  std::string ReadFile(const std::string& name) const;

  // 64 kB of text in which the next byte depends on the two before it: in the
  // long run 2 nats a byte if one knows nothing of order, 1.1 with the last byte
  // known, 0.7 with both.
  const std::string& data_path();

  // A tiny job on that text that takes well under a second.
  RunConfig TinyConfig();

 private:
  std::filesystem::path folder_;
  std::string data_path_;
};

// Bytes drawn from 8 letters by the two before them; the same for each seed.
std::string MarkovText(size_t size, uint64_t seed);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_TESTS_UNIT_WORKER_TRAIN_FIXTURE_H_
