#include "client/cli/run_mapper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>
#include <string>

namespace bitbudget::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// A map and what it makes of tables.
class Mapped {
 public:
  explicit Mapped(const std::string& map) : mapper_(*ParseColumnMap(map, "map")) {}

  absl::Status Read(const std::string& csv, const std::string& name = "") {
    std::istringstream input(csv);
    mapper_.BeginTable(name);
    const absl::StatusOr<RunTable> table =
        ReadCsvTable(input, [&](const std::vector<std::string>& columns, TableRow row) {
          mapper_.AddRow(columns, row);
        });
    return table.ok() ? mapper_.EndTable(table->columns) : table.status();
  }

  const v1::Experiment& Row(size_t i = 0) const { return mapper_.file().rows.at(i); }
  const ParsedFile& file() const { return mapper_.file(); }
  const MappingUse& use() const { return mapper_.use(); }

  // The problems of rows as "line: field: description".
  std::vector<std::string> Problems() const {
    std::vector<std::string> problems;
    for (const RejectedRow& row : file().rejected) {
      problems.push_back(std::to_string(row.line) + ": " + row.field + ": " + row.description);
    }
    return problems;
  }

 private:
  RunMapper mapper_;
};

// What the map makes of one row, which must be read.
v1::Experiment One(const std::string& map, const std::string& csv) {
  Mapped mapped(map);
  const absl::Status status = mapped.Read(csv);
  EXPECT_EQ(status.code(), absl::StatusCode::kOk) << status;
  EXPECT_THAT(mapped.Problems(), IsEmpty());
  return mapped.file().rows.size() == 1 ? mapped.Row() : v1::Experiment();
}

constexpr char kPlain[] = R"({"fields": {
    "parameters": "n", "fp_tokens": "fp", "qat_tokens": "qat", "weight_bits": "b",
    "loss_nats": "l"}})";

TEST(RunMapperTest, ReadsCellsAsOurOwnFilesAre) {
  const v1::Experiment row = One(kPlain, "n,fp,qat,b,l\n86M,20Btok,1e10,1.58,2.5\n");
  EXPECT_EQ(row.parameters(), 86'000'000);
  EXPECT_EQ(row.fp_tokens(), 20'000'000'000);
  EXPECT_EQ(row.qat_tokens(), 10'000'000'000);
  EXPECT_EQ(row.weight_bits(), 1.58);
  EXPECT_EQ(row.loss_nats(), 2.5);
  EXPECT_EQ(row.provenance().line(), 2);
}

TEST(RunMapperTest, ScalesExactly) {
  const v1::Experiment row = One(R"({"fields": {
      "parameters": {"column": "n", "scale": 1e6}, "fp_tokens": {"column": "d", "scale": 1e9},
      "qat_tokens": {"value": 0}, "weight_bits": {"value": 16}, "loss_nats": "l"}})",
                                 "n,d,l\n85.9,1.4,2.5\n");
  EXPECT_EQ(row.parameters(), 85'900'000);
  EXPECT_EQ(row.fp_tokens(), 1'400'000'000);
}

TEST(RunMapperTest, ANumberThatScalingLeavesBrokenIsRefusedUnlessItIsRounded) {
  const std::string csv = "n,d,l\n85.9000005,3,2.5\n";
  Mapped exact(R"({"fields": {"parameters": {"column": "n", "scale": 1e6}, "fp_tokens": "d",
                  "weight_bits": {"value": 16}, "loss_nats": "l"}})");
  EXPECT_EQ(exact.Read(csv).code(), absl::StatusCode::kOk);
  EXPECT_THAT(exact.Problems(),
              ElementsAre(AllOf(HasSubstr("2: parameters: column 'n': '85900000.5"),
                                HasSubstr("not a whole number"))));
  const v1::Experiment row =
      One(R"({"fields": {"parameters": {"column": "n", "scale": 1e6, "rounded": true},
              "fp_tokens": "d", "weight_bits": {"value": 16}, "loss_nats": "l"}})",
          csv);
  EXPECT_NEAR(static_cast<double>(row.parameters()), 85'900'000.5, 0.5);
}

