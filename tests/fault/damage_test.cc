// A byte of a stored loss flips while nobody looks.

#include <bit>
#include <fstream>
#include <iterator>

#include "tests/fault/fault_fixture.h"
#include "util/error.h"

namespace bitbudget::testing {
namespace {

// The eight bytes in which SQLite stores a real number: big endian.
std::string StoredBytes(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(bits >> shift));
  return bytes;
}

// Flips the last bit of the one place in `path` that holds `value`.
void FlipBitOf(double value, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(in)), {});
  in.close();
  const size_t position = content.find(StoredBytes(value));
  ASSERT_NE(position, std::string::npos);
  content[position + 7] ^= 1;
  std::ofstream(path, std::ios::binary) << content;
}

class DamageTest : public FaultTest {
 protected:
  // Stores rows 0 to 199, stops the server, damages row 100, starts again.
  void DamageRow100() {
    StartServer();
    ASSERT_NO_FATAL_FAILURE(CreateStudy());
    v1::BatchCreateExperimentsRequest request;
    request.set_parent(study());
    for (int i = 0; i < 200; ++i) *request.add_experiments() = RunNumber(i);
    const auto response = client().BatchCreateExperiments(request);
    ASSERT_TRUE(response.ok()) << response.status();
    damaged_row_ = response->experiments(100).name();
    ASSERT_TRUE(server().Stop().has_value());
    ASSERT_NO_FATAL_FAILURE(FlipBitOf(RunNumber(100).loss_nats(), Database()));
    ASSERT_NO_FATAL_FAILURE(StartServer());
  }

  const std::string& damaged_row() const { return damaged_row_; }

 private:
  std::string damaged_row_;
};

void ExpectDamaged(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  ASSERT_TRUE(GetErrorDetails(status).has_value());
  EXPECT_EQ(GetErrorDetails(status)->reason, "DATABASE_DAMAGED");
}

TEST_F(DamageTest, DamagedRowIsNeverReturned) {
  ASSERT_NO_FATAL_FAILURE(DamageRow100());
  v1::GetExperimentRequest request;
  request.set_name(damaged_row());
  ExpectDamaged(client().GetExperiment(request).status());
}

TEST_F(DamageTest, DamagedRowIsNeverFitted) {
  ASSERT_NO_FATAL_FAILURE(DamageRow100());
  v1::RunFitRequest request;
  request.set_parent(study());
  ExpectDamaged(client().RunFit(request).status());
}

}  // namespace
}  // namespace bitbudget::testing
