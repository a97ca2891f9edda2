// Every class of error with its typed details, as a client sees it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "server/grpc_call.h"
#include "tests/integration/integration_fixture.h"

namespace bitbudget::integration {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Errors : public IntegrationTest {
 protected:
  Errors() { StartServer(); }

  grpc::Status Create(const std::string& study, const v1::Experiment& run) {
    v1::CreateExperimentRequest request;
    request.set_parent(study);
    *request.mutable_experiment() = run;
    v1::CreateExperimentResponse response;
    return Call(
        *stubs().experiments, &v1::ExperimentService::Stub::CreateExperiment, request, &response);
  }
  grpc::Status List(const v1::ListExperimentsRequest& request,
                    v1::ListExperimentsResponse* response) {
    return Call(
        *stubs().experiments, &v1::ExperimentService::Stub::ListExperiments, request, response);
  }
  grpc::Status Delete(const std::string& study) {
    v1::DeleteStudyRequest request;
    request.set_name(study);
    v1::DeleteStudyResponse response;
    return Call(*stubs().studies, &v1::StudyService::Stub::DeleteStudy, request, &response);
  }
};

TEST_F(Errors, BadFieldsAreAllNamed) {
  v1::Experiment run = FullPrecisionRuns(1, 1)[0];
  run.set_loss_nats(-1);
  run.set_weight_bits(17);
  const grpc::Status status = Create(CreateStudy("x"), run);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailsOf(status).reason, "INVALID_FIELD");
  EXPECT_THAT(FieldsOf(status), ElementsAre("experiment.weight_bits", "experiment.loss_nats"));
}

TEST_F(Errors, UnknownStudyIsNamed) {
  const grpc::Status status = Create("studies/none", FullPrecisionRuns(1, 1)[0]);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailsOf(status).reason, "STUDY_NOT_FOUND");
  EXPECT_EQ(DetailsOf(status).resource_name, "studies/none");
}

TEST_F(Errors, OtherContentUnderTheSameKeyIsAConflict) {
  const std::string study = CreateStudy("x");
  v1::Experiment run = FullPrecisionRuns(1, 1)[0];
  ASSERT_TRUE(Create(study, run).ok());
  run.set_loss_nats(run.loss_nats() + 1);
  run.set_note("other");
  const grpc::Status status = Create(study, run);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  const ErrorDetails details = DetailsOf(status);
  EXPECT_EQ(details.reason, "EXPERIMENT_CONFLICT");
  ASSERT_THAT(details.conflicts, SizeIs(1));
  EXPECT_THAT(details.conflicts[0].existing_experiment, HasSubstr(study + "/experiments/"));
  EXPECT_THAT(details.conflicts[0].differing_fields, ElementsAre("loss_nats", "note"));
}

