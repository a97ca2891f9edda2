// Durable ingest through the store beside plain SQLite, and how long a large
// study takes to open and to show.
//
//   ingest_bench [DIRECTORY]
//
// The peer inserts the same rows into the same table with the same indexes,
// taken from a file of the store, with one prepared statement and one
// transaction a batch: no hashes, no history, no conflicts named, no queue. Both
// write WAL with synchronous=FULL. Rounds alternate, because a shared disk drifts;
// the ratio of each pair is taken, and the median of the ratios reported.

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "db/store.h"
#include "util/ids.h"

namespace bitbudget {
namespace {

constexpr int kRounds = 7;

double SecondsOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// A number that cannot be had is no number.
void Require(const absl::Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "ingest_bench: {}\n", status.ToString());
  std::exit(1);
}

std::vector<v1::Experiment> Rows(int64_t first, int64_t count) {
  std::vector<v1::Experiment> rows(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    v1::Experiment& row = rows[static_cast<size_t>(i)];
    const int64_t number = first + i;
    row.set_role(v1::FP_THEN_QAT);
    row.set_recipe("lsq");
    row.set_optimizer("adamw");
    row.set_schedule("classic");
    row.set_parameters(1'000'000 * (1 + number % 97));
    row.set_fp_tokens(1'000'000'000 + 1000 * number);
    row.set_qat_tokens(200'000'000);
    row.set_weight_bits(static_cast<double>(1 + number % 4));
    row.set_trunk(fmt::format("trunk-{}", number / 8));
    row.set_loss_nats(3.0 + 1e-6 * static_cast<double>(number));
  }
  return rows;
}

// A store in a file of its own with the study "studies/s".
class StoreFile {
 public:
  explicit StoreFile(const std::string& directory)
      : path_(fmt::format("{}/{}.db", directory, RandomUuid())) {
    Open();
    v1::Study study;
    study.set_loss_unit(v1::NATS_PER_TOKEN);
    study.set_parameter_convention(v1::NON_EMBEDDING);
    study.set_law("compute_optimal_qat");
    Require(store_->CreateStudy("s", study, {}).status());
  }

  void Open() {
    store_.reset();
    db::StoreOptions options;
    options.path = path_;
    absl::StatusOr<std::unique_ptr<db::Store>> store = db::Store::Open(options);
    Require(store.status());
    store_ = *std::move(store);
  }

  void Insert(std::vector<v1::Experiment> rows, bool return_experiments) {
    db::InsertBatch batch;
    batch.study = "studies/s";
    batch.experiments = std::move(rows);
    batch.return_experiments = return_experiments;
    Require(store_->InsertExperiments(batch).status());
  }

  const std::string& path() const { return path_; }
  db::Store& store() { return *store_; }

 private:
  const std::string path_;
  std::unique_ptr<db::Store> store_;
};

// The same table and indexes in a plain file.
class PlainFile {
 public:
  PlainFile(const std::string& directory, const std::string& store_path)
      : database_(fmt::format("{}/{}.db", directory, RandomUuid()),
                  SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX) {
    database_.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    const SQLite::Database model(store_path, SQLite::OPEN_READONLY);
    SQLite::Statement schema(model,
                             "SELECT sql FROM sqlite_schema WHERE tbl_name = 'experiments' "
                             "AND type IN ('table', 'index') ORDER BY type DESC");
    while (schema.executeStep()) database_.exec(schema.getColumn(0).getString());
    insert_ = std::make_unique<SQLite::Statement>(
        database_,
        "INSERT INTO experiments (study_key, row_number, role, recipe, optimizer, schedule, "
        "parameters, fp_tokens, qat_tokens, weight_bits, activation_bits, group_size, replicate, "
        "embedding_parameters, trunk, loss_nats, note, content_hash, import_batch, source_line, "
        "job, attempt, code_version, create_time, create_revision) VALUES (1, ?1, ?2, ?3, ?4, ?5, "
        "?6, ?7, ?8, ?9, 16, 0, 0, 0, ?10, ?11, '', zeroblob(32), '', 0, '', 0, '', 1, 1)");
  }

  void Insert(const std::vector<v1::Experiment>& rows) {
    SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
    for (const v1::Experiment& row : rows) {
      insert_->bind(1, ++row_number_);
      insert_->bind(2, static_cast<int>(row.role()));
      insert_->bindNoCopy(3, row.recipe());
      insert_->bindNoCopy(4, row.optimizer());
      insert_->bindNoCopy(5, row.schedule());
      insert_->bind(6, int64_t{row.parameters()});
      insert_->bind(7, int64_t{row.fp_tokens()});
      insert_->bind(8, int64_t{row.qat_tokens()});
      insert_->bind(9, row.weight_bits());
      insert_->bindNoCopy(10, row.trunk());
      insert_->bind(11, row.loss_nats());
      insert_->exec();
      insert_->reset();
    }
    transaction.commit();
  }

 private:
  SQLite::Database database_;
  std::unique_ptr<SQLite::Statement> insert_;
  int64_t row_number_ = 0;
};

// Rows a second of both in batches of `batch_size`, and their ratio.
void CompareBatches(const std::string& directory, int64_t batch_size, int64_t batch_count) {
  std::vector<double> store_rates;
  std::vector<double> plain_rates;
  std::vector<double> ratios;
  const auto rows = static_cast<double>(batch_size * batch_count);
  for (int round = 0; round < kRounds; ++round) {
    StoreFile file(directory);
    PlainFile plain(directory, file.path());
    std::vector<std::vector<v1::Experiment>> batches;
    for (int64_t i = 0; i < batch_count; ++i) batches.push_back(Rows(i * batch_size, batch_size));
    plain_rates.push_back(rows / SecondsOf([&] {
                            for (const auto& batch : batches) plain.Insert(batch);
                          }));
    store_rates.push_back(rows / SecondsOf([&] {
                            for (auto& batch : batches) file.Insert(std::move(batch), true);
                          }));
    ratios.push_back(store_rates.back() / plain_rates.back());
  }
  fmt::print(
      "{:>6} rows a batch: store {:>9.0f} rows/s, plain SQLite {:>9.0f} rows/s, ratio {:.2f} "
      "({:.2f} to {:.2f})\n",
      batch_size,
      Median(store_rates),
      Median(plain_rates),
      Median(ratios),
      *std::min_element(ratios.begin(), ratios.end()),
      *std::max_element(ratios.begin(), ratios.end()));
}

// Many callers with one row each: what group commit is for.
void MeasureProducers(const std::string& directory, int producer_count, int64_t rows_each) {
  std::vector<double> rates;
  for (int round = 0; round < kRounds; ++round) {
    StoreFile file(directory);
    rates.push_back(static_cast<double>(producer_count * rows_each) / SecondsOf([&] {
                      std::vector<std::thread> producers;
                      for (int p = 0; p < producer_count; ++p) {
                        producers.emplace_back([&, p] {
                          for (int64_t i = 0; i < rows_each; ++i) {
                            file.Insert(Rows(p * rows_each + i, 1), true);
                          }
                        });
                      }
                      for (std::thread& producer : producers) producer.join();
                    }));
  }
  fmt::print(
      "{:>6} callers with 1 row a call: store {:>9.0f} rows/s\n", producer_count, Median(rates));
}

void MeasureLargeStudy(const std::string& directory, int64_t row_count) {
  StoreFile file(directory);
  std::vector<v1::Experiment> rows = Rows(0, row_count);
  const auto report = [&](const char* what, const std::function<void()>& work) {
    fmt::print("{:>6} rows: {:<28} {:8.1f} ms\n", row_count, what, 1e3 * SecondsOf(work));
  };
  report("one insert", [&] { file.Insert(std::move(rows), false); });
  report("open", [&] { file.Open(); });
  const auto list = [&](v1::ListExperimentsRequest::OrderBy order) {
    v1::ListExperimentsRequest query;
    query.set_parent("studies/s");
    query.set_order_by(order);
    Require(file.store().ListExperiments(query, {}).status());
  };
  report("first page", [&] { list(v1::ListExperimentsRequest::CREATION); });
  report("first page ordered by loss", [&] { list(v1::ListExperimentsRequest::LOSS); });
  report("rows for fitting",
         [&] { Require(file.store().ReadFittingRows("studies/s", 1, 0, [](const auto&) {})); });
  report("backup", [&] { Require(file.store().Backup(file.path() + ".backup").status()); });
}

void RunAll(const std::string& parent) {
  const std::string directory = fmt::format("{}/ingest-bench-{}", parent, RandomUuid());
  std::filesystem::create_directories(directory);
  CompareBatches(directory, 1, 1000);
  CompareBatches(directory, 100, 100);
  CompareBatches(directory, 1000, 20);
  CompareBatches(directory, 10'000, 3);
  MeasureProducers(directory, 16, 250);
  MeasureLargeStudy(directory, 100'000);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace bitbudget

int main(int argc, char** argv) {
#ifndef NDEBUG
  fmt::print("warning: built with assertions; times mean little\n");
#endif
  bitbudget::RunAll(argc > 1 ? argv[1] : std::filesystem::temp_directory_path().string());
}
