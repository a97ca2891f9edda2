#include "client/cli/job_report.h"

#include <fmt/format.h>

#include "client/cli/quantity.h"
#include "client/cli/text.h"

namespace bitbudget::cli {
namespace {

std::string Tokens(int64_t tokens) { return FormatQuantity(static_cast<double>(tokens)); }

std::string StateText(v1::JobState state) { return Words(v1::JobState_Name(state)); }

// "45 %" of the job's tokens; empty before the first report.
std::string ProgressText(const v1::Job& job) {
  if (!job.has_progress()) return "";
  const v1::TrainingSchedule& schedule = job.training().schedule();
  const auto total = static_cast<double>(schedule.fp_tokens() + schedule.qat_tokens());
  if (total <= 0) return "";
  return fmt::format("{:.0f} %", 100 * static_cast<double>(job.progress().tokens()) / total);
}

std::string CurrentLoss(const v1::Job& job) {
  return job.has_progress() ? LossText(job.progress().loss_nats()) : "";
}

std::string StartText(const v1::Job& job) {
  if (job.start_job().empty()) return "";
  return fmt::format("at {} tokens of {}", Tokens(job.start_tokens()), LastPart(job.start_job()));
}

std::string DependenciesText(const v1::Job& job) {
  std::string text;
  for (const std::string& name : job.dependencies()) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", LastPart(name));
  }
  return text;
}

std::string FailureText(const v1::JobFailure& failure) {
  return fmt::format("{} at attempt {} on {}: {}",
                     Words(v1::JobFailure::Kind_Name(failure.kind())),
                     failure.attempt(),
                     failure.worker(),
                     failure.message());
}

std::string StatisticsText(const v1::RunStatistics& statistics) {
  std::string text = fmt::format("{:.1f} s, {} tokens/s",
                                 statistics.train_seconds(),
                                 FormatQuantity(statistics.tokens_per_second()));
  if (statistics.gemm_share() > 0) {
    text += fmt::format(", {} of the matrix product's rate", Percent(statistics.gemm_share()));
  }
  if (statistics.peak_memory_bytes() > 0) {
    text += fmt::format(", {:.0f} MiB",
                        static_cast<double>(statistics.peak_memory_bytes()) / (1 << 20));
  }
  if (statistics.reused_tokens() > 0) {
    text += fmt::format(", {} tokens from a checkpoint", Tokens(statistics.reused_tokens()));
  }
  return text;
}

std::string CountsText(const v1::Campaign& campaign) {
  std::string text;
  for (const v1::Campaign::StateCount& entry : campaign.state_counts()) {
    if (entry.count() == 0) continue;
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", entry.count(), StateText(entry.state()));
  }
  return text;
}

// Share of the FLOPs that is done; 0 where nothing is to be done.
double DoneShare(const v1::Campaign& campaign) {
  const double flops = campaign.cost().flops();
  return flops > 0 ? campaign.flops_done() / flops : 0;
}

}  // namespace

std::string JobText(const v1::Job& job) {
  Table table({"", ""});
  const auto add = [&](const std::string& what, const std::string& text) {
    if (!text.empty()) table.AddRow({what, text});
  };
  add("Label", job.label());
  add("Kind", Words(v1::JobKind_Name(job.kind())));
  add("State", StateText(job.state()));
  add("Reason", job.reason());
  add("Campaign", LastPart(job.campaign()));
  add("Trainer", job.trainer());
  add("Waits for", DependenciesText(job));
  add("Starts", StartText(job));
  add("Priority", job.priority() == 0 ? "" : fmt::to_string(job.priority()));
  add("Estimated", fmt::format("{} FLOP", FormatQuantity(job.estimated_flops())));
  add("Attempts",
      fmt::format("{}, {} failed, {} lost", job.attempt(), job.failure_count(), job.lost_count()));
  add("Worker", job.worker());
  add("Progress", ProgressText(job));
  add("Training loss", CurrentLoss(job));
  add("Experiment", LastPart(job.experiment()));
  if (job.has_statistics()) add("Run", StatisticsText(job.statistics()));
  if (job.has_failure()) add("Last failure", FailureText(job.failure()));
  for (const v1::Checkpoint& checkpoint : job.checkpoints()) {
    add("Checkpoint", fmt::format("{} tokens: {}", Tokens(checkpoint.tokens()), checkpoint.path()));
  }
  add("Created", TimeText(job.create_time()));
  add("Started", TimeText(job.start_time()));
  add("Ended", TimeText(job.end_time()));
  return fmt::format("{}\n{}", job.name(), table.Aligned("  "));
}

