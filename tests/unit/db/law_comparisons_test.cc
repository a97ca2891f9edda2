#include "db/store.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

class LawComparisonsTest : public StoreTest {
 protected:
  static v1::LawComparison Comparison(int64_t revision) {
    v1::LawComparison comparison;
    comparison.set_revision(revision);
    comparison.add_entries()->set_variant("full");
    comparison.mutable_entries(0)->set_aicc(-12.5);
    return comparison;
  }
  absl::StatusOr<v1::LawComparison> Insert(int64_t revision, const RequestKey& request = {}) {
    return store_->InsertLawComparison("studies/s", Comparison(revision), request);
  }
};

TEST_F(LawComparisonsTest, StoredComparisonIsTheGivenOneWithNameTimeAndHash) {
  const absl::StatusOr<v1::LawComparison> stored = Insert(3);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->name(), "studies/s/comparisons/1");
  EXPECT_EQ(stored->create_time().seconds(), 1'700'000'000);
  EXPECT_EQ(stored->content_hash().size(), 64);
  EXPECT_EQ(stored->entries(0).aicc(), -12.5);
  EXPECT_EQ(store_->GetLawComparison(stored->name())->SerializeAsString(),
            stored->SerializeAsString());
}

TEST_F(LawComparisonsTest, LatestIsTheNewest) {
  EXPECT_THAT(store_->GetLawComparison("studies/s/comparisons/latest"),
              FailsWith(absl::StatusCode::kNotFound, "COMPARISON_NOT_FOUND"));
  ASSERT_THAT(Insert(1), IsOk());
  ASSERT_THAT(Insert(1), IsOk());
  EXPECT_EQ(store_->GetLawComparison("studies/s/comparisons/latest")->name(),
            "studies/s/comparisons/2");
}

TEST_F(LawComparisonsTest, PagesGoBackInTimeWithoutGaps) {
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Insert(i), IsOk());
  const auto first = store_->ListLawComparisons("studies/s", {.size = 2});
  ASSERT_EQ(first->comparisons.size(), 2U);
  EXPECT_EQ(first->comparisons[0].name(), "studies/s/comparisons/3");
  const auto second =
      store_->ListLawComparisons("studies/s", {.size = 2, .token = first->next_page_token});
  ASSERT_EQ(second->comparisons.size(), 1U);
  EXPECT_EQ(second->comparisons[0].name(), "studies/s/comparisons/1");
  EXPECT_EQ(second->next_page_token, "");
}

TEST_F(LawComparisonsTest, RepeatedRequestStoresNothing) {
  const RequestKey request{
      .request_id = "r", .scope = "CompareLaws studies/s", .request_hash = "h"};
  const std::string first = Insert(1, request)->name();
  EXPECT_EQ(Insert(1, request)->name(), first);
  EXPECT_EQ(store_->ListLawComparisons("studies/s", {})->comparisons.size(), 1U);
}

TEST_F(LawComparisonsTest, ComparisonOfAnUnknownStudyIsNotStored) {
  EXPECT_THAT(store_->InsertLawComparison("studies/other", Comparison(1), {}),
              FailsWith(absl::StatusCode::kNotFound, "STUDY_NOT_FOUND"));
}

TEST_F(LawComparisonsTest, ChangedContentIsFoundOut) {
  const std::string name = Insert(1)->name();
  ExecuteSql("DROP TRIGGER law_comparisons_are_immutable");
  ExecuteSql("UPDATE law_comparisons SET content = x'0801'");
  EXPECT_THAT(store_->GetLawComparison(name),
              FailsWith(absl::StatusCode::kDataLoss, "DATABASE_DAMAGED"));
}

}  // namespace
}  // namespace bitbudget::db
