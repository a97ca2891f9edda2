#include "tests/support/shared_data.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace bitbudget::test_support {
namespace {

using nlohmann::json;

[[noreturn]] void Fail(const std::string& what) {
  fmt::print(stderr, "{}\n", what);
  std::exit(1);
}

Truth TruthFromJson(const std::string& name, const json& value) {
  const json& from = value.at("coefficients");
  const auto get = [&from](const char* key) { return from.at(key).get<double>(); };
  Truth truth = {.name = name,
                 .coefficients = {.alpha = get("alpha"),
                                  .beta = get("beta"),
                                  .gamma = get("gamma"),
                                  .zeta = get("zeta"),
                                  .eta = get("eta"),
                                  .theta = get("theta"),
                                  .kappa = get("kappa"),
                                  .phi = get("phi"),
                                  .chi = get("chi"),
                                  .psi = get("psi"),
                                  .omega = get("omega"),
                                  .lambda = get("lambda"),
                                  .mu = get("mu"),
                                  .nu = get("nu"),
                                  .xi = get("xi"),
                                  .rho = get("rho")},
                 .checks = {}};
  for (const json& check : value.at("check")) {
    truth.checks.push_back({.parameters = check.at("parameters"),
                            .total_tokens = check.at("total_tokens"),
                            .weight_bits = check.at("weight_bits"),
                            .optimal_fraction = check.at("optimal_fraction"),
                            .loss_nats_at_fraction_0_3 = check.at("loss_nats_at_0.3")});
  }
  return truth;
}

}  // namespace

std::optional<std::string> FindSharedFile(const std::string& name) {
  const auto path = std::filesystem::path(SourcePath("../shared/data")) / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path.lexically_normal().string();
}

std::optional<std::vector<Truth>> ReadSharedTruths() {
  const std::optional<std::string> path = FindSharedFile("truths.json");
  if (!path) return std::nullopt;
  try {
    std::vector<Truth> truths;
    const json document = json::parse(std::ifstream(*path));
    for (const auto& [name, value] : document.items()) {
      if (value.is_object()) truths.push_back(TruthFromJson(name, value));
    }
    return truths;
  } catch (const json::exception& error) {
    Fail(fmt::format("{}: {}", *path, error.what()));
  }
}

std::optional<fitter::Dataset> ReadSharedChinchillaRuns() {
  const std::optional<std::string> path = FindSharedFile("chinchilla_epoch.csv");
  if (!path) return std::nullopt;
  std::ifstream file(*path);
  std::string line;
  if (!std::getline(file, line) || line != "parameters,total_tokens,loss_nats") {
    Fail(fmt::format("{}: unexpected header \"{}\"", *path, line));
  }
  fitter::Dataset data;
  while (std::getline(file, line)) {
    fitter::Observation row;
    row.point.weight_bits = 16;
    if (std::sscanf(line.c_str(),
                    "%lf,%lf,%lf",
                    &row.point.parameters,
                    &row.point.fp_tokens,
                    &row.loss_nats) != 3) {
      Fail(fmt::format("{}:{}: not three numbers", *path, data.rows.size() + 2));
    }
    data.rows.push_back(row);
  }
  return data;
}

}  // namespace bitbudget::test_support
