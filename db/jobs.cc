#include "db/jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "db/content_hash.h"
#include "db/experiment_filter.h"
#include "db/job_row.h"
#include "db/names.h"
#include "db/page_token.h"
#include "db/requests.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

// A dependency as the insertion of a job sees it.
struct Dependency {
  int64_t key = 0;
  bool has_succeeded = false;
};

// Takes the jobs of one request into the tables, in order.
class JobInserter {
 public:
  JobInserter(const WriteContext& context, const StudyHandle& study, int64_t campaign_key)
      : context_(context), study_(study), campaign_key_(campaign_key) {}

  absl::StatusOr<std::vector<std::string>> Run(const std::vector<NewJob>& jobs) {
    next_number_ = TakeNumbers(static_cast<int64_t>(jobs.size()));
    for (const NewJob& job : jobs) RETURN_IF_ERROR(Insert(job));
    return std::move(names_);
  }

 private:
  // Reserves `count` numbers; the first of them.
  int64_t TakeNumbers(int64_t count) {
    Query query(context_.connection,
                "UPDATE studies SET last_job_number = last_job_number + ?2 WHERE study_key = ?1 "
                "RETURNING last_job_number",
                study_.key,
                count);
    query.Next();
    const int64_t first = query.Int(0) - count + 1;
    query.Next();
    return first;
  }

  absl::Status Insert(const NewJob& new_job) {
    v1::Job job = new_job.job;
    std::vector<Dependency> dependencies;
    for (const std::string& name : job.dependencies()) {
      ASSIGN_OR_RETURN(dependencies.emplace_back(), FindDependency(name));
    }
    for (const int index : new_job.earlier_dependencies) {
      job.add_dependencies(names_.at(index));
      dependencies.push_back({.key = keys_.at(index)});
    }
    if (new_job.earlier_start_job >= 0) job.set_start_job(names_.at(new_job.earlier_start_job));
    const auto waiting_count =
        std::count_if(dependencies.begin(), dependencies.end(), [](const Dependency& dependency) {
          return !dependency.has_succeeded;
        });
    const int64_t key = InsertJobRow(context_,
                                     job,
                                     {.study_key = study_.key,
                                      .job_number = next_number_,
                                      .campaign_key = campaign_key_,
                                      .waiting_count = waiting_count,
                                      .memory_bytes = new_job.memory_bytes});
    for (const Dependency& dependency : dependencies) Link(dependency.key, key);
    keys_.push_back(key);
    names_.push_back(JobName(study_.name, next_number_++));
    return absl::OkStatus();
  }

  absl::StatusOr<Dependency> FindDependency(const std::string& name) {
    ASSIGN_OR_RETURN(const StoredJob stored, LoadJob(context_.connection, name));
    if (stored.job.state() == v1::FAILED || stored.job.state() == v1::CANCELLED) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition,
          fmt::format("{} is {}; retry it first, or depend on another job",
                      name,
                      v1::JobState_Name(stored.job.state())),
          {.reason = "DEPENDENCY_ENDED", .resource_type = "job", .resource_name = name});
    }
    return Dependency{.key = stored.key, .has_succeeded = stored.job.state() == v1::SUCCEEDED};
  }

  void Link(int64_t dependency_key, int64_t job_key) {
    Query(context_.connection,
          "INSERT INTO job_dependencies (dependency_key, job_key) VALUES (?1, ?2)",
          dependency_key,
          job_key)
        .Run();
  }

  const WriteContext& context_;
  const StudyHandle& study_;
  const int64_t campaign_key_;
  int64_t next_number_ = 0;
  std::vector<int64_t> keys_;
  std::vector<std::string> names_;
};

absl::StatusOr<int64_t> FindCampaign(Connection& connection, const std::string& name) {
  const std::optional<ChildName> parts = ParseChildName(name, "campaigns");
  if (!parts) return NotFound("campaign", name);
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, parts->study));
  Query query(connection,
              "SELECT campaign_key FROM campaigns WHERE study_key = ?1 AND campaign_id = ?2",
              study.key,
              parts->id);
  if (!query.Next()) return NotFound("campaign", name);
  return query.Int(0);
}

