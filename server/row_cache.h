// The rows of each study as the fitter takes them, so that a refit after a few
// new rows does not read all of them again. Append-only like the database; what
// follows a change of exclusion marks is a copy with other marks.
//
// The database checks content hashes as rows are read. Thread-safe.

#ifndef BITBUDGET_SERVER_ROW_CACHE_H_
#define BITBUDGET_SERVER_ROW_CACHE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "bitbudget/v1/study.pb.h"
#include "db/store.h"
#include "fitter/observation.h"
#include "server/convert.h"

namespace bitbudget::server {

// The rows of a study as they were at one revision, in the order of storing.
// Immutable once shared.
struct FittingRows {
  int64_t revision = 0;
  fitter::Dataset data;
  std::vector<int64_t> row_numbers;         // by row, ascending
  std::vector<std::string> content_hashes;  // by row
  // SHA-256 over content hash and exclusion mark of every row, in hexadecimal.
  std::string hash;
};

// Which rows.
struct RowsQuery {
  std::string study;       // "studies/{study}"
  int64_t generation = 0;  // see StudyState
  v1::ParameterConvention convention = v1::NON_EMBEDDING;
  int64_t revision = 0;
};

// Reads them from the database. `query.generation` is not used. Errors are those
// of db::Store::ReadFittingRows.
absl::StatusOr<FittingRows> ReadRows(db::Store& store, const RowsQuery& query);

class RowCache {
 public:
  // `store` is borrowed.
  explicit RowCache(db::Store& store) : store_(store) {}

  // The rows at exactly `query.revision`: what is cached, brought up to date;
  // read afresh if the cache is of another generation, convention, or later.
  // Errors as ReadRows; a failure caches nothing.
  absl::StatusOr<std::shared_ptr<const FittingRows>> Rows(const RowsQuery& query);

  // Drops the rows of a study.
  void Forget(const std::string& study);

 private:
  // Rows that lookups share with the fits that use them.
  struct Entry {
    // Guards what follows; held while the database is read, never during a fit.
    std::mutex mutex;
    int64_t generation = 0;
    v1::ParameterConvention convention = v1::NON_EMBEDDING;
    ObservationConverter converter{v1::NON_EMBEDDING};
    std::shared_ptr<const FittingRows> rows;
  };

  std::shared_ptr<Entry> EntryOf(const std::string& study);
  // Brings the rows of `entry`, whose mutex is held, up to `query.revision`.
  absl::StatusOr<std::shared_ptr<const FittingRows>> Extend(const RowsQuery& query, Entry& entry);

  db::Store& store_;
  std::mutex mutex_;  // guards entries_
  // Shared with lookups under way while Forget drops an entry.
  std::unordered_map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_ROW_CACHE_H_