TEST_F(Errors, ManyConflictsStillFitIntoTheTrailers) {
  const std::string study = CreateStudy("x");
  std::vector<v1::Experiment> runs = FullPrecisionRuns(30, 30);
  Store(study, runs);
  v1::BatchCreateExperimentsRequest request;
  request.set_parent(study);
  for (v1::Experiment& run : runs) {
    run.set_loss_nats(run.loss_nats() + 1);
    *request.add_experiments() = run;
  }
  v1::BatchCreateExperimentsResponse response;
  const grpc::Status status = Call(*stubs().experiments,
                                   &v1::ExperimentService::Stub::BatchCreateExperiments,
                                   request,
                                   &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_FALSE(DetailsOf(status).conflicts.empty());
  EXPECT_EQ(DetailsOf(status).metadata.count("omitted_details"), 1u);
}

TEST_F(Errors, ManyBadFieldsStillFitIntoTheTrailers) {
  v1::BatchCreateExperimentsRequest request;
  request.set_parent(CreateStudy("x"));
  for (int i = 0; i < 1'000; ++i) request.add_experiments();
  v1::BatchCreateExperimentsResponse response;
  const grpc::Status status = Call(*stubs().experiments,
                                   &v1::ExperimentService::Stub::BatchCreateExperiments,
                                   request,
                                   &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_FALSE(FieldsOf(status).empty());
}

TEST_F(Errors, PageTokenOfAnotherQueryIsRefused) {
  v1::ListExperimentsRequest request;
  request.set_parent(CreateStudy("x"));
  Store(request.parent(), FullPrecisionRuns(3, 3));
  request.set_page_size(2);
  v1::ListExperimentsResponse page;
  ASSERT_TRUE(List(request, &page).ok());
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(List(request, &page).ok());
  request.set_order_by(v1::ListExperimentsRequest::LOSS);
  const grpc::Status status = List(request, &page);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FieldsOf(status), ElementsAre("page_token"));
}

TEST_F(Errors, StudyWithRowsIsNotDeletedWithoutForce) {
  const std::string study = CreateStudy("x");
  Store(study, FullPrecisionRuns(1, 1));
  const grpc::Status status = Delete(study);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(DetailsOf(status).reason, "STUDY_NOT_EMPTY");
}

TEST_F(Errors, QuestionBeforeAnyFitSaysWhatIsMissing) {
  v1::PredictLossResponse response;
  const grpc::Status status = AskLoss(CreateStudy("x"), 0, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  const ErrorDetails details = DetailsOf(status);
  EXPECT_EQ(details.reason, "DATA_CANNOT_ANSWER");
  ASSERT_THAT(details.missing_axes, SizeIs(1));
  EXPECT_EQ(details.missing_axes[0].axis, "experiments");
  EXPECT_FALSE(details.explanation.empty());
}

TEST_F(Errors, RevisionThatDoesNotExistIsOutOfRange) {
  v1::PredictLossResponse response;
  const grpc::Status status = AskLoss(CreateStudy("x"), 7, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(FieldsOf(status), ElementsAre("source.min_revision"));
}

TEST_F(Errors, OversizedMessageIsRefusedWithItsSizeAndTheLimit) {
  v1::BatchCreateExperimentsRequest request;
  request.set_parent(CreateStudy("x"));
  request.add_experiments()->set_note(std::string(5 << 20, 'x'));
  v1::BatchCreateExperimentsResponse response;
  const grpc::Status status = Call(*stubs().experiments,
                                   &v1::ExperimentService::Stub::BatchCreateExperiments,
                                   request,
                                   &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("4194304"));
}

TEST_F(Errors, ExpiredFitIsNotStored) {
  const std::string study = CreateStudy("x");
  v1::PredictLossResponse answer;
  ASSERT_TRUE(AskLoss(study, Store(study, FullPrecisionRuns(6, 6)), &answer).ok());
  v1::RunFitRequest request;
  request.set_parent(study);
  request.mutable_options()->set_start_count(10'000);
  request.mutable_options()->set_polish_count(10'000);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Milliseconds(50)));
  v1::Fit fit;
  EXPECT_EQ(stubs().fits->RunFit(&context, request, &fit).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  StopServer();  // waits for the handler
  StartServer();
  v1::ListFitsRequest list;
  list.set_parent(study);
  v1::ListFitsResponse fits;
  ASSERT_TRUE(Call(*stubs().fits, &v1::FitService::Stub::ListFits, list, &fits).ok());
  EXPECT_EQ(fits.fits_size(), 1);
}

TEST(FullDatabase, RefusesWritesAndGoesOnReading) {
  const testing::TemporaryDirectory directory;
  const auto server = testing::ServerProcess::Start(
      BITBUDGET_SERVER_PROGRAM, directory.File("test.db"), {"--max-page-count", "64"});
  ASSERT_TRUE(server.ok()) << server.status();
  Stubs stubs((*server)->address());
  v1::CreateStudyRequest create;
  create.set_study_id("x");
  *create.mutable_study() = ChinchillaStudy();
  v1::Study study;
  ASSERT_TRUE(Call(*stubs.studies, &v1::StudyService::Stub::CreateStudy, create, &study).ok());
  v1::BatchCreateExperimentsRequest request;
  request.set_parent("studies/x");
  for (const v1::Experiment& run : FullPrecisionRuns(60, 60)) *request.add_experiments() = run;
  v1::BatchCreateExperimentsResponse response;
  const grpc::Status status = Call(
      *stubs.experiments, &v1::ExperimentService::Stub::BatchCreateExperiments, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(DetailsOf(status).reason, "DATABASE_FULL");
  v1::GetStudyRequest get;
  get.set_name("studies/x");
  ASSERT_TRUE(Call(*stubs.studies, &v1::StudyService::Stub::GetStudy, get, &study).ok());
  EXPECT_EQ(study.experiment_count(), 0);
}

TEST(DetailsThatFit, SmallErrorsAreLeftAsTheyAre) {
  const absl::Status status = InvalidField("loss_nats", "is -1");
  EXPECT_EQ(server::WithDetailsThatFit(status), status);
}

TEST(DetailsThatFit, LongMessageIsCutBetweenCharacters) {
  std::string message(999, 'x');
  for (int i = 0; i < 100; ++i) message += "é";  // its first byte is the 1000th
  const absl::Status cut = server::WithDetailsThatFit(absl::InternalError(message));
  EXPECT_EQ(std::string(cut.message()), std::string(999, 'x') + "...");
}

// The page of errors and the code name the same reasons.
TEST(PageOfErrors, ListsEveryReasonInTheCodeAndNoOther) {
  const std::filesystem::path source = BITBUDGET_SOURCE_DIR;
  const auto read = [](const std::filesystem::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  };
  const auto find_all = [](const std::string& text, const std::regex& pattern) {
    std::set<std::string> found;
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
      found.insert((*it)[1]);
    }
    return found;
  };
  std::set<std::string> in_code = {"STUDY_NOT_FOUND",
                                   "EXPERIMENT_NOT_FOUND",
                                   "FIT_NOT_FOUND",
                                   "COMPARISON_NOT_FOUND",
                                   "LAW_NOT_FOUND"};
  for (const char* room : {"util", "fitter", "planner", "db", "server", "client/cpp"}) {
    for (const auto& file : std::filesystem::directory_iterator(source / room)) {
      // The table of codes has words of the same form that are no reasons.
      if (file.path().extension() != ".cc" || file.path().filename() == "codes.cc") continue;
      in_code.merge(
          find_all(read(file.path()), std::regex(R"re("([A-Z]+(?:_[A-Z]+)+|INTERNAL)")re")));
    }
  }
  std::erase_if(in_code, [](const std::string& word) {
    return word.starts_with("BITBUDGET_") || word == "XDG_DATA_HOME" || word.ends_with("_HOME");
  });
  const std::set<std::string> on_page =
      find_all(read(source / "docs/errors.md"), std::regex(R"re(\n\| `([A-Z_]+)` \|)re"));
  std::vector<std::string> missing;
  std::set_difference(
      in_code.begin(), in_code.end(), on_page.begin(), on_page.end(), std::back_inserter(missing));
  EXPECT_THAT(missing, IsEmpty()) << "in the code, not on the page";
  std::vector<std::string> stale;
  std::set_difference(
      on_page.begin(), on_page.end(), in_code.begin(), in_code.end(), std::back_inserter(stale));
  EXPECT_THAT(stale, IsEmpty()) << "on the page, not in the code";
}

}  // namespace
}  // namespace bitbudget::integration