absl::Status AddFilter(Connection& connection, const v1::JobFilter& filter, Condition& condition) {
  if (!filter.campaign().empty()) {
    ASSIGN_OR_RETURN(const int64_t campaign_key, FindCampaign(connection, filter.campaign()));
    condition.Add("jobs.campaign_key = ?", {campaign_key});
  }
  if (!filter.worker().empty()) condition.Add("worker = ?", {filter.worker()});
  std::string marks;
  std::vector<Condition::Value> states;
  for (const int state : filter.states()) {
    marks += marks.empty() ? "?" : ", ?";
    states.emplace_back(int64_t{state});
  }
  if (!states.empty()) condition.Add(fmt::format("state IN ({})", marks), states);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> InsertJobs(WriteContext& context,
                                                    const StudyHandle& study,
                                                    int64_t campaign_key,
                                                    const std::vector<NewJob>& jobs) {
  return JobInserter(context, study, campaign_key).Run(jobs);
}

absl::StatusOr<v1::Job> CreateJob(WriteContext& context,
                                  const std::string& study_name,
                                  const NewJob& job,
                                  const RequestKey& request) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(context.connection, study_name));
  return Once<v1::Job>(context, study.key, request, [&]() -> absl::StatusOr<v1::Job> {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, InsertJobs(context, study, 0, {job}));
    ASSIGN_OR_RETURN(StoredJob stored, LoadJob(context.connection, names.front()));
    return std::move(stored.job);
  });
}

absl::StatusOr<v1::Job> GetJob(Connection& connection, const std::string& name) {
  ASSIGN_OR_RETURN(StoredJob stored, LoadJob(connection, name));
  ASSIGN_OR_RETURN(const std::vector<v1::ProgressPoint> curve, ReadCurve(connection, name, -1));
  stored.job.mutable_curve()->Add(curve.begin(), curve.end());
  return std::move(stored.job);
}

absl::StatusOr<std::map<v1::JobState, int64_t>> CountJobs(Connection& connection) {
  Query query(connection,
              "SELECT state, count(*) FROM jobs JOIN studies USING (study_key) "
              "WHERE deleted = 0 GROUP BY state");
  std::map<v1::JobState, int64_t> counts;
  while (query.Next()) counts[static_cast<v1::JobState>(query.Int(0))] = query.Int(1);
  return counts;
}

absl::StatusOr<JobPage> ListJobs(Connection& connection,
                                 const std::string& study_name,
                                 const v1::JobFilter& filter,
                                 const PageRequest& page) {
  Condition condition;
  condition.Add("deleted = 0");
  int64_t study_key = kNoStudy;
  if (!study_name.empty()) {
    ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, study_name));
    study_key = study.key;
    condition.Add("jobs.study_key = ?", {study_key});
  }
  RETURN_IF_ERROR(AddFilter(connection, filter, condition));
  const PageTokens tokens(fmt::format("ListJobs {} {}", study_key, HashMessage(filter)));
  ASSIGN_OR_RETURN(const std::string position, tokens.Parse(page.token));
  condition.Add("job_key > ?", {ParseNumber(position).value_or(0)});
  // Not a literal, hence no Query.
  SQLite::Statement statement(connection.database(),
                              fmt::format("SELECT job_key FROM jobs JOIN studies USING (study_key) "
                                          "WHERE {} ORDER BY job_key LIMIT {}",
                                          condition.sql(),
                                          page.size + 1));
  condition.Bind(statement);
  JobPage result;
  int64_t last_key = 0;
  while (statement.executeStep()) {
    if (static_cast<int>(result.jobs.size()) == page.size) {
      result.next_page_token = tokens.Make(fmt::to_string(last_key));
      break;
    }
    last_key = statement.getColumn(0).getInt64();
    ASSIGN_OR_RETURN(StoredJob stored, LoadJob(connection, last_key));
    result.jobs.push_back(std::move(stored.job));
  }
  return result;
}

absl::StatusOr<std::vector<v1::ProgressPoint>> ReadCurve(Connection& connection,
                                                         const std::string& name,
                                                         int64_t after_tokens) {
  ASSIGN_OR_RETURN(const StoredJob stored, LoadJob(connection, name));
  Query query(connection,
              "SELECT tokens, loss_nats, learning_rate, tokens_per_second FROM job_points "
              "WHERE job_key = ?1 AND tokens > ?2 ORDER BY tokens",
              stored.key,
              after_tokens);
  std::vector<v1::ProgressPoint> points;
  while (query.Next()) {
    v1::ProgressPoint& point = points.emplace_back();
    point.set_tokens(query.Int(0));
    point.set_loss_nats(query.Double(1));
    point.set_learning_rate(query.Double(2));
    point.set_tokens_per_second(query.Double(3));
  }
  return points;
}

}  // namespace bitbudget::db
