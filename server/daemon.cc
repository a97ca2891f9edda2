#include "server/daemon.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <utility>

#include "db/store.h"
#include "server/connect_methods.h"
#include "server/grpc_job_services.h"
#include "server/grpc_server.h"
#include "server/grpc_services.h"
#include "server/http_server.h"
#include "server/job_board.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/shutdown_limit.h"
#include "server/worker_pool.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr int kMostWaiters = 1'024;
constexpr int kMostQueuedQuestions = 1'024;
// Threads for jobs and streams: they wait for the disk, and those that wait together
// share a commit.
constexpr int kJobThreads = 64;
constexpr int kMostQueuedJobTasks = 4'096;
// For calls that are told to give up to do so and say so: long work looks up between
// two fits.
constexpr absl::Duration kLastWords = absl::Seconds(1);
// For the rest: replies on their way, the last commit.
constexpr absl::Duration kSlack = absl::Seconds(5);

// What there is of jobs at this moment; what cannot be read is left out.
Gauges ReadGauges(db::Store& store, const JobBoard& board) {
  Gauges gauges{.active_lease_count = static_cast<int64_t>(board.leases.size())};
  const auto counts = store.jobs().CountJobs();
  if (!counts.ok()) return gauges;
  for (int state = v1::JobState_MIN + 1; state <= v1::JobState_MAX; ++state) {
    const auto found = counts->find(static_cast<v1::JobState>(state));
    gauges.jobs_by_state[v1::JobState_Name(state)] = found == counts->end() ? 0 : found->second;
  }
  return gauges;
}

// Null if no HTTP port is wanted, or the default one cannot be had.
absl::StatusOr<std::unique_ptr<HttpServer>> StartHttp(const Config& config,
                                                      const ConnectMethods& methods,
                                                      CallGate& gate,
                                                      std::function<std::string()> metrics) {
  if (config.http == "none") return nullptr;
  auto server =
      HttpServer::Start({.listen = config.http,
                         .dashboard = config.dashboard,
                         .allowed_origins = config.http_allowed_origins,
                         .most_message_bytes = static_cast<size_t>(config.max_message_bytes),
                         .metrics = std::move(metrics)},
                        methods,
                        gate);
  if (server.ok() || config.is_http_asked) return server;
  Log(LogLevel::kWarning, "no HTTP port", {{"error", std::string(server.status().message())}});
  return nullptr;
}

}  // namespace

absl::Status RunDaemon(const Config& config,
                       const std::function<void(const Addresses&)>& on_ready,
                       const std::function<void()>& wait_for_end) {
  std::optional<ShutdownLimit> limit;  // outlives all that may hang
  ASSIGN_OR_RETURN(
      const std::unique_ptr<db::Store> store,
      db::Store::Open({.path = config.database, .max_page_count = config.max_page_count}));
  Metrics::Process();  // counts from now on
  // In the order of their use: each is gone before what it borrows.
  CallGate gate;
  SnapshotRegistry registry(kMostWaiters);
  RowCache rows(*store);
  std::shared_mutex deletion_mutex;
  const FitParts parts{*store, registry, rows, deletion_mutex};
  RefitScheduler refits(parts);
  StudyService studies(parts, refits);
  ExperimentService experiments(parts, refits);
  FitService fits(parts);
  LawService laws;
  const int core_count = static_cast<int>(std::thread::hardware_concurrency());
  WorkerPool pool(std::max(1, core_count), kMostQueuedQuestions);
  PlannerService planner(*store, registry, pool);
  WorkerPool job_pool(kJobThreads, kMostQueuedJobTasks);
  JobBoard board(job_pool, kMostWaiters);
  JobService jobs(parts, refits, board);
  CampaignService campaigns(*store, board);
  GrpcStudyService grpc_studies(studies, gate);
  GrpcExperimentService grpc_experiments(experiments, gate);
  GrpcFitService grpc_fits(fits, gate, job_pool);
  GrpcLawService grpc_laws(laws, gate);
  GrpcPlannerService grpc_planner(planner, gate);
  GrpcJobService grpc_jobs(jobs, gate, job_pool);
  GrpcCampaignService grpc_campaigns(campaigns, gate, job_pool);

  const ConnectMethods methods({studies, experiments, fits, laws, planner, jobs, campaigns});

  RETURN_IF_ERROR(refits.Start());
  RETURN_IF_ERROR(jobs.Start());
  ASSIGN_OR_RETURN(const std::unique_ptr<GrpcServer> server,
                   GrpcServer::Start(config,
                                     {&grpc_studies,
                                      &grpc_experiments,
                                      &grpc_fits,
                                      &grpc_laws,
                                      &grpc_planner,
                                      &grpc_jobs,
                                      &grpc_campaigns}));
  ASSIGN_OR_RETURN(const std::unique_ptr<HttpServer> http,
                   StartHttp(config, methods, gate, [&store, &board] {
                     return Metrics::Process().Text(ReadGauges(*store, board));
                   }));
  on_ready({.grpc = server->address(), .http = http ? http->address() : ""});
  wait_for_end();

  Log(LogLevel::kInfo, "shutting down");
  limit.emplace(config.shutdown_grace + kLastWords + kSlack);
  server->StopServing();
  if (http) http->StopServing();
  gate.Close();
  registry.Drain();
  board.Drain();
  jobs.Stop();
  refits.Stop();
  if (!gate.WaitUntilEmpty(config.shutdown_grace)) {
    gate.CancelCalls();
    gate.WaitUntilEmpty(kLastWords);
  }
  if (http) http->Shutdown();
  server->Shutdown();
  Log(LogLevel::kInfo, "stopped");
  return absl::OkStatus();
}

}  // namespace bitbudget::server
