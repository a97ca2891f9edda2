#include "db/store.h"

#include <SQLiteCpp/Transaction.h>

#include <filesystem>
#include <utility>

#include "db/backup.h"
#include "db/exclusions.h"
#include "db/experiment_insert.h"
#include "db/experiments.h"
#include "db/file.h"
#include "db/fits.h"
#include "db/history.h"
#include "db/integrity.h"
#include "db/job_store.h"
#include "db/law_comparisons.h"
#include "db/names.h"
#include "db/reader_pool.h"
#include "db/requests.h"
#include "db/schema.h"
#include "db/sqlite_error.h"
#include "db/studies.h"
#include "db/writer.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

// Checks and migrates the file and returns the connection of the writer.
absl::StatusOr<std::unique_ptr<Connection>> OpenForWriting(const ConnectionOptions& options,
                                                           const Clock& clock) {
  try {
    auto connection = std::make_unique<Connection>(options);
    RETURN_IF_ERROR(CheckIdentity(*connection));
    RETURN_IF_ERROR(CheckIntegrity(*connection));
    Migrate(*connection);
    ForgetOldResults(*connection, ToMicroseconds(clock.Now()));
    return connection;
  } catch (const std::exception& error) {
    return StatusOf(error, options.path, Activity::kOpening);
  }
}

}  // namespace

struct Store::Impl {
  Impl(DatabaseLock database_lock,
       std::unique_ptr<Connection> connection,
       ConnectionOptions for_readers,
       const StoreOptions& options)
      : lock(std::move(database_lock)),
        reader_options(std::move(for_readers)),
        writer(std::move(connection), options.clock),
        readers(reader_options, options.reader_connection_count),
        jobs(writer, readers) {}

  // Destroyed from the last: the writer's connection is closed after those of
  // the readers, which cannot fold the write-ahead log into the file.
  const DatabaseLock lock;
  const ConnectionOptions reader_options;
  Writer writer;
  ReaderPool readers;
  JobStore jobs;
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() = default;

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  ASSIGN_OR_RETURN(const std::string path, ResolvePath(options.path));
  RETURN_IF_ERROR(CheckFileSystem(path));
  ASSIGN_OR_RETURN(DatabaseLock lock, DatabaseLock::Take(path));
  RETURN_IF_ERROR(CheckFile(path));
  ConnectionOptions connection_options{.path = path,
                                       .vfs = options.vfs,
                                       .read_only = false,
                                       .max_page_count = options.max_page_count};
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection,
                   OpenForWriting(connection_options, *options.clock));
  connection_options.read_only = true;
  return std::unique_ptr<Store>(new Store(
      std::make_unique<Impl>(std::move(lock), std::move(connection), connection_options, options)));
}

absl::StatusOr<v1::Study> Store::CreateStudy(const std::string& study_id,
                                             const v1::Study& study,
                                             const RequestKey& request) {
  return impl_->writer.RunFor<v1::Study>(
      [&](WriteContext& context) { return db::CreateStudy(context, study_id, study, request); });
}

absl::StatusOr<v1::Study> Store::GetStudy(const std::string& name) {
  return impl_->readers.Run([&](Connection& connection) { return db::GetStudy(connection, name); });
}

absl::StatusOr<StudyPage> Store::ListStudies(const PageRequest& page) {
  return impl_->readers.Run(
      [&](Connection& connection) { return db::ListStudies(connection, page); });
}

absl::StatusOr<v1::Study> Store::UpdateStudy(const StudyUpdate& update) {
  return impl_->writer.RunFor<v1::Study>(
      [&](WriteContext& context) { return db::UpdateStudy(context, update); });
}

absl::Status Store::DeleteStudy(const std::string& name, bool force, const RequestKey& request) {
  return impl_->writer.Run(
      [&](WriteContext& context) { return db::DeleteStudy(context, name, force, request); });
}

absl::StatusOr<InsertResult> Store::InsertExperiments(const InsertBatch& batch) {
  const std::vector<std::string> hashes = HashExperiments(batch);
  return impl_->writer.RunFor<InsertResult>(
      [&](WriteContext& context) { return db::InsertExperiments(context, batch, hashes); });
}

