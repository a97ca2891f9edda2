#include "server/fit_watch.h"

#include <google/protobuf/util/message_differencer.h>

#include <cmath>
#include <string>
#include <utility>

#include "server/answer_question.h"
#include "server/call_gate.h"
#include "server/study_service.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr std::chrono::milliseconds kInterval(100);

using StandingAnswer = v1::WatchFitsResponse::StandingAnswer;
using StandingAnswers = google::protobuf::RepeatedPtrField<StandingAnswer>;

// What the fit of `state` says to the questions that stand.
StandingAnswers AnswersOf(const StudyState& state) {
  const v1::DataSupport& support = state.snapshot->fit.data_support();
  StandingAnswers answers;
  for (const double weight_bits : support.weight_bits()) {
    v1::OptimizeQatFractionRequest question;
    question.set_parameters(std::llround(support.parameters().upper()));
    question.set_total_tokens(std::llround(support.total_tokens().upper()));
    question.set_weight_bits(weight_bits);
    auto answer = AnswerQuestion(CallContext(), question, ViewOf(state));
    if (!answer.ok()) continue;  // the law knows no best fraction, or none at this width
    StandingAnswer& standing = *answers.Add();
    standing.set_weight_bits(weight_bits);
    standing.set_parameters(question.parameters());
    standing.set_total_tokens(question.total_tokens());
    *standing.mutable_qat_fraction() = std::move(*answer->mutable_qat_fraction());
  }
  return answers;
}

bool AreSameQuestion(const StandingAnswer& a, const StandingAnswer& b) {
  return a.weight_bits() == b.weight_bits() && a.parameters() == b.parameters() &&
         a.total_tokens() == b.total_tokens();
}

void SetPrevious(const StandingAnswers& previous, StandingAnswers& answers) {
  for (StandingAnswer& answer : answers) {
    for (const StandingAnswer& before : previous) {
      if (!AreSameQuestion(before, answer)) continue;
      answer.set_previous_qat_fraction(before.qat_fraction().value());
    }
  }
}

class FitWatch final : public WatchSource<v1::WatchFitsResponse> {
 public:
  FitWatch(const v1::WatchFitsRequest& request,
           const FitParts& parts,
           std::function<void()> wake,
           std::chrono::milliseconds heartbeat)
      : study_(request.parent()),
        parts_(parts),
        heartbeat_(heartbeat),
        changes_(parts.registry.Watch({.study = study_,
                                       .interval = kInterval,
                                       .heartbeat = heartbeat,
                                       .wake = std::move(wake)})) {}

  absl::StatusOr<std::optional<v1::WatchFitsResponse>> Next() override {
    if (changes_->is_drained()) return ShuttingDown();
    bool may_have_changed = !last_study_.has_fit_status();
    while (changes_->Take()) may_have_changed = true;
    const auto now = std::chrono::steady_clock::now();
    // The feed counts from when it last woke this, a little earlier.
    const bool is_heartbeat = now - last_time_ >= heartbeat_ / 2;
    if (!may_have_changed && !is_heartbeat) return std::nullopt;

    v1::WatchFitsResponse message;
    ASSIGN_OR_RETURN(*message.mutable_study(), parts_.store.GetStudy(study_));
    // Before the fit is read, so that a later one is never missed.
    SetFitStatus(parts_.registry, *message.mutable_study());
    ASSIGN_OR_RETURN(const StudyState state, parts_.registry.Find(study_));
    if (state.snapshot && state.snapshot->fit.name() != last_fit_) AddFit(state, message);
    message.set_sign_of_life(
        !message.has_fit() &&
        google::protobuf::util::MessageDifferencer::Equals(message.study(), last_study_));
    if (message.sign_of_life() && !is_heartbeat) return std::nullopt;
    last_study_ = message.study();
    last_time_ = now;
    return message;
  }

  bool has_ended() const override { return false; }

 private:
  void AddFit(const StudyState& state, v1::WatchFitsResponse& message) {
    last_fit_ = state.snapshot->fit.name();
    *message.mutable_fit() = state.snapshot->fit;
    StandingAnswers answers = AnswersOf(state);
    SetPrevious(last_answers_, answers);
    *message.mutable_standing_answers() = answers;
    last_answers_ = std::move(answers);
  }

  const std::string study_;
  const FitParts parts_;
  const std::chrono::milliseconds heartbeat_;
  // What the receiver has been told.
  v1::Study last_study_;
  std::string last_fit_;
  StandingAnswers last_answers_;
  std::chrono::steady_clock::time_point last_time_;
  const std::shared_ptr<ChangeFeed::Subscription> changes_;  // shared with the feed
};

}  // namespace

std::unique_ptr<WatchSource<v1::WatchFitsResponse>> WatchFitsOf(
    const v1::WatchFitsRequest& request,
    const FitParts& parts,
    std::function<void()> wake,
    std::chrono::milliseconds heartbeat) {
  return std::make_unique<FitWatch>(request, parts, std::move(wake), heartbeat);
}

}  // namespace bitbudget::server