Table JobTable(const v1::ListJobsResponse& jobs) {
  Table table({"JOB", "KIND", "STATE", "ATTEMPT", "WORKER", "PROGRESS", "TRAIN LOSS", "LABEL"});
  for (const v1::Job& job : jobs.jobs()) {
    table.AddRow({LastPart(job.name()),
                  Words(v1::JobKind_Name(job.kind())),
                  StateText(job.state()),
                  fmt::to_string(job.attempt()),
                  job.worker(),
                  ProgressText(job),
                  CurrentLoss(job),
                  job.label()});
  }
  return table;
}

std::string JobLine(const v1::Job& job) {
  std::string line = fmt::format("{} {}", LastPart(job.name()), StateText(job.state()));
  if (job.state() == v1::RUNNING && job.has_progress()) {
    line += fmt::format(" {}, loss {}", ProgressText(job), CurrentLoss(job));
  }
  if (job.state() == v1::FAILED && job.has_failure()) line += ", " + job.failure().message();
  return fmt::format("{}: {}\n", line, job.label());
}

std::string CostText(const v1::CampaignCost& cost) {
  const std::string existing =
      cost.existing_count() == 0 ? ""
                                 : fmt::format("{} that the study has already: not trained again\n",
                                               Counted(cost.existing_count(), "run"));
  if (cost.job_count() == 0) return existing;
  Table table({"", "TOKENS", "FLOP", "SHARE"});
  table.AddRow(
      {"as planned, trunks shared",
       Tokens(cost.trained_tokens()),
       FormatQuantity(cost.flops()),
       cost.flops_alone() > 0 ? fmt::format("{:.2f}", cost.flops() / cost.flops_alone()) : ""});
  table.AddRow({"every run alone",
                Tokens(cost.trained_tokens_alone()),
                FormatQuantity(cost.flops_alone()),
                "1.00"});
  return fmt::format("{}, {}\n{}{}",
                     Counted(cost.job_count(), "job"),
                     Counted(cost.measurement_count(), "measurement"),
                     existing,
                     table.Aligned("  "));
}

int64_t JobsIn(const v1::Campaign& campaign, v1::JobState state) {
  for (const v1::Campaign::StateCount& entry : campaign.state_counts()) {
    if (entry.state() == state) return entry.count();
  }
  return 0;
}

std::string CampaignLine(const v1::Campaign& campaign) {
  if (campaign.cost().job_count() == 0) {
    return fmt::format("nothing to train: the study had {} already",
                       Counted(campaign.cost().existing_count(), "run"));
  }
  std::string line = fmt::format("{} of {} done",
                                 JobsIn(campaign, v1::SUCCEEDED),
                                 Counted(campaign.cost().job_count(), "job"));
  for (const v1::JobState state :
       {v1::RUNNING, v1::LEASED, v1::QUEUED, v1::LOST, v1::FAILED, v1::CANCELLED}) {
    const int64_t count = JobsIn(campaign, state);
    if (count > 0) line += fmt::format(", {} {}", count, StateText(state));
  }
  line += fmt::format("; {} of the FLOPs", Percent(DoneShare(campaign)));
  return campaign.reason().empty() ? line : fmt::format("{}; {}", line, campaign.reason());
}

std::string CampaignText(const v1::Campaign& campaign) {
  Table table({"", ""});
  const auto add = [&](const std::string& what, const std::string& text) {
    if (!text.empty()) table.AddRow({what, text});
  };
  add("Title", campaign.title());
  add("Jobs", CountsText(campaign));
  if (campaign.cost().job_count() > 0) {
    add("Done", fmt::format("{} of the FLOPs", Percent(DoneShare(campaign))));
  }
  add("State", campaign.ended() ? "ended" : "under way");
  add("Waits", campaign.reason());
  add("Created", TimeText(campaign.create_time()));
  return fmt::format("{}\n{}{}", campaign.name(), table.Aligned("  "), CostText(campaign.cost()));
}

Table CampaignTable(const v1::ListCampaignsResponse& campaigns) {
  Table table({"CAMPAIGN", "STATE", "JOBS", "DONE", "FAILED", "FLOP", "TITLE"});
  for (const v1::Campaign& campaign : campaigns.campaigns()) {
    table.AddRow({LastPart(campaign.name()),
                  campaign.ended() ? "ended" : "under way",
                  fmt::to_string(campaign.cost().job_count()),
                  fmt::to_string(JobsIn(campaign, v1::SUCCEEDED)),
                  fmt::to_string(JobsIn(campaign, v1::FAILED)),
                  FormatQuantity(campaign.cost().flops()),
                  campaign.title()});
  }
  return table;
}

}  // namespace bitbudget::cli
