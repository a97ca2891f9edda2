// What those hear who watch the fits of a study.

#include "server/fit_watch.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "fitter/law.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using testing::FullPrecisionGrid;
using testing::kPatience;
using testing::ReasonOf;

// A fit of the QAT law with two widths; `decay` moves its best fractions.
std::shared_ptr<const FitSnapshot> Snapshot(const std::string& name,
                                            int64_t revision,
                                            double decay) {
  constexpr double kWidths[] = {2, 4};
  const double coefficients[] = {
      1.7, 0.4, 0.28, 0.4, 0.33, 0.18, 0.8, 0.06, 0.7, 0.15, decay, 0.2, 0.5, 0.12, 0.85, 0.04};
  auto snapshot = std::make_shared<FitSnapshot>();
  snapshot->fit.set_name(name);
  snapshot->fit.set_law("compute_optimal_qat");
  snapshot->fit.set_revision(revision);
  v1::DataSupport& support = *snapshot->fit.mutable_data_support();
  support.mutable_parameters()->set_upper(1e9);
  support.mutable_total_tokens()->set_upper(1e11);
  fitter::FittedLaw law{.law = fitter::LawLadder("compute_optimal_qat", kWidths)->front()};
  for (size_t i = 0; i < std::size(coefficients); ++i) {
    const bool is_log = law.law.parameters[i].is_log_coefficient;
    law.theta.push_back(is_log ? std::log(coefficients[i]) : coefficients[i]);
  }
  law.covariance.assign(law.theta.size() * law.theta.size(), 0.0);
  for (size_t i = 0; i < law.theta.size(); ++i) {
    law.covariance[i * law.theta.size() + i] = 1e-4;
  }
  law.identified.assign(law.theta.size(), true);
  law.at_bound.assign(law.theta.size(), false);
  law.degrees_of_freedom = 50;
  law.support = {.parameters = {8e7, 1e9},
                 .total_tokens = {2e9, 1e11},
                 .fp_tokens = {1e8, 1e11},
                 .qat_tokens = {1e8, 1e11},
                 .qat_fraction = {0.02, 0.9},
                 .tokens_per_parameter_byte = {1, 1e6},
                 .weight_bits = {2, 4},
                 .parameters_level_count = 5,
                 .total_tokens_level_count = 5,
                 .qat_fraction_level_count = 7,
                 .qat_row_count = 757,
                 .full_precision_row_count = 40};
  for (const double width : kWidths) support.add_weight_bits(width);
  snapshot->law.law = std::move(law);
  return snapshot;
}

class FitWatchTest : public testing::ServerFixture {
 protected:
  FitWatchTest() : study_(CreateStudy("x")) {}

  std::unique_ptr<WatchSource<v1::WatchFitsResponse>> Watch(
      std::chrono::milliseconds heartbeat = std::chrono::hours(1)) {
    v1::WatchFitsRequest request;
    request.set_parent(study_);
    return WatchFitsOf(
        request, core().parts, [] {}, heartbeat);
  }
  void Publish(const std::shared_ptr<const FitSnapshot>& snapshot) {
    core().registry.Publish(study_, core().registry.Find(study_)->generation, snapshot);
  }

  const std::string study_;
};

// The next message, waited for.
v1::WatchFitsResponse NextOf(WatchSource<v1::WatchFitsResponse>& watch) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto message = watch.Next();
    EXPECT_TRUE(message.ok()) << message.status();
    if (!message.ok() || *message) return message.ok() ? **message : v1::WatchFitsResponse();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ADD_FAILURE() << "nothing came";
  return {};
}

TEST_F(FitWatchTest, BeginsWithThePresentAndIsSilentWithoutChanges) {
  const auto watch = Watch();
  const auto message = watch->Next();
  ASSERT_TRUE(message.ok() && *message) << message.status();
  EXPECT_EQ((*message)->study().fit_status().state(), v1::FitStatus::NO_DATA);
  EXPECT_FALSE((*message)->has_fit());
  EXPECT_FALSE((*message)->sign_of_life());
  EXPECT_FALSE(watch->Next()->has_value());
}

TEST_F(FitWatchTest, TellsOfNewDataAndOfTheirFit) {
  const auto watch = Watch();
  watch->Next().status().IgnoreError();
  const int64_t revision = Store(study_, FullPrecisionGrid());
  v1::WatchFitsResponse message = NextOf(*watch);
  EXPECT_EQ(message.study().revision(), revision);
  while (!message.has_fit()) message = NextOf(*watch);
  EXPECT_EQ(message.fit().revision(), revision);
  EXPECT_FALSE(message.fit().has_inputs());
}

TEST_F(FitWatchTest, TellsHowFarTheBestFractionsMoved) {
  const auto watch = Watch();
  Publish(Snapshot(study_ + "/fits/1", 1, 0.5));
  const v1::WatchFitsResponse first = NextOf(*watch);
  ASSERT_EQ(first.standing_answers_size(), 2);
  EXPECT_EQ(first.standing_answers(0).weight_bits(), 2);
  EXPECT_EQ(first.standing_answers(0).parameters(), 1'000'000'000);
  EXPECT_EQ(first.standing_answers(0).total_tokens(), 100'000'000'000);
  EXPECT_FALSE(first.standing_answers(0).has_previous_qat_fraction());

  Publish(Snapshot(study_ + "/fits/2", 2, 0.6));
  const v1::WatchFitsResponse second = NextOf(*watch);
  ASSERT_EQ(second.standing_answers_size(), 2);
  for (int i = 0; i < 2; ++i) {
    const double before = first.standing_answers(i).qat_fraction().value();
    EXPECT_EQ(second.standing_answers(i).previous_qat_fraction(), before);
    EXPECT_NE(second.standing_answers(i).qat_fraction().value(), before);
  }
}

TEST_F(FitWatchTest, GivesSignsOfLife) {
  const auto watch = Watch(std::chrono::milliseconds(1));
  EXPECT_FALSE(NextOf(*watch).sign_of_life());
  const v1::WatchFitsResponse message = NextOf(*watch);
  EXPECT_TRUE(message.sign_of_life());
  EXPECT_EQ(message.study().name(), study_);
}

TEST_F(FitWatchTest, EndsWithItsStudy) {
  const auto watch = Watch();
  watch->Next().status().IgnoreError();
  v1::DeleteStudyRequest request;
  request.set_name(study_);
  ASSERT_TRUE(core().studies.DeleteStudy(call_, request).ok());
  EXPECT_EQ(ReasonOf(watch->Next().status()), "STUDY_NOT_FOUND");
}

TEST(ChangeFeedTest, WakesWithoutChangesAtEveryHeartbeat) {
  ChangeFeed feed;
  std::atomic<int> wakes = 0;
  const auto subscription =
      feed.Subscribe({.heartbeat = std::chrono::milliseconds(1), .wake = [&wakes] { ++wakes; }});
  for (int seen = 1; seen <= 3; ++seen) {
    while (wakes < seen) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(subscription->Take(), std::nullopt);
  }
  feed.Drain();
}

}  // namespace
}  // namespace bitbudget::server
