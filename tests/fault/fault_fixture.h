// A study on a server that is going to suffer.

#ifndef BITBUDGET_TESTS_FAULT_FAULT_FIXTURE_H_
#define BITBUDGET_TESTS_FAULT_FAULT_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/cpp/client.h"
#include "tests/process/process.h"

namespace bitbudget::testing {

// Full-precision run number `index`: another index is another natural key, and
// the loss follows from the index, so that content tells a row that was mixed up.
v1::Experiment RunNumber(int64_t index);

class FaultTest : public ::testing::Test {
 protected:
  // Starts the server on the database of this test and connects to it.
  void StartServer();
  // Ends it without a chance to react.
  void KillServer();
  // Starts it again on the address of before, for the client of before.
  void RestartServer();
  // Creates the study; call once, with the server running.
  void CreateStudy();

  const std::string& study() const { return study_; }
  std::string Database() const { return directory_.File("fault.db"); }
  client::Client& client() { return *client_; }
  ServerProcess& server() { return *server_; }

  // Every stored row, in the order of storing.
  std::vector<v1::Experiment> StoredRows();

 private:
  const std::string study_ = "studies/fault";
  TemporaryDirectory directory_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<client::Client> client_;
};

}  // namespace bitbudget::testing

#endif  // BITBUDGET_TESTS_FAULT_FAULT_FIXTURE_H_
