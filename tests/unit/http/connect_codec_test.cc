#include "server/connect_codec.h"

#include <gtest/gtest.h>

#include "bitbudget/v1/experiment.pb.h"
#include "bitbudget/v1/planner.pb.h"
#include "bitbudget/v1/study.pb.h"
#include "tests/unit/server/server_fixture.h"
#include "util/error.h"

namespace bitbudget::server {
namespace {

using testing::FieldsOf;

absl::Status Decode(std::string_view json, google::protobuf::Message&& message) {
  return DecodeMessage(Codec::kJson, json, &message);
}

TEST(ConnectCodec, ReadsFieldsByEitherName) {
  v1::PredictLossRequest request;
  ASSERT_TRUE(DecodeMessage(Codec::kJson, R"({"fpTokens":"7","qat_tokens":8})", &request).ok());
  EXPECT_EQ(request.fp_tokens(), 7);
  EXPECT_EQ(request.qat_tokens(), 8);
}

TEST(ConnectCodec, NamesTheFieldThatIsWrong) {
  const std::vector<std::pair<std::string_view, std::string>> rows = {
      {R"({"parameters":"abc"})", "parameters"},
      {R"({"parameters":1.5})", "parameters"},
      {R"({"source":{"study":1}})", "source.study"},
      {R"({"source":[]})", "source"},
      {R"({"nope":1})", "nope"},
      {R"({"source":{"nope":1}})", "source.nope"},
      {R"({"parameters":12, )", ""},
      {R"({"parameters":1}x)", ""},
      {"[]", ""},
      {"null", ""},
      {"", ""},
      {"{\"source\":{\"study\":\"\xff\"}}", ""},
  };
  for (const auto& [json, field] : rows) {
    const absl::Status status = Decode(json, v1::PredictLossRequest());
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << json;
    EXPECT_EQ(FieldsOf(status), std::vector<std::string>{field}) << json;
  }
}

TEST(ConnectCodec, NamesTheRowOfAFieldThatIsWrong) {
  EXPECT_EQ(FieldsOf(Decode(R"({"experiments":[{"parameters":1},{"fpTokens":"x"}]})",
                            v1::BatchCreateExperimentsRequest())),
            std::vector<std::string>{"experiments[1].fp_tokens"});
  EXPECT_EQ(FieldsOf(Decode(R"({"experiments":[{"foo":1}]})", v1::BatchCreateExperimentsRequest())),
            std::vector<std::string>{"experiments[0].foo"});
}

TEST(ConnectCodec, SaysWhatAFieldNeeds) {
  EXPECT_EQ(Decode(R"({"parameters":"many"})", v1::PredictLossRequest()).message(),
            "parameters: invalid value \"many\"; a whole number below 2^63 is needed");
  EXPECT_EQ(Decode(R"({"pageSize":3000000000})", v1::ListStudiesRequest()).message(),
            "page_size: invalid value 3000000000; a whole number below 2^31 is needed");
  EXPECT_EQ(Decode(R"({"weightBits":"x"})", v1::PredictLossRequest()).message(),
            "weight_bits: invalid value \"x\"; a number is needed");
}

TEST(ConnectCodec, RefusesBytesThatAreNoMessage) {
  v1::PredictLossRequest request;
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeMessage(Codec::kProto, "\xff\xff", &request)));
}

TEST(ConnectCodec, WritesWhatItReads) {
  v1::PredictLossRequest request;
  request.mutable_source()->set_study("studies/a");
  request.set_parameters(9'007'199'254'740'993);  // more than a double holds
  request.set_weight_bits(1.58);
  for (const Codec codec : {Codec::kJson, Codec::kProto}) {
    v1::PredictLossRequest again;
    ASSERT_TRUE(DecodeMessage(codec, *EncodeMessage(codec, request), &again).ok());
    EXPECT_EQ(again.SerializeAsString(), request.SerializeAsString());
  }
}

}  // namespace
}  // namespace bitbudget::server