TEST(RunMapperTest, LossesInBitsAndPerplexitiesBecomeNats) {
  const auto loss = [](const std::string& unit, const std::string& cell) {
    return One(R"({"fields": {"parameters": {"value": 5}, "fp_tokens": {"value": 6},
                   "weight_bits": {"value": 16}, "loss_nats": {"column": "l", "unit": ")" +
                   unit + "\"}}}",
               "l\n" + cell + "\n")
        .loss_nats();
  };
  // To a unit in the last place of a loss near 3.
  EXPECT_NEAR(loss("bits", "4"), 4 * std::log(2.0), 1e-15 * 4);
  EXPECT_NEAR(loss("perplexity", "20"), std::log(20.0), 1e-15 * 4);
  EXPECT_EQ(loss("nats", "3.1"), 3.1);
}

TEST(RunMapperTest, APerplexityThatIsNoneIsRefused) {
  Mapped mapped(R"({"fields": {"parameters": {"value": 5}, "fp_tokens": {"value": 6},
      "weight_bits": {"value": 16}, "loss_nats": {"column": "l", "unit": "perplexity"}}})");
  EXPECT_EQ(mapped.Read("l\n0\n").code(), absl::StatusCode::kOk);
  EXPECT_THAT(mapped.Problems(), ElementsAre("2: loss_nats: column 'l': '0' is no perplexity"));
}

TEST(RunMapperTest, WordsStandForValues) {
  const std::string map = R"({"fields": {"parameters": {"value": 5}, "fp_tokens": {"value": 6},
      "qat_tokens": {"value": 7}, "loss_nats": {"value": 3},
      "weight_bits": {"column": "quant", "words": {"none": 16, "int4": 4}}}})";
  EXPECT_EQ(One(map, "quant\nint4\n").weight_bits(), 4);
  EXPECT_EQ(One(map, "quant\n2\n").weight_bits(), 2);
  Mapped mapped(map);
  EXPECT_EQ(mapped.Read("quant\nint3\n").code(), absl::StatusCode::kOk);
  EXPECT_THAT(mapped.Problems(),
              ElementsAre(HasSubstr("weight_bits: column 'quant': 'int3' is not a number")));
}

TEST(RunMapperTest, TheFirstColumnThatHasAValueCountsThenTheDefault) {
  const std::string map = R"({"fields": {"parameters": {"value": 5}, "fp_tokens": {"value": 6},
      "loss_nats": {"value": 3}, "weight_bits": {"value": 16},
      "recipe": {"column": ["a", "b"], "default": "none"}}})";
  EXPECT_EQ(One(map, "a,b\nx,y\n").recipe(), "x");
  EXPECT_EQ(One(map, "a,b\n,y\n").recipe(), "y");
  EXPECT_EQ(One(map, "a,b\nNone,null\n").recipe(), "none");
}

TEST(RunMapperTest, NamesThatAreAlikeDifferInCaseAndPunctuation) {
  const std::string map = R"({"fields": {"parameters": {"value": 5}, "fp_tokens": {"value": 6},
      "weight_bits": {"value": 16}, "loss_nats": {"like": "eval loss"}}})";
  for (const char* name : {"eval/loss", "Eval_Loss", "EVAL-LOSS", "evalLoss", "eval.loss"}) {
    EXPECT_EQ(One(map, std::string(name) + "\n3.5\n").loss_nats(), 3.5) << name;
  }
}

// The fields that are given, and the tokens that follow.
struct DerivationCase {
  const char* columns;
  const char* cells;
  int64_t parameters;
  int64_t fp_tokens;
  int64_t qat_tokens;
};

class DerivationTest : public ::testing::TestWithParam<DerivationCase> {};

