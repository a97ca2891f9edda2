// The encodings that stored hashes depend on: they can never change.

#include "db/content_hash.h"

#include "bitbudget/v1/study.pb.h"
#include "tests/unit/db/store_fixture.h"
#include "util/sha256.h"

namespace bitbudget::db {
namespace {

// Both hashes were computed by hand from docs/database.md, with another program.
TEST(ContentHashTest, ExperimentIsHashedAsDocumented) {
  EXPECT_EQ(ToHex(HashExperiment(QatRun(0))),
            "cc019c57b74d280ab407dc2ca208eccf92a598d7c22b6c4245b060b5db578041");
}

TEST(ContentHashTest, MessageIsHashedAsDocumented) {
  v1::Study study;
  study.set_display_name("A");
  study.set_loss_unit(v1::NATS_PER_TOKEN);
  study.mutable_model_family()->add_shapes()->set_parameters(7);
  study.mutable_fit_options()->set_huber_delta(0.5);
  EXPECT_EQ(ToHex(HashMessage(study)),
            "2c117df2825df68b9728c6f1a6f8d3cfd8bc01fc97577f5c53cab33e9a1c4ff3");
}

class HashedFieldTest : public testing::TestWithParam<void (*)(v1::Experiment&)> {};

TEST_P(HashedFieldTest, ChangesTheHash) {
  v1::Experiment run = QatRun(0);
  GetParam()(run);
  EXPECT_NE(HashExperiment(run), HashExperiment(QatRun(0)));
}

INSTANTIATE_TEST_SUITE_P(Content,
                         HashedFieldTest,
                         testing::Values([](v1::Experiment& run) { run.set_role(v1::CONTROL); },
                                         [](v1::Experiment& run) { run.set_recipe("x"); },
                                         [](v1::Experiment& run) { run.set_optimizer("x"); },
                                         [](v1::Experiment& run) { run.set_schedule("x"); },
                                         [](v1::Experiment& run) { run.set_parameters(1); },
                                         [](v1::Experiment& run) { run.set_fp_tokens(1); },
                                         [](v1::Experiment& run) { run.set_qat_tokens(1); },
                                         [](v1::Experiment& run) { run.set_weight_bits(1); },
                                         [](v1::Experiment& run) { run.set_activation_bits(8); },
                                         [](v1::Experiment& run) { run.set_group_size(64); },
                                         [](v1::Experiment& run) { run.set_replicate(1); },
                                         [](v1::Experiment& run) {
                                           run.set_embedding_parameters(1);
                                         },
                                         [](v1::Experiment& run) { run.set_trunk("x"); },
                                         [](v1::Experiment& run) { run.set_loss_nats(1); },
                                         [](v1::Experiment& run) { run.set_loss_stderr_nats(0); },
                                         [](v1::Experiment& run) { run.set_note("x"); }));

TEST(ContentHashTest, WhoMeasuredIsNotContent) {
  v1::Experiment run = QatRun(0);
  run.mutable_provenance()->set_job("job");
  run.set_excluded(true);
  run.set_name("a name");
  EXPECT_EQ(HashExperiment(run), HashExperiment(QatRun(0)));
}

TEST(ContentHashTest, TextThatMovesToTheNextFieldChangesTheHash) {
  v1::Experiment a = QatRun(0);
  a.set_recipe("ab");
  a.set_optimizer("c");
  v1::Experiment b = QatRun(0);
  b.set_recipe("a");
  b.set_optimizer("bc");
  EXPECT_NE(HashExperiment(a), HashExperiment(b));
}

}  // namespace
}  // namespace bitbudget::db
