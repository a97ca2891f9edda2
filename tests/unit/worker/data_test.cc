#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/worker/train_fixture.h"
#include "util/error.h"
#include "worker/data/atomic_file.h"
#include "worker/data/batches.h"
#include "worker/data/prepare.h"
#include "worker/data/token_file.h"

namespace bitbudget::worker {
namespace {

using testing::HasSubstr;

using PrepareTest = TrainTest;
using TokenFileTest = TrainTest;
using AtomicFileTest = TrainTest;

std::map<uint8_t, int> Histogram(std::span<const uint8_t> tokens) {
  std::map<uint8_t, int> counts;
  for (const uint8_t token : tokens) ++counts[token];
  return counts;
}

TEST_F(PrepareTest, EveryWholeChunkIsKeptOnceInTrainingOrValidation) {
  // Chunk i is 16 times the byte i.
  std::string text;
  for (int i = 0; i < 100; ++i) text += std::string(16, static_cast<char>(i));
  WriteFile("text", text + "rest");
  const auto summary = PrepareTokens(
      {.inputs = {PathOf("text")}, .output = PathOf("out"), .vocabulary = 128, .chunk_bytes = 16});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->train_tokens, 96 * 16);
  EXPECT_EQ(summary->validation_tokens, 4 * 16);
  const auto file = *TokenFile::Open(PathOf("out"));
  std::map<uint8_t, int> counts = Histogram(file->train());
  for (const auto& [token, count] : Histogram(file->validation())) counts[token] += count;
  EXPECT_EQ(counts.size(), 100U);
  for (const auto& [token, count] : counts) EXPECT_EQ(count, 16) << int{token};
}

TEST_F(PrepareTest, ReadsFoldersInDepthInTheOrderOfPaths) {
  WriteFile("text/b.txt", "bbbb");
  WriteFile("text/a/z.txt", "aaaa");
  const auto summary = PrepareTokens({.inputs = {PathOf("text")},
                                      .output = PathOf("out"),
                                      .chunk_bytes = 1,
                                      .validation_fraction = 0.5});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->file_count, 2);
  EXPECT_EQ(summary->train_tokens + summary->validation_tokens, 8);
}

TEST_F(PrepareTest, TheSeedDecidesTheFile) {
  WriteFile("text", MarkovText(4096, 2));
  const auto hash_of = [&](uint64_t seed) {
    return PrepareTokens({.inputs = {PathOf("text")},
                          .output = PathOf("out"),
                          .seed = seed,
                          .chunk_bytes = 64})
        ->sha256_hex;
  };
  const std::string first = hash_of(0);
  EXPECT_EQ(hash_of(0), first);
  EXPECT_NE(hash_of(1), first);
}

TEST_F(PrepareTest, BytesOutsideTheVocabularyAreCountedAndLeftOut) {
  WriteFile("text",
            "a\xc3\xa4"
            "bc");
  const auto summary = PrepareTokens(
      {.inputs = {PathOf("text")}, .output = PathOf("out"), .vocabulary = 128, .chunk_bytes = 1});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->dropped_bytes, 2);
  EXPECT_EQ(summary->train_tokens + summary->validation_tokens, 3);
}

TEST_F(PrepareTest, RefusesTextThatIsTooShortOrNotThere) {
  WriteFile("text", "short");
  const auto code_of = [&](const std::string& input) {
    return PrepareTokens({.inputs = {PathOf(input)}, .output = PathOf("out")}).status().code();
  };
  EXPECT_EQ(code_of("text"), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code_of("absent"), absl::StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(PathOf("out")));
}