TEST_P(DerivationTest, FollowsFromWhatIsGiven) {
  const DerivationCase& c = GetParam();
  const v1::Experiment row =
      One(R"({"fields": {"parameters": {"like": "n"}, "fp_tokens": {"like": "fp"},
              "qat_tokens": {"like": "qat"}, "total_tokens": {"like": "d"},
              "qat_fraction": {"like": "f"}, "compute_flops": {"like": "c"},
              "weight_bits": {"like": "b"}, "loss_nats": {"value": 3}}})",
          std::string(c.columns) + "\n" + c.cells + "\n");
  EXPECT_EQ(row.parameters(), c.parameters);
  EXPECT_EQ(row.fp_tokens(), c.fp_tokens);
  EXPECT_EQ(row.qat_tokens(), c.qat_tokens);
}

INSTANTIATE_TEST_SUITE_P(All,
                         DerivationTest,
                         ::testing::Values(DerivationCase{"n,fp,qat,b", "5,60,40,4", 5, 60, 40},
                                           DerivationCase{"n,d,f,b", "5,100,25%,4", 5, 75, 25},
                                           DerivationCase{"n,d,f,b", "5,100,0.25,4", 5, 75, 25},
                                           DerivationCase{"n,d,qat,b", "5,100,40,4", 5, 60, 40},
                                           DerivationCase{"n,d,fp,b", "5,100,60,4", 5, 60, 40},
                                           DerivationCase{"n,d,b", "5,100,16", 5, 100, 0},
                                           DerivationCase{"n,fp,b", "5,100,16", 5, 100, 0},
                                           DerivationCase{"n,c,b", "5,3000,16", 5, 100, 0},
                                           DerivationCase{"d,c,b", "100,3000,16", 5, 100, 0},
                                           DerivationCase{"n,c,f,b", "5,3000,0.4,2", 5, 60, 40},
                                           // What is given stands, whatever the FLOPs say.
                                           DerivationCase{"n,d,c,b", "5,100,9000,16", 5, 100, 0}));

TEST(RunMapperTest, ARowThatLacksWhatARunNeedsIsRefusedNamingColumns) {
  Mapped mapped(R"({"fields": {"parameters": "n", "total_tokens": "d", "loss_nats": "l",
                   "weight_bits": {"value": 4}}})");
  EXPECT_EQ(mapped.Read("n,d,l\n5,100,\n").code(), absl::StatusCode::kOk);
  EXPECT_THAT(mapped.Problems(),
              ElementsAre("2: fp_tokens: is not given, nor is what it derives from",
                          "2: qat_tokens: is not given, nor is what it derives from",
                          "2: loss_nats: column 'l' is empty"));
}

TEST(RunMapperTest, AllWrongCellsOfARowAreReported) {
  Mapped mapped(kPlain);
  EXPECT_EQ(mapped.Read("n,fp,qat,b,l\nmany,20B,10B,4,nan\n").code(), absl::StatusCode::kOk);
  EXPECT_THAT(mapped.Problems(),
              UnorderedElementsAre(HasSubstr("2: parameters: column 'n': 'many' is not"),
                                   HasSubstr("2: loss_nats: column 'l': 'nan' is not")));
}

TEST(RunMapperTest, RowsAreTakenByConditionsAndTheOthersCounted) {
  Mapped mapped(R"({"fields": {"parameters": {"value": 5}, "fp_tokens": "d", "loss_nats": "l",
                   "weight_bits": {"value": 16}}, "where": {"State": ["finished", "done"]}})");
  EXPECT_EQ(mapped.Read("State,d,l\nFinished,1,3\ncrashed,2,\nDONE,3,3\ncrashed,4,\n,5,3\n").code(),
            absl::StatusCode::kOk);
  EXPECT_EQ(mapped.file().rows.size(), 2);
  EXPECT_THAT(mapped.Problems(), IsEmpty());
  EXPECT_THAT(mapped.use().left_out,
              ElementsAre(Pair("State is crashed", 2), Pair("State is empty", 1)));
}

