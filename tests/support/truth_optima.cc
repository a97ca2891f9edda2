#include "tests/support/truth_optima.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/files.h"
#include "tests/support/shared_data.h"

namespace bitbudget::test_support {
namespace {

using nlohmann::json;

json ToJson(const TruthOptimum& optimum) {
  json value = {{"study", optimum.study},
                {"seed", optimum.seed},
                {"variant", optimum.variant},
                {"huber_delta", optimum.huber_delta},
                {"objective", optimum.objective},
                {"start_count", optimum.start_count},
                {"search_objective", optimum.search_objective}};
  if (optimum.scipy_objective) value["scipy_objective"] = *optimum.scipy_objective;
  return value;
}

TruthOptimum FromJson(const json& value) {
  TruthOptimum optimum = {.study = value.at("study"),
                          .seed = value.at("seed"),
                          .variant = value.at("variant"),
                          .huber_delta = value.at("huber_delta"),
                          .objective = value.at("objective"),
                          .start_count = value.at("start_count"),
                          .search_objective = value.at("search_objective")};
  if (value.contains("scipy_objective")) {
    optimum.scipy_objective = value.at("scipy_objective").get<double>();
  }
  return optimum;
}

}  // namespace

std::vector<Truth> TruthsOnRecord() {
  std::vector<Truth> truths = OwnTruths();
  for (Truth& truth : truths) truth.name = "own/" + truth.name;
  for (Truth& truth : ReadSharedTruths().value_or(std::vector<Truth>{})) {
    truth.name = "shared/" + truth.name;
    truths.push_back(std::move(truth));
  }
  return truths;
}

std::string TruthOptimaPath() { return SourcePath("tests/data/truth_optima.json"); }

std::vector<TruthOptimum> ReadTruthOptima(const std::string& path) {
  std::vector<TruthOptimum> optima;
  if (!std::filesystem::exists(path)) return optima;
  try {
    const json document = json::parse(std::ifstream(path));
    for (const json& value : document.at("optima")) optima.push_back(FromJson(value));
  } catch (const json::exception& error) {
    fmt::print(stderr, "{}: {}\n", path, error.what());
    std::exit(1);
  }
  return optima;
}

void WriteTruthOptima(const std::string& path, const std::vector<TruthOptimum>& optima) {
  // One line an optimum, so that a change shows as one.
  std::string text = "{\"made_by\": \"make_truth_optima\",\n \"optima\": [";
  for (size_t i = 0; i < optima.size(); ++i) {
    text += (i == 0 ? "\n  " : ",\n  ") + ToJson(optima[i]).dump();
  }
  text += "\n]}\n";
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
}

}  // namespace bitbudget::test_support
