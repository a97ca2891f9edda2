// The server goes away and comes back.

#include "tests/fault/fault_fixture.h"

namespace bitbudget::testing {
namespace {

class AbsenceTest : public FaultTest {
 protected:
  absl::Status Ask() {
    v1::GetStudyRequest request;
    request.set_name(study());
    return client().GetStudy(request).status();
  }
};

TEST_F(AbsenceTest, AClientThatGaveUpReachesTheServerOnceItIsBack) {
  StartServer();
  ASSERT_NO_FATAL_FAILURE(CreateStudy());
  ASSERT_NO_FATAL_FAILURE(KillServer());
  EXPECT_TRUE(client::IsServerUnreachable(Ask()));
  ASSERT_NO_FATAL_FAILURE(RestartServer());
  const absl::Status answered = Ask();
  EXPECT_TRUE(answered.ok()) << answered;
}

}  // namespace
}  // namespace bitbudget::testing
