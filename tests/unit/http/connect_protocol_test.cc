// Connect's written rules as tables.

#include "server/connect_protocol.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/server/server_fixture.h"
#include "util/codes.h"
#include "util/error.h"

namespace bitbudget::server {
namespace {

using nlohmann::json;
using testing::FieldsOf;
using testing::ReasonOf;

TEST(ConnectContentType, NamesCodecAndFraming) {
  struct Row {
    std::string_view text;
    std::optional<ContentFormat> format;
  };
  const std::vector<Row> rows = {
      {"application/json", ContentFormat{Codec::kJson, Framing::kBare}},
      {"application/proto", ContentFormat{Codec::kProto, Framing::kBare}},
      {"application/connect+json", ContentFormat{Codec::kJson, Framing::kEnvelopes}},
      {"application/connect+proto", ContentFormat{Codec::kProto, Framing::kEnvelopes}},
      {"Application/JSON", ContentFormat{Codec::kJson, Framing::kBare}},
      {"application/json; charset=utf-8", ContentFormat{Codec::kJson, Framing::kBare}},
      {"application/json;charset=UTF-8", ContentFormat{Codec::kJson, Framing::kBare}},
      {"application/json; charset=latin1", std::nullopt},
      {"application/json; q=1", std::nullopt},
      {"text/plain", std::nullopt},
      {"application/x-www-form-urlencoded", std::nullopt},
      {"application/grpc-web+proto", std::nullopt},
      {"application/jsonx", std::nullopt},
      {"", std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(ParseContentType(row.text), row.format) << row.text;
}

TEST(ConnectContentType, IsWrittenAsItIsRead) {
  for (const Codec codec : {Codec::kJson, Codec::kProto}) {
    for (const Framing framing : {Framing::kBare, Framing::kEnvelopes}) {
      const ContentFormat format{codec, framing};
      EXPECT_EQ(ParseContentType(ContentTypeOf(format)), format);
    }
  }
}

TEST(ConnectVersion, IsOneOrUnsaid) {
  EXPECT_TRUE(CheckProtocolVersion("").ok());
  EXPECT_TRUE(CheckProtocolVersion("1").ok());
  for (const char* version : {"2", "0", "1.0", "one"}) {
    EXPECT_EQ(FieldsOf(CheckProtocolVersion(version)),
              std::vector<std::string>{"Connect-Protocol-Version"});
  }
}

TEST(ConnectTimeout, IsAWholeNumberOfMilliseconds) {
  EXPECT_EQ(*ParseTimeout(""), absl::InfiniteDuration());
  EXPECT_EQ(*ParseTimeout("0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseTimeout("1500"), absl::Milliseconds(1500));
  EXPECT_EQ(*ParseTimeout("9999999999"), absl::Milliseconds(9'999'999'999));
  for (const char* text : {"-1", "1.5", "10000000000", "1s", " 1", "x"}) {
    EXPECT_EQ(FieldsOf(ParseTimeout(text).status()), std::vector<std::string>{"Connect-Timeout-Ms"})
        << text;
  }
}

TEST(ConnectCompression, KnowsGzipAndNone) {
  EXPECT_EQ(*ParseCompression(""), Compression::kIdentity);
  EXPECT_EQ(*ParseCompression("identity"), Compression::kIdentity);
  EXPECT_EQ(*ParseCompression("GZIP"), Compression::kGzip);
  EXPECT_EQ(ParseCompression("br").status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ReasonOf(ParseCompression("gzip, br").status()), "UNKNOWN_COMPRESSION");
}

TEST(ConnectCompression, IsUsedForThoseWhoTakeIt) {
  for (const char* list : {"gzip", "gzip, deflate, br", "br;q=1, gzip;q=0.5", "GZip"}) {
    EXPECT_TRUE(AcceptsGzip(list)) << list;
  }
  for (const char* list : {"", "identity", "br", "gzip;q=0", "xgzip"}) {
    EXPECT_FALSE(AcceptsGzip(list)) << list;
  }
}

// The table of the protocol's specification.
TEST(ConnectErrors, HaveTheirHttpStatus) {
  const std::map<std::string_view, int> statuses = {{"canceled", 499},
                                                    {"unknown", 500},
                                                    {"invalid_argument", 400},
                                                    {"deadline_exceeded", 504},
                                                    {"not_found", 404},
                                                    {"already_exists", 409},
                                                    {"permission_denied", 403},
                                                    {"resource_exhausted", 429},
                                                    {"failed_precondition", 400},
                                                    {"aborted", 409},
                                                    {"out_of_range", 400},
                                                    {"unimplemented", 501},
                                                    {"internal", 500},
                                                    {"unavailable", 503},
                                                    {"data_loss", 500},
                                                    {"unauthenticated", 401}};
  for (const CodeRow& row : AllCodes()) {
    if (row.code == absl::StatusCode::kOk) continue;
    ASSERT_TRUE(statuses.contains(row.connect_name)) << row.connect_name;
    EXPECT_EQ(row.http_status, statuses.at(row.connect_name)) << row.connect_name;
  }
  EXPECT_EQ(AllCodes().size(), statuses.size() + 1);
}

TEST(ConnectErrors, SayCodeMessageAndDetails) {
  const json error = json::parse(ErrorJson(InvalidField("parameters", "is 0; at least 1")));
  EXPECT_EQ(error["code"], "invalid_argument");
  EXPECT_EQ(error["message"], "parameters: is 0; at least 1");
  ASSERT_EQ(error["details"].size(), 2);
  EXPECT_EQ(error["details"][0]["type"], "google.rpc.ErrorInfo");
  EXPECT_EQ(error["details"][0]["debug"]["reason"], "INVALID_FIELD");
  // ErrorInfo{reason: "INVALID_FIELD", domain: "bitbudget"}, without padding.
  EXPECT_EQ(error["details"][0]["value"], "Cg1JTlZBTElEX0ZJRUxEEgliaXRidWRnZXQ");
  EXPECT_EQ(error["details"][1]["debug"]["field_violations"][0]["field"], "parameters");
}

TEST(ConnectErrors, WithoutDetailsHaveNone) {
  EXPECT_EQ(ErrorJson(absl::CancelledError("gone")), R"({"code":"canceled","message":"gone"})");
}

TEST(ConnectErrors, AreUtf8WhateverTheyQuote) {
  EXPECT_EQ(json::parse(ErrorJson(absl::NotFoundError("\xff")))["message"], "\uFFFD");
}

TEST(ConnectStream, EndsWithItsError) {
  EXPECT_EQ(EndStreamJson(absl::OkStatus()), "{}");
  EXPECT_EQ(EndStreamJson(absl::CancelledError("gone")),
            R"({"error":{"code":"canceled","message":"gone"}})");
}

TEST(ConnectEnvelope, IsFlagsBigEndianLengthAndData) {
  EXPECT_EQ(WriteEnvelope({.flags = 2, .data = "{}"}), std::string("\2\0\0\0\2{}", 7));
  const std::string large = WriteEnvelope({.data = std::string(0x10203, 'x')});
  EXPECT_EQ(large.substr(0, 5), std::string("\0\0\1\2\3", 5));
}

TEST(ConnectEnvelope, IsTakenOffTheFront) {
  const std::string bytes = WriteEnvelope({.data = "one"}) + WriteEnvelope({.data = ""}) + "rest";
  std::string_view unread = bytes;
  EXPECT_EQ((*TakeEnvelope(&unread, 3))->data, "one");
  EXPECT_EQ((*TakeEnvelope(&unread, 3))->data, "");
  EXPECT_EQ(unread, "rest");
}

TEST(ConnectEnvelope, ThatBreaksOffIsNone) {
  const std::string bytes = WriteEnvelope({.data = "one"});
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string_view unread = std::string_view(bytes).substr(0, size);
    EXPECT_EQ(*TakeEnvelope(&unread, 3), std::nullopt) << size;
    EXPECT_EQ(unread.size(), size);
  }
}

TEST(ConnectEnvelope, BeyondTheLimitIsRefusedUnread) {
  const std::string bytes("\0\xff\xff\xff\xff", 5);
  std::string_view unread = bytes;
  EXPECT_EQ(ReasonOf(TakeEnvelope(&unread, 1'000).status()), "MESSAGE_TOO_LARGE");
}

}  // namespace
}  // namespace bitbudget::server
