// Reading experiments: filters, orders, pages, exports.

#include "db/store.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using List = v1::ListExperimentsRequest;

class ExperimentsTest : public StoreTest {
 protected:
  // Five runs that differ in every column one can filter or order by, with ties
  // in each order.
  void InsertVariety() {
    const auto run = [](double loss, int64_t parameters, int64_t qat_tokens, double bits) {
      v1::Experiment row = QatRun(0, loss);
      row.set_parameters(parameters);
      row.set_fp_tokens(1000);
      row.set_qat_tokens(qat_tokens);
      row.set_weight_bits(bits);
      return row;
    };
    std::vector<v1::Experiment> rows = {run(3, 20, 100, 4),
                                        run(2, 10, 300, 2),
                                        run(3, 20, 200, 1.58),
                                        run(1, 30, 200, 2),
                                        run(2, 10, 100, 4)};
    rows[1].set_schedule("fused");
    rows[2].set_recipe("gptq");
    rows[3].set_optimizer("");
    rows[4].set_trunk("other");
    rows[0].set_role(v1::CONTROL);
    InsertBatch batch = Batch({rows.begin(), rows.begin() + 3});
    batch.import_batch = "july";
    ASSERT_THAT(store_->InsertExperiments(batch), IsOk());
    Insert({rows.begin() + 3, rows.end()});
    ASSERT_THAT(Exclude({"studies/s/experiments/2"}), IsOk());
  }

  static List Query() {
    List query;
    query.set_parent("studies/s");
    return query;
  }

  static std::vector<int> RowNumbers(const std::vector<v1::Experiment>& experiments) {
    std::vector<int> numbers;
    for (const v1::Experiment& row : experiments) {
      numbers.push_back(std::stoi(row.name().substr(row.name().rfind('/') + 1)));
    }
    return numbers;
  }

  // Row numbers of all pages of `size` rows.
  std::vector<int> Pages(const List& query, int size) {
    std::vector<int> numbers;
    PageRequest page{.size = size};
    do {
      const absl::StatusOr<ExperimentPage> result = store_->ListExperiments(query, page);
      EXPECT_THAT(result, IsOk());
      if (!result.ok()) break;
      EXPECT_LE(result->experiments.size(), static_cast<size_t>(size));
      EXPECT_FALSE(result->experiments.empty()) << "an empty page has a page before";
      for (const int number : RowNumbers(result->experiments)) numbers.push_back(number);
      page.token = result->next_page_token;
    } while (!page.token.empty());
    return numbers;
  }

  std::vector<int> Matching(const v1::ExperimentFilter& filter) {
    List query = Query();
    *query.mutable_filter() = filter;
    return RowNumbers(store_->ListExperiments(query, {})->experiments);
  }
};

TEST_F(ExperimentsTest, UnknownNamesAreNotFound) {
  Insert({QatRun(0)});
  for (const char* name : {"studies/s/experiments/2", "studies/s/experiments/", "experiments/1"}) {
    EXPECT_THAT(store_->GetExperiment(name),
                FailsWith(absl::StatusCode::kNotFound, "EXPERIMENT_NOT_FOUND"))
        << name;
  }
  EXPECT_THAT(store_->GetExperiment("studies/t/experiments/1"),
              FailsWith(absl::StatusCode::kNotFound, "STUDY_NOT_FOUND"));
}