TEST(RunMapperTest, AReplicateIsMadeOfTheRunsNameWhereThereIsNoSeed) {
  const std::string map = R"({"fields": {"parameters": {"value": 5}, "fp_tokens": {"value": 6},
      "weight_bits": {"value": 16}, "loss_nats": {"value": 3},
      "replicate": {"like": "seed", "hash_of": "ID"}}})";
  EXPECT_EQ(One(map, "ID,seed\nabc,7\n").replicate(), 7);
  // FNV-1a of "abc" is 0xe71fa2190541574b; its halves, one on the other, in 31 bits.
  EXPECT_EQ(One(map, "ID,seed\nabc,\n").replicate(), (0xe71fa219 ^ 0x0541574b) & 0x7FFFFFFF);
}

TEST(RunMapperTest, SaysWhereEachFieldComesFromAndWhatIsNotRead) {
  Mapped mapped(R"({"fields": {"parameters": {"column": "n", "scale": 1e6}, "total_tokens": "d",
      "qat_fraction": "f", "weight_bits": {"like": "bits", "default": 16}, "loss_nats": "l"}})");
  EXPECT_EQ(mapped.Read("n,d,f,l,bits,lr\n1,100,.5,3,4,.1\n2,100,,3,,.1\n").code(),
            absl::StatusCode::kOk);
  const auto& sources = mapped.use().sources;
  EXPECT_THAT(sources.at("parameters"), ElementsAre(Pair("n x 1e+06", 2)));
  EXPECT_THAT(sources.at("qat_tokens"),
              ElementsAre(Pair("0 at 16 bits", 1), Pair("total_tokens x qat_fraction", 1)));
  EXPECT_THAT(sources.at("weight_bits"), ElementsAre(Pair("16 (default)", 1), Pair("bits", 1)));
  EXPECT_THAT(mapped.use().unread, ElementsAre("lr"));
}

TEST(RunMapperTest, RowsOfSeveralTablesAreNamedWithTheirs) {
  Mapped mapped(kPlain);
  EXPECT_EQ(mapped.Read("n,fp,qat,b,l\n5,6,7,2,3\n", "a.csv").code(), absl::StatusCode::kOk);
  EXPECT_EQ(mapped.Read("l,b,qat,fp,n\n3,2,7,6,x\n", "b.csv").code(), absl::StatusCode::kOk);
  EXPECT_THAT(mapped.file().places, ElementsAre("a.csv, line 2"));
  EXPECT_THAT(mapped.Problems(),
              ElementsAre(HasSubstr("0: parameters: b.csv, line 2: column 'n': 'x' is not")));
}

// A table that a map cannot be meant for.
struct WrongTable {
  const char* map;
  const char* header;
  const char* error;
};

class WrongTableTest : public ::testing::TestWithParam<WrongTable> {};

TEST_P(WrongTableTest, IsRefused) {
  Mapped mapped(GetParam().map);
  const absl::Status status = mapped.Read(GetParam().header);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    WrongTableTest,
    ::testing::Values(
        WrongTable{kPlain, "n,fp,qat,bb,l\n", "weight_bits: there is no column 'b'; did you mean"},
        WrongTable{kPlain, "n,fp,qat,b,l,l\n", "loss_nats: column 'l' stands there twice"},
        WrongTable{R"({"extends": "wandb", "where": {"suite": "qat"}})",
                   "State,suit,params,tokens,val_loss\n",
                   "where: there is no column 'suite'; did you mean 'suit'?"},
        WrongTable{R"({"extends": "wandb"})",
                   "State,params,tokens,loss\n",
                   "no column is known to tell loss_nats (columns: State, params, tokens, loss); "
                   "name it in a column map: {\"extends\": \"wandb\", \"fields\": {\"loss_nats\": "
                   "\"COLUMN\"}}"},
        WrongTable{R"({"extends": "chinchilla"})", "N,loss\n", "known to tell total_tokens"},
        WrongTable{R"({"extends": "chinchilla"})", "C,loss\n", "known to tell parameters"}));

}  // namespace
}  // namespace bitbudget::cli
