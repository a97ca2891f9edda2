#include "client/cli/column_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace bitbudget::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<ColumnMap> Parse(const std::string& json) { return ParseColumnMap(json, "map"); }

TEST(ColumnMapTest, ReadsEveryKeyOfASource) {
  const absl::StatusOr<ColumnMap> map = Parse(R"({"fields": {
      "parameters": {"column": ["a", "b"], "like": "c", "default": "86M", "scale": 1e6,
                     "rounded": true, "words": {"small": 1, "large": "2B"}},
      "loss_nats": {"column": "ppl", "unit": "perplexity"},
      "replicate": {"hash_of": ["ID"]},
      "weight_bits": {"value": 16},
      "recipe": "quantizer"}})");
  ASSERT_EQ(map.status().code(), absl::StatusCode::kOk) << map.status();
  const ColumnSource& size = map->fields.at("parameters");
  EXPECT_THAT(size.columns, ElementsAre("a", "b"));
  EXPECT_THAT(size.like, ElementsAre("c"));
  EXPECT_EQ(size.fallback, "86M");
  EXPECT_EQ(size.scale, 1e6);
  EXPECT_TRUE(size.rounded);
  EXPECT_EQ(size.words, (std::map<std::string, std::string>{{"large", "2B"}, {"small", "1"}}));
  EXPECT_EQ(map->fields.at("loss_nats").unit, LossScale::kPerplexity);
  EXPECT_THAT(map->fields.at("replicate").hash_of, ElementsAre("ID"));
  EXPECT_EQ(map->fields.at("weight_bits").constant, "16");
  EXPECT_THAT(map->fields.at("recipe").columns, ElementsAre("quantizer"));
}

TEST(ColumnMapTest, OverridesFieldsAndConditionsOfThePresetItExtends) {
  const absl::StatusOr<ColumnMap> map = Parse(R"({
      "extends": "wandb",
      "fields": {"loss_nats": "my loss", "note": null},
      "where": {"State": null, "suite": "qat"}})");
  ASSERT_EQ(map.status().code(), absl::StatusCode::kOk) << map.status();
  EXPECT_EQ(map->preset, "wandb");
  EXPECT_THAT(map->fields.at("loss_nats").columns, ElementsAre("my loss"));
  EXPECT_THAT(map->fields.at("loss_nats").like, IsEmpty());
  EXPECT_FALSE(map->fields.contains("note"));
  EXPECT_TRUE(map->fields.contains("parameters"));
  ASSERT_EQ(map->where.size(), 1);
  EXPECT_EQ(map->where[0].column, "suite");
  EXPECT_THAT(map->where[0].values, ElementsAre("qat"));
}

TEST(ColumnMapTest, EveryPresetIsAMapThatTellsWhatRunsNeed) {
  for (const std::string& preset : ColumnPresets()) {
    const absl::StatusOr<ColumnMap> map = LoadColumnMap(preset);
    ASSERT_EQ(map.status().code(), absl::StatusCode::kOk) << map.status();
    EXPECT_EQ(map->preset, preset);
    for (const char* field : {"parameters", "total_tokens", "weight_bits", "loss_nats"}) {
      EXPECT_TRUE(map->fields.contains(field)) << preset << " " << field;
    }
  }
}

TEST(ColumnMapTest, NoPresetOfATrackerTakesThePlainLoss) {
  for (const char* preset : {"wandb", "mlflow"}) {
    const absl::StatusOr<ColumnMap> map = LoadColumnMap(preset);
    ASSERT_EQ(map.status().code(), absl::StatusCode::kOk) << map.status();
    for (const std::string& name : map->fields.at("loss_nats").like) {
      EXPECT_TRUE(name != "loss" && name != "metrics.loss") << name;
    }
  }
}

TEST(ColumnMapTest, AFileThatIsNotThereIsRefusedWithTheNamesOfThePresets) {
  const absl::Status status = LoadColumnMap("wandbb").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot read the column map wandbb (presets: wandb, mlflow, chinchilla)"));
}