TEST_F(ExperimentsTest, EachConditionFilters) {
  InsertVariety();
  v1::ExperimentFilter filter;
  EXPECT_THAT(Matching(filter), ElementsAre(1, 2, 3, 4, 5));
  filter.add_roles(v1::CONTROL);
  EXPECT_THAT(Matching(filter), ElementsAre(1));
  filter.add_roles(v1::FP_THEN_QAT);
  EXPECT_THAT(Matching(filter), ElementsAre(1, 2, 3, 4, 5));
  filter.Clear();
  filter.add_weight_bits(1.58);
  filter.add_weight_bits(2);
  EXPECT_THAT(Matching(filter), ElementsAre(2, 3, 4));
  filter.Clear();
  filter.add_parameters(20);
  EXPECT_THAT(Matching(filter), ElementsAre(1, 3));
  filter.Clear();
  filter.set_schedule("fused");
  EXPECT_THAT(Matching(filter), ElementsAre(2));
  filter.Clear();
  filter.set_recipe("gptq");
  EXPECT_THAT(Matching(filter), ElementsAre(3));
  filter.Clear();
  filter.set_optimizer("");
  EXPECT_THAT(Matching(filter), ElementsAre(4));
  filter.Clear();
  filter.set_trunk("other");
  EXPECT_THAT(Matching(filter), ElementsAre(5));
  filter.Clear();
  filter.set_import_batch("july");
  EXPECT_THAT(Matching(filter), ElementsAre(1, 2, 3));
  filter.set_import_batch("");
  EXPECT_THAT(Matching(filter), ElementsAre(4, 5));
  filter.Clear();
  filter.set_exclusion(v1::ExperimentFilter::INCLUDED);
  EXPECT_THAT(Matching(filter), ElementsAre(1, 3, 4, 5));
  filter.set_exclusion(v1::ExperimentFilter::EXCLUDED);
  EXPECT_THAT(Matching(filter), ElementsAre(2));
  filter.Clear();
  filter.set_min_total_tokens(1200);
  EXPECT_THAT(Matching(filter), ElementsAre(2, 3, 4));
  filter.set_max_total_tokens(1200);
  EXPECT_THAT(Matching(filter), ElementsAre(3, 4));
}

TEST_F(ExperimentsTest, ConditionsAreJoinedByAnd) {
  InsertVariety();
  v1::ExperimentFilter filter;
  filter.add_parameters(20);
  filter.set_recipe("gptq");
  filter.set_exclusion(v1::ExperimentFilter::INCLUDED);
  EXPECT_THAT(Matching(filter), ElementsAre(3));
  filter.add_roles(v1::CONTROL);
  EXPECT_THAT(Matching(filter), IsEmpty());
}

TEST_F(ExperimentsTest, ValuesOfAFilterAreNeverTakenForSql) {
  InsertVariety();
  v1::ExperimentFilter filter;
  filter.set_schedule("' OR '1' = '1");
  EXPECT_THAT(Matching(filter), IsEmpty());
}

struct OrderCase {
  List::OrderBy order_by;
  bool descending;
  std::vector<int> rows;
};

class OrderTest : public ExperimentsTest, public testing::WithParamInterface<OrderCase> {};

TEST_P(OrderTest, PagesOfAnySizeShowEveryRowOnceInOrder) {
  InsertVariety();
  List query = Query();
  query.set_order_by(GetParam().order_by);
  query.set_descending(GetParam().descending);
  for (int size = 1; size <= 6; ++size) {
    EXPECT_EQ(Pages(query, size), GetParam().rows) << "pages of " << size;
  }
}

// Equal values are in the order of storing, whatever the direction.
INSTANTIATE_TEST_SUITE_P(Orders,
                         OrderTest,
                         testing::Values(OrderCase{List::CREATION, false, {1, 2, 3, 4, 5}},
                                         OrderCase{List::CREATION, true, {5, 4, 3, 2, 1}},
                                         OrderCase{List::LOSS, false, {4, 2, 5, 1, 3}},
                                         OrderCase{List::LOSS, true, {1, 3, 2, 5, 4}},
                                         OrderCase{List::PARAMETERS, false, {2, 5, 1, 3, 4}},
                                         OrderCase{List::PARAMETERS, true, {4, 1, 3, 2, 5}},
                                         OrderCase{List::TOTAL_TOKENS, false, {1, 5, 3, 4, 2}},
                                         OrderCase{List::TOTAL_TOKENS, true, {2, 3, 4, 1, 5}},
                                         OrderCase{List::WEIGHT_BITS, false, {3, 2, 4, 1, 5}},
                                         OrderCase{List::WEIGHT_BITS, true, {1, 5, 2, 4, 3}}));

TEST_F(ExperimentsTest, LastFullPageHasNoToken) {
  InsertVariety();
  EXPECT_EQ(store_->ListExperiments(Query(), {.size = 5})->next_page_token, "");
}

