#include "db/experiment_row.h"

#include <fmt/format.h>

#include "db/content_hash.h"
#include "db/names.h"
#include "db/sqlite_error.h"
#include "util/sha256.h"

namespace bitbudget::db {
namespace {

// Parts of the natural key are never NULL, because a unique index takes two
// NULLs for different: these stand for "unset".
constexpr double kUnquantizedActivationBits = 16;
constexpr int64_t kNoGroups = 0;

double ActivationBits(const v1::Experiment& experiment) {
  return experiment.has_activation_bits() ? experiment.activation_bits()
                                          : kUnquantizedActivationBits;
}

int64_t GroupSize(const v1::Experiment& experiment) {
  return experiment.has_group_size() ? experiment.group_size() : kNoGroups;
}

// Reads the columns of a row from left to right.
class RowReader {
 public:
  explicit RowReader(SQLite::Statement& row) : row_(row) {}

  int64_t Int() { return row_.getColumn(column_++).getInt64(); }
  int32_t SmallInt() { return static_cast<int32_t>(Int()); }
  double Double() { return row_.getColumn(column_++).getDouble(); }
  bool NextIsNull() { return row_.isColumnNull(column_); }
  void Skip() { ++column_; }
  // Copies text or bytes without a temporary; `field` keeps its capacity.
  void String(std::string* field) {
    const SQLite::Column column = row_.getColumn(column_++);
    const auto* bytes = static_cast<const char*>(column.getBlob());
    field->assign(bytes == nullptr ? "" : bytes, static_cast<size_t>(column.getBytes()));
  }

 private:
  SQLite::Statement& row_;
  int column_ = 0;
};

void ReadContent(RowReader& row, v1::Experiment& experiment) {
  experiment.set_role(static_cast<v1::Role>(row.Int()));
  row.String(experiment.mutable_recipe());
  row.String(experiment.mutable_optimizer());
  row.String(experiment.mutable_schedule());
  experiment.set_parameters(row.Int());
  experiment.set_fp_tokens(row.Int());
  experiment.set_qat_tokens(row.Int());
  experiment.set_weight_bits(row.Double());
  if (const double bits = row.Double(); bits != kUnquantizedActivationBits) {
    experiment.set_activation_bits(bits);
  }
  if (const int64_t size = row.Int(); size != kNoGroups) experiment.set_group_size(size);
  experiment.set_replicate(row.SmallInt());
  experiment.set_embedding_parameters(row.Int());
  row.String(experiment.mutable_trunk());
  experiment.set_loss_nats(row.Double());
  row.NextIsNull() ? row.Skip() : experiment.set_loss_stderr_nats(row.Double());
  row.String(experiment.mutable_note());
}

void ReadOrigin(RowReader& row, v1::Experiment& experiment) {
  v1::ExperimentProvenance& provenance = *experiment.mutable_provenance();
  row.String(provenance.mutable_import_batch());
  provenance.set_line(row.Int());
  row.String(provenance.mutable_job());
  provenance.set_attempt(row.SmallInt());
  row.String(provenance.mutable_code_version());
  SetTimestamp(row.Int(), experiment.mutable_create_time());
  experiment.set_create_revision(row.Int());
  experiment.set_excluded(row.Int() != 0);
  row.String(experiment.mutable_exclude_reason());
}

// Binds values from left to right without copying strings.
class RowBinder {
 public:
  explicit RowBinder(SQLite::Statement& statement) : statement_(statement) {}

  void Int(int64_t value) { statement_.bind(++index_, value); }
  void Double(double value) { statement_.bind(++index_, value); }
  void Null() { statement_.bind(++index_); }
  void Text(const std::string& value) { statement_.bindNoCopy(++index_, value); }
  void Bytes(const std::string& value) {
    statement_.bindNoCopy(++index_, value.data(), static_cast<int>(value.size()));
  }

