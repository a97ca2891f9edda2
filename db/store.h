// The database: studies, experiments, their history, and fits, in one SQLite
// file.
//
// One writer, many readers. Every write goes through one queue to one thread,
// which commits many waiting writes together (group commit): a call returns
// after its own effect is durable. A savepoint around each write keeps a bad one
// from harming its neighbours; a failed commit fails them all with UNAVAILABLE.
// Readers use their own connections and never wait for the writer.
//
// Records are the messages of bitbudget.v1. Validation is the caller's: rows
// handed in are well formed and complete (role derived, activation_bits unset if
// 16). The store knows nothing of laws. docs/database.md has the schema and its
// reasons.
//
// Thread-safe. Errors beyond those named at each call:
// - UNAVAILABLE, DATABASE_FULL or DATABASE_WRITE_FAILED: the write did not
//   happen; the database goes on reading, and writing once there is room.
// - RESOURCE_EXHAUSTED, TOO_MANY_WRITES: so many writes wait that this one was
//   not taken; repeat it in a second.
// - DATA_LOSS, DATABASE_DAMAGED: a stored row does not match its hash.

#ifndef BITBUDGET_DB_STORE_H_
#define BITBUDGET_DB_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/fit.pb.h"
#include "bitbudget/v1/study.pb.h"
#include "util/clock.h"

namespace bitbudget::db {

struct StoreOptions {
  std::string path;  // created if absent; never a network file system
  const Clock* clock = Clock::System();
  // SQLite VFS to open the file with; empty for the default. A seam for tests.
  std::string vfs;
  // Upper limit of the file in pages of 4096 bytes; 0 for none.
  int64_t max_page_count = 0;
  int reader_connection_count = 4;  // at least 1
};

// Protects a write against repetition. The same id with the same request
// returns the first result; with another request ALREADY_EXISTS,
// REQUEST_ID_REUSED.
struct RequestKey {
  std::string request_id;  // empty: not protected
  std::string scope;       // method and parent
  std::string request_hash;
};

// One page of a list. `token` is opaque and bound to its query: a token of
// another query is INVALID_ARGUMENT, naming page_token.
struct PageRequest {
  int size = 100;  // at least 1
  std::string token;
};

struct StudyPage {
  std::vector<v1::Study> studies;
  std::string next_page_token;
};

struct ExperimentPage {
  std::vector<v1::Experiment> experiments;
  std::string next_page_token;
  int64_t revision = 0;
};

struct FitPage {
  std::vector<v1::Fit> fits;
  std::string next_page_token;
};

struct LawComparisonPage {
  std::vector<v1::LawComparison> comparisons;
  std::string next_page_token;
};

// A batch of rows to store, all or none.
struct InsertBatch {
  std::string study;  // "studies/{study}"
  std::vector<v1::Experiment> experiments;
  std::string import_batch;
  bool skip_conflicts = false;  // store the others, report the conflicts
  bool validate_only = false;   // report only
  bool return_experiments = true;
  // Not empty: the rows are stored excluded, for this reason, and conflict with
  // none.
  std::string exclude_reason;
  RequestKey request;
};

struct InsertResult {
  // The stored rows, in request order; empty with validate_only or if not asked
  // for.
  std::vector<v1::Experiment> experiments;
  int64_t revision = 0;
  int64_t created_count = 0;
  int64_t unchanged_count = 0;
  int64_t rejected_count = 0;             // with skip_conflicts
  std::vector<v1::RejectedRow> rejected;  // first 100
};

// Exclusion marks to set or clear.
struct ExclusionChange {
  std::string study;
  std::vector<std::string> names;  // or
  std::string import_batch;
  std::string reason;
  RequestKey request;
};

struct ExclusionResult {
  int64_t revision = 0;
  int64_t changed_count = 0;
};

class JobStore;

// What a reader of the fitting columns gets for each row, in the order of
// storing. Strings are valid during the call only.
using ExperimentVisitor = std::function<void(const v1::Experiment&)>;

class Store final {
 public:
  // Opens or creates the database, applies migrations, checks its integrity.
  //
  // Errors, each naming the file and what to do:
  // - FAILED_PRECONDITION: DATABASE_FOREIGN (not a bitbudget database),
  //   DATABASE_NEWER (schema of a later version), DATABASE_LOCKED (open in
  //   another server), NETWORK_FILE_SYSTEM.
  // - PERMISSION_DENIED: DATABASE_READ_ONLY. NOT_FOUND: no such directory.
  // - DATA_LOSS: DATABASE_DAMAGED.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options);

