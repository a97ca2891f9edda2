#include "server/http_gzip.h"

#include <gtest/gtest.h>

#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using testing::ReasonOf;

TEST(HttpGzip, UnpacksWhatItPacks) {
  for (const size_t size : {0, 1, 1'000, 200'000}) {
    std::string text;
    while (text.size() < size) text += std::to_string(text.size()) + ",";
    text.resize(size);
    EXPECT_EQ(*Gunzip(Gzip(text), size), text);
  }
}

TEST(HttpGzip, StopsAtTheLimitHoweverMuchComes) {
  const std::string bomb = Gzip(std::string(50'000'000, '0'));
  EXPECT_LT(bomb.size(), 300'000);
  EXPECT_EQ(ReasonOf(Gunzip(bomb, 1'000'000).status()), "MESSAGE_TOO_LARGE");
}

TEST(HttpGzip, RefusesWhatIsNotWhole) {
  const std::string packed = Gzip("some text that is packed");
  for (const std::string& bytes : {std::string(),
                                   std::string("{}"),
                                   packed.substr(0, 12),
                                   packed.substr(0, packed.size() - 1),
                                   packed + "more"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Gunzip(bytes, 1'000).status())) << bytes.size();
  }
}

}  // namespace
}  // namespace bitbudget::server
