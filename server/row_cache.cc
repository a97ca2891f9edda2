#include "server/row_cache.h"

#include <algorithm>
#include <utility>

#include "util/sha256.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

// Reads the rows after the last one of `rows`, with their marks at `revision`.
absl::Status AppendNewRows(db::Store& store,
                           const std::string& study,
                           int64_t revision,
                           ObservationConverter& converter,
                           FittingRows& rows) {
  const int64_t last = rows.row_numbers.empty() ? 0 : rows.row_numbers.back();
  return store.ReadFittingRows(study, revision, last, [&](const db::Store::FittingRow& row) {
    converter.Append(*row.experiment, rows.data);
    rows.row_numbers.push_back(row.row_number);
    rows.content_hashes.push_back(row.experiment->content_hash());
  });
}

// Applies the changes of marks between the revision of `rows` and `revision`.
absl::Status FollowExclusions(db::Store& store,
                              const std::string& study,
                              int64_t revision,
                              FittingRows& rows) {
  ASSIGN_OR_RETURN(const auto events, store.ReadExclusionsSince(study, rows.revision));
  for (const db::Store::ExclusionEvent& event : events) {
    if (event.revision > revision) break;
    const auto row =
        std::lower_bound(rows.row_numbers.begin(), rows.row_numbers.end(), event.row_number);
    // A row that is new since then is read with its mark.
    if (row == rows.row_numbers.end() || *row != event.row_number) continue;
    rows.data.rows[row - rows.row_numbers.begin()].excluded = event.excluded;
  }
  return absl::OkStatus();
}

std::string HashOf(const FittingRows& rows) {
  FieldHasher hasher;
  for (size_t i = 0; i < rows.content_hashes.size(); ++i) {
    hasher.Add(std::string_view(rows.content_hashes[i]));
    hasher.Add(static_cast<int64_t>(rows.data.rows[i].excluded));
  }
  return ToHex(hasher.Finish());
}

// Brings `rows` from their revision to a later one.
absl::Status Advance(db::Store& store,
                     const std::string& study,
                     int64_t revision,
                     ObservationConverter& converter,
                     FittingRows& rows) {
  RETURN_IF_ERROR(FollowExclusions(store, study, revision, rows));
  RETURN_IF_ERROR(AppendNewRows(store, study, revision, converter, rows));
  rows.revision = revision;
  rows.hash = HashOf(rows);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FittingRows> ReadRows(db::Store& store, const RowsQuery& query) {
  FittingRows rows;
  ObservationConverter converter(query.convention);
  RETURN_IF_ERROR(AppendNewRows(store, query.study, query.revision, converter, rows));
  rows.revision = query.revision;
  rows.hash = HashOf(rows);
  return rows;
}

absl::StatusOr<std::shared_ptr<const FittingRows>> RowCache::Rows(const RowsQuery& query) {
  const std::shared_ptr<Entry> entry = EntryOf(query.study);
  const std::lock_guard lock(entry->mutex);
  const bool is_same_study = entry->rows != nullptr && entry->generation == query.generation &&
                             entry->convention == query.convention;
  if (is_same_study && entry->rows->revision == query.revision) return entry->rows;
  if (is_same_study && entry->rows->revision > query.revision) {
    ASSIGN_OR_RETURN(FittingRows earlier, ReadRows(store_, query));
    return std::make_shared<const FittingRows>(std::move(earlier));
  }
  if (!is_same_study) {
    entry->generation = query.generation;
    entry->convention = query.convention;
    entry->converter = ObservationConverter(query.convention);
    entry->rows = nullptr;
  }
  return Extend(query, *entry);
}

absl::StatusOr<std::shared_ptr<const FittingRows>> RowCache::Extend(const RowsQuery& query,
                                                                    Entry& entry) {
  // Copies, so that a fit may go on reading what it has and a failure changes
  // nothing: 10 MB for 100,000 rows, nothing beside the fit that follows.
  auto rows =
      entry.rows ? std::make_shared<FittingRows>(*entry.rows) : std::make_shared<FittingRows>();
  ObservationConverter converter = entry.converter;
  RETURN_IF_ERROR(Advance(store_, query.study, query.revision, converter, *rows));
  entry.converter = std::move(converter);
  entry.rows = std::move(rows);
  return entry.rows;
}

void RowCache::Forget(const std::string& study) {
  const std::lock_guard lock(mutex_);
  entries_.erase(study);
}

std::shared_ptr<RowCache::Entry> RowCache::EntryOf(const std::string& study) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Entry>& entry = entries_[study];
  if (entry == nullptr) entry = std::make_shared<Entry>();
  return entry;
}

}  // namespace bitbudget::server