  // Closes the file. No call may be under way.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Studies. Names are "studies/{study}"; unknown ones are NOT_FOUND. Studies
  // are returned without fit_status, which the server fills in.
  absl::StatusOr<v1::Study> CreateStudy(const std::string& study_id,
                                        const v1::Study& study,
                                        const RequestKey& request);
  absl::StatusOr<v1::Study> GetStudy(const std::string& name);
  absl::StatusOr<StudyPage> ListStudies(const PageRequest& page);
  // Replaces the writable fields. `expected_etag` empty: unconditionally;
  // otherwise ABORTED, ETAG_MISMATCH unless it is the study's. Advances the
  // revision if `advance_revision`.
  struct StudyUpdate {
    v1::Study study;
    std::string expected_etag;
    bool advance_revision = false;
    std::string change_description;  // for the history
    RequestKey request;
  };
  absl::StatusOr<v1::Study> UpdateStudy(const StudyUpdate& update);
  // FAILED_PRECONDITION, STUDY_NOT_EMPTY unless empty or `force`.
  absl::Status DeleteStudy(const std::string& name, bool force, const RequestKey& request);

  // Experiments. ALREADY_EXISTS, EXPERIMENT_CONFLICT with a RowConflict each if
  // rows contradict stored ones or one another.
  absl::StatusOr<InsertResult> InsertExperiments(const InsertBatch& batch);
  absl::StatusOr<v1::Experiment> GetExperiment(const std::string& name);
  absl::StatusOr<ExperimentPage> ListExperiments(const v1::ListExperimentsRequest& query,
                                                 const PageRequest& page);
  // Calls `visit` for the rows that match, as of one revision, which is
  // returned. `cancelled` is polled; true ends with CANCELLED.
  absl::StatusOr<int64_t> ExportExperiments(const std::string& study,
                                            const v1::ExperimentFilter& filter,
                                            const ExperimentVisitor& visit,
                                            const std::function<bool()>& cancelled);
  absl::StatusOr<ExclusionResult> ExcludeExperiments(const ExclusionChange& change);
  absl::StatusOr<ExclusionResult> IncludeExperiments(const ExclusionChange& change);

  // Rows for fitting: every experiment of the study as it was at `revision`
  // (exclusion marks too), in the order of storing, hashes checked. Starts after
  // the row number `after_row` (0: from the first); each visit gets the row's
  // number, which grows. See server/row_cache.h for how it is used.
  struct FittingRow {
    int64_t row_number = 0;
    const v1::Experiment* experiment = nullptr;  // never null
  };
  absl::Status ReadFittingRows(const std::string& study,
                               int64_t revision,
                               int64_t after_row,
                               const std::function<void(const FittingRow&)>& visit);

  // Changes of exclusion marks after `revision`, oldest first, so that a cache
  // can follow without a rebuild.
  struct ExclusionEvent {
    int64_t revision = 0;
    int64_t row_number = 0;
    bool excluded = false;
  };
  absl::StatusOr<std::vector<ExclusionEvent>> ReadExclusionsSince(const std::string& study,
                                                                  int64_t revision);

  // Fits. The store sets name, create_time and content_hash.
  absl::StatusOr<v1::Fit> InsertFit(const std::string& study,
                                    const v1::Fit& fit,
                                    const RequestKey& request);
  // "…/fits/latest" is the newest fit with standard_options of the highest
  // revision. NOT_FOUND if there is none.
  absl::StatusOr<v1::Fit> GetFit(const std::string& name);
  absl::StatusOr<FitPage> ListFits(const std::string& study, const PageRequest& page);

  // Comparisons of laws, as fits; "…/comparisons/latest" is the newest.
  absl::StatusOr<v1::LawComparison> InsertLawComparison(const std::string& study,
                                                        const v1::LawComparison& comparison,
                                                        const RequestKey& request);
  absl::StatusOr<v1::LawComparison> GetLawComparison(const std::string& name);
  absl::StatusOr<LawComparisonPage> ListLawComparisons(const std::string& study,
                                                       const PageRequest& page);

  // Jobs and campaigns, in the same file. Lives as long as the store.
  JobStore& jobs();

  // Copies the database to a new file. See StudyService.Backup.
  absl::StatusOr<int64_t> Backup(const std::string& path);

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_STORE_H_