 private:
  SQLite::Statement& statement_;
  int index_ = 0;
};

void BindNaturalKey(RowBinder& binder, int64_t study_key, const v1::Experiment& experiment) {
  binder.Int(study_key);
  binder.Int(experiment.role());
  binder.Text(experiment.recipe());
  binder.Text(experiment.optimizer());
  binder.Text(experiment.schedule());
  binder.Int(experiment.parameters());
  binder.Int(experiment.fp_tokens());
  binder.Int(experiment.qat_tokens());
  binder.Double(experiment.weight_bits());
  binder.Double(ActivationBits(experiment));
  binder.Int(GroupSize(experiment));
  binder.Int(experiment.replicate());
}

}  // namespace

std::string ExperimentName(const std::string& study_name, int64_t row_number) {
  return fmt::format("{}/experiments/{}", study_name, row_number);
}

absl::StatusOr<int64_t> ReadExperiment(SQLite::Statement& row,
                                       const std::string& study_name,
                                       const std::string& path,
                                       v1::Experiment& experiment) {
  experiment.Clear();
  RowReader reader(row);
  const int64_t row_number = reader.Int();
  ReadContent(reader, experiment);
  std::string stored_hash;
  reader.String(&stored_hash);
  ReadOrigin(reader, experiment);
  if (HashExperiment(experiment) != stored_hash) {
    return DatabaseDamaged(
        path,
        fmt::format("{} does not match its content hash", ExperimentName(study_name, row_number)));
  }
  experiment.set_name(ExperimentName(study_name, row_number));
  experiment.set_content_hash(ToHex(stored_hash));
  return row_number;
}

bool InsertRow(Connection& connection,
               const v1::Experiment& experiment,
               const std::string& content_hash,
               const StoredAs& stored_as) {
  Query query(connection,
              "INSERT INTO experiments (study_key, role, recipe, optimizer, schedule, parameters, "
              "fp_tokens, qat_tokens, weight_bits, activation_bits, group_size, replicate, "
              "row_number, embedding_parameters, trunk, loss_nats, loss_stderr_nats, note, "
              "content_hash, import_batch, source_line, job, attempt, code_version, create_time, "
              "create_revision, excluded, exclude_reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
              "?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, "
              "?26, ?27, ?28) "
              "ON CONFLICT (study_key, parameters, fp_tokens, qat_tokens, weight_bits, replicate, "
              "role, schedule, recipe, optimizer, activation_bits, group_size) "
              "WHERE excluded = 0 DO NOTHING");
  RowBinder binder(query.statement());
  BindNaturalKey(binder, stored_as.study_key, experiment);
  binder.Int(stored_as.row_number);
  binder.Int(experiment.embedding_parameters());
  binder.Text(experiment.trunk());
  binder.Double(experiment.loss_nats());
  experiment.has_loss_stderr_nats() ? binder.Double(experiment.loss_stderr_nats()) : binder.Null();
  binder.Text(experiment.note());
  binder.Bytes(content_hash);
  const v1::ExperimentProvenance& provenance = experiment.provenance();
  binder.Text(stored_as.import_batch);
  binder.Int(provenance.line());
  binder.Text(provenance.job());
  binder.Int(provenance.attempt());
  binder.Text(provenance.code_version());
  binder.Int(stored_as.create_time);
  binder.Int(stored_as.create_revision);
  binder.Int(stored_as.excluded ? 1 : 0);
  binder.Text(stored_as.exclude_reason);
  return query.Run() == 1;
}

void SetStoredFields(const std::string& study_name,
                     const std::string& content_hash,
                     const StoredAs& stored_as,
                     v1::Experiment& experiment) {
  experiment.set_name(ExperimentName(study_name, stored_as.row_number));
  experiment.mutable_provenance()->set_import_batch(stored_as.import_batch);
  SetTimestamp(stored_as.create_time, experiment.mutable_create_time());
  experiment.set_create_revision(stored_as.create_revision);
  experiment.set_excluded(stored_as.excluded);
  experiment.set_exclude_reason(stored_as.exclude_reason);
  experiment.set_content_hash(ToHex(content_hash));
}

int64_t FindByNaturalKey(Connection& connection,
                         int64_t study_key,
                         const v1::Experiment& experiment) {
  Query query(connection,
              "SELECT row_number FROM experiments WHERE excluded = 0 AND study_key = ?1 "
              "AND role = ?2 AND recipe = ?3 AND optimizer = ?4 AND schedule = ?5 "
              "AND parameters = ?6 AND fp_tokens = ?7 AND qat_tokens = ?8 AND weight_bits = ?9 "
              "AND activation_bits = ?10 AND group_size = ?11 AND replicate = ?12");
  RowBinder binder(query.statement());
  BindNaturalKey(binder, study_key, experiment);
  return query.Next() ? query.Int(0) : 0;
}

}  // namespace bitbudget::db