absl::StatusOr<v1::Experiment> Store::GetExperiment(const std::string& name) {
  return impl_->readers.Run(
      [&](Connection& connection) { return db::GetExperiment(connection, name); });
}

absl::StatusOr<ExperimentPage> Store::ListExperiments(const v1::ListExperimentsRequest& query,
                                                      const PageRequest& page) {
  return impl_->readers.Run(
      [&](Connection& connection) { return db::ListExperiments(connection, query, page); });
}

absl::StatusOr<int64_t> Store::ExportExperiments(const std::string& study,
                                                 const v1::ExperimentFilter& filter,
                                                 const ExperimentVisitor& visit,
                                                 const std::function<bool()>& cancelled) {
  return impl_->readers.Run([&](Connection& connection) {
    return db::ExportExperiments(connection, study, filter, visit, cancelled);
  });
}

absl::StatusOr<ExclusionResult> Store::ExcludeExperiments(const ExclusionChange& change) {
  return impl_->writer.RunFor<ExclusionResult>(
      [&](WriteContext& context) { return SetExclusion(context, change, true); });
}

absl::StatusOr<ExclusionResult> Store::IncludeExperiments(const ExclusionChange& change) {
  return impl_->writer.RunFor<ExclusionResult>(
      [&](WriteContext& context) { return SetExclusion(context, change, false); });
}

absl::Status Store::ReadFittingRows(const std::string& study,
                                    int64_t revision,
                                    int64_t after_row,
                                    const std::function<void(const FittingRow&)>& visit) {
  return impl_->readers.Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const StudyHandle handle, FindStudy(connection, study));
    return db::ReadFittingRows(connection, handle, revision, after_row, visit);
  });
}

absl::StatusOr<std::vector<Store::ExclusionEvent>> Store::ReadExclusionsSince(
    const std::string& study, int64_t revision) {
  return impl_->readers.Run(
      [&](Connection& connection) -> absl::StatusOr<std::vector<ExclusionEvent>> {
        ASSIGN_OR_RETURN(const StudyHandle handle, FindStudy(connection, study));
        return db::ReadExclusionsSince(connection, handle.key, revision);
      });
}

absl::StatusOr<v1::Fit> Store::InsertFit(const std::string& study,
                                         const v1::Fit& fit,
                                         const RequestKey& request) {
  return impl_->writer.RunFor<v1::Fit>(
      [&](WriteContext& context) { return db::InsertFit(context, study, fit, request); });
}

absl::StatusOr<v1::Fit> Store::GetFit(const std::string& name) {
  return impl_->readers.Run([&](Connection& connection) { return db::GetFit(connection, name); });
}

absl::StatusOr<FitPage> Store::ListFits(const std::string& study, const PageRequest& page) {
  return impl_->readers.Run(
      [&](Connection& connection) { return db::ListFits(connection, study, page); });
}

absl::StatusOr<v1::LawComparison> Store::InsertLawComparison(const std::string& study,
                                                             const v1::LawComparison& comparison,
                                                             const RequestKey& request) {
  return impl_->writer.RunFor<v1::LawComparison>([&](WriteContext& context) {
    return db::InsertLawComparison(context, study, comparison, request);
  });
}

absl::StatusOr<v1::LawComparison> Store::GetLawComparison(const std::string& name) {
  return impl_->readers.Run(
      [&](Connection& connection) { return db::GetLawComparison(connection, name); });
}

absl::StatusOr<LawComparisonPage> Store::ListLawComparisons(const std::string& study,
                                                            const PageRequest& page) {
  return impl_->readers.Run(
      [&](Connection& connection) { return db::ListLawComparisons(connection, study, page); });
}

JobStore& Store::jobs() { return impl_->jobs; }

absl::StatusOr<int64_t> Store::Backup(const std::string& path) {
  try {
    // Of its own, because copying must not run in a transaction.
    Connection connection(impl_->reader_options);
    return CopyDatabase(connection, path);
  } catch (const std::exception& error) {
    return StatusOf(error, impl_->reader_options.path, Activity::kReading);
  }
}

}  // namespace bitbudget::db