TEST_F(ExperimentsTest, EmptyStudyHasOneEmptyPage) {
  const absl::StatusOr<ExperimentPage> page = store_->ListExperiments(Query(), {});
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(page->experiments, IsEmpty());
  EXPECT_EQ(page->next_page_token, "");
  EXPECT_EQ(page->revision, 0);
}

TEST_F(ExperimentsTest, RowsStoredWhilePagingAreShownIfTheyComeLater) {
  Insert({QatRun(0, 2), QatRun(1, 4)});
  List query = Query();
  query.set_order_by(List::LOSS);
  const absl::StatusOr<ExperimentPage> first = store_->ListExperiments(query, {.size = 1});
  ASSERT_THAT(first, IsOk());
  Insert({QatRun(2, 1), QatRun(3, 3)});
  const absl::StatusOr<ExperimentPage> rest =
      store_->ListExperiments(query, {.size = 9, .token = first->next_page_token});
  ASSERT_THAT(rest, IsOk());
  EXPECT_THAT(RowNumbers(rest->experiments), ElementsAre(4, 2));
  EXPECT_EQ(rest->revision, 2);
}

TEST_F(ExperimentsTest, TokenOfAnotherQueryIsRefused) {
  InsertVariety();
  ASSERT_THAT(store_->CreateStudy("t", StudyFields(), {}), IsOk());
  const std::string token = store_->ListExperiments(Query(), {.size = 1})->next_page_token;
  List other_study = Query();
  other_study.set_parent("studies/t");
  List other_filter = Query();
  other_filter.mutable_filter()->add_weight_bits(2);
  List other_order = Query();
  other_order.set_order_by(List::LOSS);
  List other_direction = Query();
  other_direction.set_descending(true);
  for (const List& query : {other_study, other_filter, other_order, other_direction}) {
    const absl::Status status =
        store_->ListExperiments(query, {.size = 1, .token = token}).status();
    EXPECT_THAT(status, FailsWith(absl::StatusCode::kInvalidArgument, "INVALID_FIELD"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("page_token: belongs to another query"));
  }
}

TEST_F(ExperimentsTest, TokenIsGoodForPagesOfAnotherSize) {
  InsertVariety();
  const std::string token = store_->ListExperiments(Query(), {.size = 1})->next_page_token;
  EXPECT_EQ(store_->ListExperiments(Query(), {.size = 3, .token = token})->experiments.size(), 3);
}

TEST_F(ExperimentsTest, GarbledTokenIsRefused) {
  InsertVariety();
  const std::string token = store_->ListExperiments(Query(), {.size = 1})->next_page_token;
  std::string changed = token;
  changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& bad : {changed,
                                 token.substr(1),
                                 token + "AAAA",
                                 std::string("x"),
                                 std::string("no token!"),
                                 std::string(1, '\0')}) {
    const absl::Status status =
        store_->ListExperiments(Query(), {.size = 1, .token = bad}).status();
    EXPECT_THAT(status, FailsWith(absl::StatusCode::kInvalidArgument, "INVALID_FIELD")) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr("page_token")) << bad;
  }
}

TEST_F(ExperimentsTest, ExportShowsMatchingRowsInTheOrderOfStoring) {
  InsertVariety();
  v1::ExperimentFilter filter;
  filter.set_exclusion(v1::ExperimentFilter::INCLUDED);
  std::vector<v1::Experiment> rows;
  const absl::StatusOr<int64_t> revision = store_->ExportExperiments(
      "studies/s",
      filter,
      [&](const v1::Experiment& row) { rows.push_back(row); },
      [] { return false; });
  ASSERT_THAT(revision, IsOk());
  EXPECT_EQ(*revision, 3);
  EXPECT_THAT(RowNumbers(rows), ElementsAre(1, 3, 4, 5));
}

TEST_F(ExperimentsTest, CancelledExportEnds) {
  Insert(QatRuns(0, 1000));
  int row_count = 0;
  EXPECT_EQ(store_
                ->ExportExperiments(
                    "studies/s",
                    {},
                    [&](const v1::Experiment&) { ++row_count; },
                    [&] { return row_count > 0; })
                .status()
                .code(),
            absl::StatusCode::kCancelled);
  EXPECT_LT(row_count, 1000);
}

}  // namespace
}  // namespace bitbudget::db
