#include "server/row_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using testing::FullPrecisionGrid;
using testing::FullPrecisionRun;
using testing::ServerFixture;

// What a fit depends on, row by row.
std::vector<std::string> Describe(const FittingRows& rows) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < rows.data.rows.size(); ++i) {
    const fitter::Observation& row = rows.data.rows[i];
    lines.push_back(std::to_string(rows.row_numbers[i]) + " " +
                    std::to_string(row.point.parameters) + " " +
                    std::to_string(row.point.fp_tokens) + " " + std::to_string(row.loss_nats) +
                    " " + std::to_string(row.trunk) + " " + rows.data.labels[row.optimizer] +
                    (row.excluded ? " excluded" : ""));
  }
  return lines;
}

class RowCacheTest : public ServerFixture {
 protected:
  RowCacheTest() : study_(CreateStudy("x")), cache_(core().store()) {}

  RowsQuery QueryAt(int64_t revision, int64_t generation = 1) const {
    return {.study = study_, .generation = generation, .revision = revision};
  }

  // What the cache has equals what a fresh reading finds.
  void ExpectLikeRebuild(int64_t revision) {
    const auto cached = cache_.Rows(QueryAt(revision));
    const auto rebuilt = ReadRows(core().store(), QueryAt(revision));
    ASSERT_TRUE(cached.ok() && rebuilt.ok()) << cached.status() << rebuilt.status();
    EXPECT_EQ((*cached)->revision, revision);
    EXPECT_EQ(Describe(**cached), Describe(*rebuilt));
    EXPECT_EQ((*cached)->hash, rebuilt->hash);
  }

  int64_t Exclude(const std::string& experiment) {
    v1::ExcludeExperimentsRequest request;
    request.set_parent(study_);
    request.add_names(experiment);
    request.set_reason("mistyped");
    return core().experiments.ExcludeExperiments(call_, request)->revision();
  }
  int64_t Include(const std::string& experiment) {
    v1::IncludeExperimentsRequest request;
    request.set_parent(study_);
    request.add_names(experiment);
    request.set_reason("right after all");
    return core().experiments.IncludeExperiments(call_, request)->revision();
  }
  std::string NameOfRow(int index) {
    v1::ListExperimentsRequest request;
    request.set_parent(study_);
    return core().experiments.ListExperiments(call_, request)->experiments(index).name();
  }

  const std::string study_;
  RowCache cache_;
};

TEST_F(RowCacheTest, FollowsRowsAndMarksLikeARebuild) {
  ExpectLikeRebuild(Store(study_, FullPrecisionGrid()));
  v1::Experiment labelled = FullPrecisionRun(123'456'789, 1'000'000'000);
  labelled.set_optimizer("adamw");
  labelled.set_trunk("t1");
  ExpectLikeRebuild(Store(study_, {labelled}));
  const std::string third = NameOfRow(2);
  ExpectLikeRebuild(Exclude(third));
  ExpectLikeRebuild(Include(third));
  Exclude(third);
  labelled.set_replicate(1);
  labelled.set_optimizer("muon");
  ExpectLikeRebuild(Store(study_, {labelled}));
}

TEST_F(RowCacheTest, RowExcludedBeforeItIsFirstReadIsMarked) {
  const int64_t first = Store(study_, FullPrecisionGrid());
  ASSERT_TRUE(cache_.Rows(QueryAt(first)).ok());
  Store(study_, {FullPrecisionRun(123'456'789, 1'000'000'000)});
  ExpectLikeRebuild(Exclude(NameOfRow(36)));
  EXPECT_TRUE((*cache_.Rows(QueryAt(3)))->data.rows.back().excluded);
}

TEST_F(RowCacheTest, EarlierRevisionIsReadAsItWas) {
  const int64_t first = Store(study_, FullPrecisionGrid());
  const int64_t second = Store(study_, {FullPrecisionRun(123'456'789, 1'000'000'000)});
  ASSERT_EQ((*cache_.Rows(QueryAt(second)))->data.rows.size(), 37u);
  EXPECT_EQ((*cache_.Rows(QueryAt(first)))->data.rows.size(), 36u);
  ExpectLikeRebuild(second);
}

TEST_F(RowCacheTest, RowsInUseStayAsTheyAreWhileTheCacheMovesOn) {
  const auto before = *cache_.Rows(QueryAt(Store(study_, FullPrecisionGrid())));
  const std::string hash = before->hash;
  ASSERT_TRUE(cache_.Rows(QueryAt(Exclude(NameOfRow(0)))).ok());
  EXPECT_FALSE(before->data.rows[0].excluded);
  EXPECT_EQ(before->hash, hash);
}

TEST_F(RowCacheTest, SuccessorOfADeletedStudyStartsEmpty) {
  ASSERT_TRUE(cache_.Rows(QueryAt(Store(study_, FullPrecisionGrid()))).ok());
  v1::DeleteStudyRequest request;
  request.set_name(study_);
  request.set_force(true);
  ASSERT_TRUE(core().studies.DeleteStudy(call_, request).ok());
  CreateStudy("x");
  const int64_t revision = Store(study_, {FullPrecisionRun(123'456'789, 1'000'000'000)});
  EXPECT_EQ((*cache_.Rows(QueryAt(revision, /*generation=*/2)))->data.rows.size(), 1u);
}

TEST_F(RowCacheTest, ConventionDecidesWhichParametersCount) {
  v1::Experiment run = FullPrecisionRun(100, 1'000);
  run.set_embedding_parameters(11);
  RowsQuery query = QueryAt(Store(study_, {run}));
  EXPECT_EQ((*cache_.Rows(query))->data.rows[0].point.parameters, 100);
  query.convention = v1::TOTAL;
  EXPECT_EQ((*cache_.Rows(query))->data.rows[0].point.parameters, 111);
}

}  // namespace
}  // namespace bitbudget::server