// What is wrong with a map, and what is said about it.
struct WrongMap {
  const char* json;
  const char* error;
};

class WrongMapTest : public ::testing::TestWithParam<WrongMap> {};

TEST_P(WrongMapTest, IsRefusedNamingThePlace) {
  const absl::Status status = Parse(GetParam().json).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    WrongMapTest,
    ::testing::Values(
        WrongMap{"{", "map: no JSON: "},
        WrongMap{"[]", "map: must be an object with \"fields\""},
        WrongMap{R"({"extends": "wandbb"})", "unknown preset 'wandbb'; did you mean 'wandb'?"},
        WrongMap{R"({"extends": 3})", "map: extends: unknown preset '3'"},
        WrongMap{R"({"field": {}})", "map: unknown key 'field'; did you mean 'fields'?"},
        WrongMap{R"({"fields": []})", "map: fields: must be an object"},
        WrongMap{R"({"fields": {"parameter": "a"}})",
                 "map: fields: unknown field 'parameter'; did you mean 'parameters'?"},
        WrongMap{R"({"fields": {"parameters": 3}})",
                 "map: fields.parameters: must be the name of a column, or an object"},
        WrongMap{R"({"fields": {"parameters": {"colum": "a"}}})",
                 "map: fields.parameters: unknown key 'colum'; did you mean 'column'?"},
        WrongMap{R"({"fields": {"parameters": {"scale": 2}}})",
                 "map: fields.parameters: needs either a column or a value"},
        WrongMap{R"({"fields": {"parameters": {"column": "a", "value": 2}}})",
                 "map: fields.parameters: needs either a column or a value"},
        WrongMap{R"({"fields": {"parameters": {"column": []}}})",
                 "map: fields.parameters.column: must not be empty"},
        WrongMap{R"({"fields": {"parameters": {"column": "a", "scale": 0}}})",
                 "map: fields.parameters.scale: must be a number above 0"},
        WrongMap{R"({"fields": {"parameters": {"column": "a", "scale": "1e6"}}})",
                 "map: fields.parameters.scale: must be a number above 0"},
        WrongMap{R"({"fields": {"parameters": {"column": "a", "rounded": 1}}})",
                 "map: fields.parameters.rounded: must be true or false"},
        WrongMap{R"({"fields": {"parameters": {"column": "a", "unit": "bits"}}})",
                 "map: fields.parameters.unit: is for losses"},
        WrongMap{R"({"fields": {"loss_nats": {"column": "a", "unit": "dits"}}})",
                 "map: fields.loss_nats.unit: must be \"nats\", \"bits\" or \"perplexity\""},
        WrongMap{R"({"fields": {"loss_stderr_nats": {"column": "a", "unit": "perplexity"}}})",
                 "map: fields.loss_stderr_nats.unit: a standard error has no perplexity"},
        WrongMap{R"({"fields": {"recipe": {"hash_of": "a"}}})",
                 "map: fields.recipe.hash_of: is for replicate"},
        WrongMap{R"({"fields": {"recipe": {"column": "a", "words": ["a"]}}})",
                 "map: fields.recipe.words: must be an object"},
        WrongMap{R"({"fields": {"recipe": {"column": "a", "words": {"b": null}}}})",
                 "map: fields.recipe.words.b: must be a text or a number"},
        WrongMap{R"({"where": ["a"]})", "map: where: must be an object"},
        WrongMap{R"({"where": {"a": []}})", "map: where.a: must not be empty"},
        WrongMap{R"({"where": {"a": {"optional": true}}})", "map: where.a: needs values"},
        WrongMap{R"({"where": {"a": {"value": "b"}}})",
                 "map: where.a: unknown key 'value'; did you mean 'values'?"}));

}  // namespace
}  // namespace bitbudget::cli
