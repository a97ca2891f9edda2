#include "db/store.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

using testing::ElementsAre;

class FitsTest : public StoreTest {
 protected:
  // A fit of `revision` with an input, a result and a warning.
  static v1::Fit FitOf(int64_t revision, bool standard_options = true) {
    v1::Fit fit;
    fit.set_law("compute_optimal_qat");
    fit.set_revision(revision);
    fit.set_standard_options(standard_options);
    fit.add_coefficients()->set_value(1.5);
    fit.add_warnings("the optimal fraction falls with the budget");
    fit.mutable_inputs()->set_rows_hash("hash of the rows");
    fit.mutable_inputs()->add_warm_starts()->add_values(2.5);
    return fit;
  }
  std::string Insert(const v1::Fit& fit) {
    const absl::StatusOr<v1::Fit> stored = store_->InsertFit("studies/s", fit, {});
    EXPECT_THAT(stored, IsOk());
    return stored->name();
  }
  std::vector<std::string> Names(const FitPage& page) {
    std::vector<std::string> names;
    for (const v1::Fit& fit : page.fits) names.push_back(fit.name());
    return names;
  }
};

TEST_F(FitsTest, StoredFitIsTheGivenOneWithNameTimeAndHash) {
  v1::Fit fit = FitOf(3);
  fit.set_name("ignored");
  const absl::StatusOr<v1::Fit> stored = store_->InsertFit("studies/s", fit, {});
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->name(), "studies/s/fits/1");
  EXPECT_EQ(stored->create_time().seconds(), 1'700'000'000);
  EXPECT_EQ(stored->content_hash().size(), 64);
  fit.set_name(stored->name());
  *fit.mutable_create_time() = stored->create_time();
  fit.set_content_hash(stored->content_hash());
  EXPECT_EQ(stored->SerializeAsString(), fit.SerializeAsString());
  EXPECT_EQ(store_->GetFit("studies/s/fits/1")->SerializeAsString(), fit.SerializeAsString());
}

TEST_F(FitsTest, EqualFitsHaveEqualHashesAndOthersOther) {
  const auto hash = [&](const v1::Fit& fit) {
    return store_->InsertFit("studies/s", fit, {})->content_hash();
  };
  v1::Fit other = FitOf(1);
  other.mutable_inputs()->mutable_warm_starts(0)->set_values(0, 2.5000000001);
  EXPECT_EQ(hash(FitOf(1)), hash(FitOf(1)));
  EXPECT_NE(hash(FitOf(1)), hash(other));
}

TEST_F(FitsTest, LatestIsTheNewestStandardFitOfTheHighestRevision) {
  Insert(FitOf(1));
  Insert(FitOf(3));
  Insert(FitOf(3));
  Insert(FitOf(2));
  Insert(FitOf(4, /*standard_options=*/false));
  EXPECT_EQ(store_->GetFit("studies/s/fits/latest")->name(), "studies/s/fits/3");
}

TEST_F(FitsTest, LatestIsNotFoundWithoutAStandardFit) {
  Insert(FitOf(1, /*standard_options=*/false));
  EXPECT_THAT(store_->GetFit("studies/s/fits/latest"),
              FailsWith(absl::StatusCode::kNotFound, "FIT_NOT_FOUND"));
}

TEST_F(FitsTest, UnknownAndMalformedNamesAreNotFound) {
  Insert(FitOf(1));
  for (const char* name : {"studies/s/fits/2",
                           "studies/s/fits/0",
                           "studies/s/fits/01",
                           "studies/s/fits/1/",
                           "studies/s/fits",
                           "fits/1",
                           "studies/s/fits/-1"}) {
    EXPECT_THAT(store_->GetFit(name), FailsWith(absl::StatusCode::kNotFound, "FIT_NOT_FOUND"))
        << name;
  }
}

TEST_F(FitsTest, FitDoesNotAdvanceTheRevision) {
  Insert(FitOf(1));
  EXPECT_EQ(store_->GetStudy("studies/s")->revision(), 0);
}

TEST_F(FitsTest, PagesAreNewestFirstAndWithoutInputs) {
  for (int i = 0; i < 3; ++i) Insert(FitOf(i));
  const absl::StatusOr<FitPage> first = store_->ListFits("studies/s", {.size = 2});
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(Names(*first), ElementsAre("studies/s/fits/3", "studies/s/fits/2"));
  EXPECT_FALSE(first->fits[0].has_inputs());
  EXPECT_EQ(first->fits[0].coefficients_size(), 1);
  const absl::StatusOr<FitPage> second =
      store_->ListFits("studies/s", {.size = 2, .token = first->next_page_token});
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(Names(*second), ElementsAre("studies/s/fits/1"));
  EXPECT_EQ(second->next_page_token, "");
}

TEST_F(FitsTest, TokenOfAnotherStudyIsRefused) {
  ASSERT_THAT(store_->CreateStudy("t", StudyFields(), {}), IsOk());
  for (int i = 0; i < 2; ++i) Insert(FitOf(i));
  const std::string token = store_->ListFits("studies/s", {.size = 1})->next_page_token;
  EXPECT_THAT(store_->ListFits("studies/t", {.size = 1, .token = token}),
              FailsWith(absl::StatusCode::kInvalidArgument, "INVALID_FIELD"));
}

}  // namespace
}  // namespace bitbudget::db
