#include "server/job_watch.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

#include "server/call_gate.h"
#include "server/job_rules.h"
#include "server/resource_names.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr int kJobsAPage = 256;
constexpr std::chrono::milliseconds kCampaignInterval(500);

std::string StudyOrAll(const std::string& parent) {
  return parent == kAllStudies ? std::string() : parent;
}

bool Matches(const v1::JobFilter& filter, const v1::Job& job) {
  return (filter.states().empty() ||
          std::count(filter.states().begin(), filter.states().end(), job.state()) > 0) &&
         (filter.campaign().empty() || filter.campaign() == job.campaign()) &&
         (filter.worker().empty() || filter.worker() == job.worker());
}

// First the jobs page by page, then each that has changed meanwhile or since.
class JobWatch final : public WatchSource<v1::WatchJobsResponse> {
 public:
  JobWatch(const v1::WatchJobsRequest& request,
           db::JobStore& store,
           JobBoard& board,
           std::function<void()> wake)
      : request_(request),
        study_(StudyOrAll(request.parent())),
        store_(store),
        board_(board),
        changes_(board.feed.Subscribe({.study = study_, .wake = std::move(wake)})) {}

  absl::StatusOr<std::optional<v1::WatchJobsResponse>> Next() override {
    if (changes_->is_drained()) return ShuttingDown();
    if (!is_present_complete_) return NextPresent();
    while (const std::optional<std::string> job = changes_->Take()) {
      ASSIGN_OR_RETURN(std::optional<v1::WatchJobsResponse> message, Change(*job));
      if (message) return message;
    }
    return std::nullopt;
  }

  bool has_ended() const override { return false; }

 private:
  // How far the receiver knows the curve of a job.
  struct Told {
    int attempt = 0;
    int64_t tokens = -1;
  };

  absl::StatusOr<std::optional<v1::WatchJobsResponse>> NextPresent() {
    if (page_.empty()) {
      ASSIGN_OR_RETURN(
          db::JobPage page,
          store_.ListJobs(study_, request_.filter(), {.size = kJobsAPage, .token = page_token_}));
      page_.assign(std::make_move_iterator(page.jobs.begin()),
                   std::make_move_iterator(page.jobs.end()));
      page_token_ = std::move(page.next_page_token);
    }
    v1::WatchJobsResponse message;
    if (!page_.empty()) {
      v1::Job job = std::move(page_.front());
      page_.pop_front();
      if (job.state() == v1::LEASED || job.state() == v1::RUNNING) {
        ASSIGN_OR_RETURN(const auto points, store_.ReadCurve(job.name(), -1));
        job.mutable_curve()->Add(points.begin(), points.end());
      }
      message = MessageOf(std::move(job));
    }
    is_present_complete_ = page_.empty() && page_token_.empty();
    message.set_present_state_complete(is_present_complete_);
    return message;
  }

  absl::StatusOr<std::optional<v1::WatchJobsResponse>> Change(const std::string& name) {
    absl::StatusOr<v1::Job> job = store_.GetJob(name);
    // Its study has been deleted.
    if (job.status().code() == absl::StatusCode::kNotFound) return std::nullopt;
    RETURN_IF_ERROR(job.status());
    const bool matches = Matches(request_.filter(), *job);
    if (!matches && !told_.contains(name)) return std::nullopt;
    v1::WatchJobsResponse message = MessageOf(*std::move(job));
    if (!matches) told_.erase(name);
    return message;
  }

  // Moves the points that are new to the receiver out of the job's curve.
  v1::WatchJobsResponse MessageOf(v1::Job job) {
    Told& told = told_[job.name()];
    if (told.attempt != job.attempt()) told = {.attempt = job.attempt()};
    v1::WatchJobsResponse message;
    for (const v1::ProgressPoint& point : job.curve()) {
      if (point.tokens() <= told.tokens) continue;
      *message.add_points() = point;
      told.tokens = point.tokens();
    }
    if (job.has_progress()) told.tokens = job.progress().tokens();
    job.clear_curve();
    board_.SetLeaseRemaining(job);
    *message.mutable_job() = std::move(job);
    return message;
  }

  const v1::WatchJobsRequest request_;
  const std::string study_;
  db::JobStore& store_;
  JobBoard& board_;
  std::deque<v1::Job> page_;
  std::string page_token_;
  bool is_present_complete_ = false;
  std::unordered_map<std::string, Told> told_;  // jobs told that match
  // Shared with the feed. From before the first page is read, so that no change
  // is missed.
  const std::shared_ptr<ChangeFeed::Subscription> changes_;
};

class CampaignWatch final : public WatchSource<v1::WatchCampaignResponse> {
 public:
  CampaignWatch(const v1::WatchCampaignRequest& request,
                db::JobStore& store,
                JobBoard& board,
                std::function<void()> wake)
      : name_(request.name()),
        store_(store),
        board_(board),
        changes_(board.feed.Subscribe({.study = ParseCampaignName(request.name())->study,
                                       .interval = kCampaignInterval,
                                       .wake = std::move(wake)})) {}

  absl::StatusOr<std::optional<v1::WatchCampaignResponse>> Next() override {
    if (changes_->is_drained()) return ShuttingDown();
    bool may_have_changed = !last_.has_campaign();
    while (changes_->Take()) may_have_changed = true;
    if (!may_have_changed || has_ended()) return std::nullopt;
    v1::WatchCampaignResponse message;
    ASSIGN_OR_RETURN(*message.mutable_campaign(), LoadCampaign(name_, store_, board_));
    // The change may have been that of another campaign's job.
    if (google::protobuf::util::MessageDifferencer::Equals(message, last_)) return std::nullopt;
    last_ = message;
    return message;
  }

  bool has_ended() const override { return last_.campaign().ended(); }

 private:
  const std::string name_;
  db::JobStore& store_;
  const JobBoard& board_;
  v1::WatchCampaignResponse last_;
  const std::shared_ptr<ChangeFeed::Subscription> changes_;  // shared with the feed
};

}  // namespace

absl::StatusOr<v1::Campaign> LoadCampaign(const std::string& name,
                                          db::JobStore& store,
                                          const JobBoard& board) {
  ASSIGN_OR_RETURN(v1::Campaign campaign, store.GetCampaign(name));
  if (campaign.ended()) return campaign;
  ASSIGN_OR_RETURN(const std::vector<db::ReadyJobs> ready, store.ListReady(name));
  campaign.set_reason(WhyNobodyTakes(board.AvailableWorkers(), ready));
  return campaign;
}

std::unique_ptr<WatchSource<v1::WatchJobsResponse>> WatchJobsOf(const v1::WatchJobsRequest& request,
                                                                db::JobStore& store,
                                                                JobBoard& board,
                                                                std::function<void()> wake) {
  return std::make_unique<JobWatch>(request, store, board, std::move(wake));
}

std::unique_ptr<WatchSource<v1::WatchCampaignResponse>> WatchCampaignOf(
    const v1::WatchCampaignRequest& request,
    db::JobStore& store,
    JobBoard& board,
    std::function<void()> wake) {
  return std::make_unique<CampaignWatch>(request, store, board, std::move(wake));
}

}  // namespace bitbudget::server