TEST_F(TokenFileTest, RefusesWhatIsNoTokenFile) {
  WriteFile("short", "x");
  WriteFile("other", std::string(4096, 'x'));
  for (const char* name : {"short", "other"}) {
    const auto file = TokenFile::Open(PathOf(name));
    EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(file.status().message()), HasSubstr("bitbudget-train prepare"));
  }
  EXPECT_EQ(TokenFile::Open(PathOf("absent")).status().code(), absl::StatusCode::kNotFound);
  // What the system refuses is no fault of the file.
  EXPECT_EQ(TokenFile::Open(PathOf("short/below")).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(TokenFileTest, NoticesAFlippedBitAndAMissingEnd) {
  const std::string whole = (data_path(), ReadFile("tokens.bin"));
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  WriteFile("flipped", flipped);
  WriteFile("cut", whole.substr(0, whole.size() - 1));
  for (const char* name : {"flipped", "cut"}) {
    EXPECT_EQ(TokenFile::Open(PathOf(name)).status().code(), absl::StatusCode::kDataLoss) << name;
  }
}

TEST(TrainingBatches, OnePassShowsEveryWindowOnce) {
  // Window i begins with the byte i.
  constexpr size_t kContext = 4;
  std::vector<uint8_t> tokens(24 * kContext + 1);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<uint8_t>(i / kContext);
  TrainingBatches batches(tokens, kContext, 3, 5);
  std::multiset<int> begins;
  for (int step = 0; step < 8; ++step) {
    const auto batch = batches.At(step);
    for (size_t i = 0; i < 3; ++i) {
      const auto window = batch.subspan(i * (kContext + 1), kContext + 1);
      begins.insert(window[0]);
      EXPECT_EQ(window[kContext], window[0] + 1) << "the last target begins the next window";
    }
  }
  std::vector<int> all(24);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_THAT(begins, testing::ElementsAreArray(all));
}

TEST(TrainingBatches, AStepHasItsBatchWhateverCameBefore) {
  const std::string text = MarkovText(2000, 3);
  const std::vector<uint8_t> tokens(text.begin(), text.end());
  TrainingBatches forward(tokens, 16, 4, 7);
  TrainingBatches jumping(tokens, 16, 4, 7);
  for (int step = 0; step < 100; ++step) forward.At(step);
  const auto expected = forward.At(100);
  const std::vector<uint8_t> copy(expected.begin(), expected.end());
  EXPECT_THAT(jumping.At(100), testing::ElementsAreArray(copy));
}

TEST(TrainingBatches, SeedsAndPassesHaveOrdersOfTheirOwn) {
  const std::string text = MarkovText(2000, 3);
  const std::vector<uint8_t> tokens(text.begin(), text.end());
  const auto order_of = [&](uint64_t seed, int64_t first_step) {
    TrainingBatches batches(tokens, 16, 1, seed);
    std::vector<uint8_t> seen;
    for (int64_t step = first_step; step < first_step + 20; ++step) {
      const auto batch = batches.At(step);
      seen.insert(seen.end(), batch.begin(), batch.end());
    }
    return seen;
  };
  const int64_t pass = WindowCount(2000, 16);
  EXPECT_NE(order_of(0, 0), order_of(1, 0));
  EXPECT_NE(order_of(0, 0), order_of(0, pass));
}

TEST_F(AtomicFileTest, ReplacesTheWholeFile) {
  WriteFile("file", "a longer content than the new one");
  ASSERT_TRUE(WriteFileAtomically(PathOf("file"), {"new", " text"}).ok());
  EXPECT_EQ(ReadFile("file"), "new text");
  EXPECT_FALSE(std::filesystem::exists(PathOf("file.partial")));
}

TEST_F(AtomicFileTest, AFolderThatIsNotThereIsNotFound) {
  EXPECT_EQ(WriteFileAtomically(PathOf("absent/file"), {"x"}).code(), absl::StatusCode::kNotFound);
}

// The limit on the size of files stands in for a full disk: both end a write.
TEST_F(AtomicFileTest, AWriteThatDoesNotFitLeavesTheOldFile) {
  WriteFile("file", "old");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small = {.rlim_cur = 1000, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const absl::Status status = WriteFileAtomically(PathOf("file"), {std::string(5000, 'x')});
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(ReadFile("file"), "old");
  EXPECT_FALSE(std::filesystem::exists(PathOf("file.partial")));
}

}  // namespace
}  // namespace bitbudget::worker
