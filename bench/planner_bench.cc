// Questions to the planner, in one thread and without a server.
//
// A law of 16 parameters with a full covariance; questions go round a set of
// sizes, widths and budgets so that no branch is learnt by heart.

#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "fitter/law.h"
#include "planner/bit_width.h"
#include "planner/full_precision.h"
#include "planner/grid.h"
#include "planner/loss.h"
#include "planner/qat_fraction.h"
#include "planner/waste.h"

namespace bitbudget::planner {
namespace {

// alpha beta gamma zeta eta theta kappa phi chi psi omega lambda mu nu xi rho,
// in the order of the law's parameters.
constexpr double kCoefficients[] = {
    1.6, 0.45, 0.3, 0.35, 0.35, 0.22, 0.95, 0.05, 0.62, 0.12, 0.55, 0.24, 0.58, 0.1, 0.95, 0.02};

FittedLaw BenchLaw() {
  const double widths[] = {1, 2, 4, 6};
  FittedLaw law{.law = fitter::LawLadder("compute_optimal_qat", widths)->front()};
  const int size = law.law.parameter_count();
  law.covariance.assign(static_cast<size_t>(size) * size, 1e-5);
  for (int i = 0; i < size; ++i) {
    const double value = kCoefficients[i];
    law.theta.push_back(law.law.parameters[i].is_log_coefficient ? std::log(value) : value);
    law.covariance[i * size + i] += 1e-4;
  }
  law.identified.assign(size, true);
  law.at_bound.assign(size, false);
  law.run_stddev = law.trunk_stddev = 0.003;
  law.degrees_of_freedom = 37.5;
  law.support = {.parameters = {8e7, 3e9},
                 .total_tokens = {2e9, 2e12},
                 .fp_tokens = {1e8, 2e12},
                 .qat_tokens = {1e8, 1e12},
                 .qat_fraction = {0.02, 0.9},
                 .tokens_per_parameter_byte = {1, 1e6},
                 .weight_bits = {1, 2, 4, 6},
                 .parameters_level_count = 5,
                 .total_tokens_level_count = 5,
                 .qat_fraction_level_count = 7,
                 .qat_row_count = 757,
                 .full_precision_row_count = 40};
  return law;
}

std::vector<RunPoint> Runs() {
  std::vector<RunPoint> runs;
  for (const double parameters : {86e6, 396e6, 2.2e9}) {
    for (const double bits : {1.0, 2.0, 4.0, 6.0}) {
      for (double tokens = 3e9; tokens < 1e12; tokens *= 2.7) {
        runs.push_back({parameters, 0.8 * tokens, 0.2 * tokens, bits});
      }
    }
  }
  return runs;
}

void BM_OptimizeQatFraction(benchmark::State& state) {
  const FittedLaw law = BenchLaw();
  const std::vector<RunPoint> runs = Runs();
  const bool with_intervals = state.range(0) != 0;
  size_t i = 0;
  for (auto _ : state) {
    const RunPoint& run = runs[i++ % runs.size()];
    auto answer = OptimizeQatFraction(law,
                                      {.parameters = run.parameters,
                                       .weight_bits = run.weight_bits,
                                       .budget_tokens = run.total_tokens(),
                                       .with_intervals = with_intervals});
    if (!answer.ok()) {
      state.SkipWithError("a question was refused");
      return;
    }
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(BM_OptimizeQatFraction)->ArgName("intervals")->Arg(0)->Arg(1);

// Caps and budgets that go from tight to wide. bits_vs_scipy.py asks the same.
struct CapAndBudget {
  double memory_bytes;
  double flops;
};
std::vector<CapAndBudget> CapsAndBudgets() {
  std::vector<CapAndBudget> all;
  for (const double gibibytes : {0.1, 0.4, 1.6, 6.4}) {
    for (const double flops : {1e19, 1e20, 1e21, 1e22, 1e23}) {
      all.push_back({gibibytes * 1024 * 1024 * 1024, flops});
    }
  }
  return all;
}

BitWidthQuestion BitsQuestion(const CapAndBudget& limits) {
  BitWidthQuestion question;
  question.weight_bits = {1, 1.58, 2, 3, 4, 6};
  question.memory_bytes = limits.memory_bytes;
  question.budget.flops = limits.flops;
  return question;
}

// Best bits, size and split over 6 widths; "loss" is the mean of the best ones.
void BM_OptimizeBitWidth(benchmark::State& state) {
  const FittedLaw law = BenchLaw();
  const std::vector<CapAndBudget> limits = CapsAndBudgets();
  double loss_nats = 0;
  for (const CapAndBudget& limit : limits) {
    BitWidthQuestion question = BitsQuestion(limit);
    question.with_intervals = false;
    loss_nats += OptimizeBitWidth(law, question)->candidates.front().loss_nats.value;
  }
  size_t i = 0;
  for (auto _ : state) {
    BitWidthQuestion question = BitsQuestion(limits[i++ % limits.size()]);
    question.with_intervals = state.range(0) != 0;
    question.draw_count = static_cast<int>(state.range(1));
    auto answer = OptimizeBitWidth(law, question);
    if (!answer.ok()) {
      state.SkipWithError("a question was refused");
      return;
    }
    benchmark::DoNotOptimize(answer);
  }
  state.counters["loss"] = loss_nats / static_cast<double>(limits.size());
}
BENCHMARK(BM_OptimizeBitWidth)
    ->ArgNames({"intervals", "draws"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({1, 1000})
    ->Unit(benchmark::kMicrosecond);

// The least compute for a loss under a cap, over 6 widths.
void BM_LeastCompute(benchmark::State& state) {
  const FittedLaw law = BenchLaw();
  const std::vector<CapAndBudget> limits = CapsAndBudgets();
  std::vector<BitWidthQuestion> questions;
  for (const CapAndBudget& limit : limits) {
    BitWidthQuestion question = BitsQuestion(limit);
    question.with_intervals = false;
    const double loss_nats = OptimizeBitWidth(law, question)->candidates.front().loss_nats.value;
    question.objective = WidthObjective::kLeastCompute;
    question.budget = {};
    question.target_loss_nats = loss_nats;
    questions.push_back(question);
  }
  size_t i = 0;
  for (auto _ : state) {
    auto answer = OptimizeBitWidth(law, questions[i++ % questions.size()]);
    if (!answer.ok()) {
      state.SkipWithError("a question was refused");
      return;
    }
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(BM_LeastCompute)->Unit(benchmark::kMicrosecond);

void BM_CompareToFullPrecision(benchmark::State& state) {
  const FittedLaw law = BenchLaw();
  const std::vector<RunPoint> runs = Runs();
  size_t i = 0;
  for (auto _ : state) {
    const RunPoint& run = runs[i++ % runs.size()];
    FullPrecisionQuestion question{.parameters = run.parameters,
                                   .budget = {.tokens = run.total_tokens()}};
    question.with_intervals = state.range(0) != 0;
    auto answer = CompareToFullPrecision({.law = &law}, question);
    if (!answer.ok()) {
      state.SkipWithError("a question was refused");
      return;
    }
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(BM_CompareToFullPrecision)
    ->ArgName("intervals")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMicrosecond);

// The waste of ten budgets.
void BM_EstimateWaste(benchmark::State& state) {
  const FittedLaw law = BenchLaw();
  WasteQuestion question{.parameters = 396e6, .weight_bits = 2};
  for (double tokens = 3e9; question.budgets.size() < 10; tokens *= 2) {
    question.budgets.push_back({.tokens = tokens});
  }
  for (auto _ : state) {
    auto answer = EstimateWaste(law, question);
    if (!answer.ok()) {
      state.SkipWithError("a question was refused");
      return;
    }
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(BM_EstimateWaste)->Unit(benchmark::kMicrosecond);

void BM_PredictLoss(benchmark::State& state) {
  const FittedLaw law = BenchLaw();
  const std::vector<RunPoint> runs = Runs();
  size_t i = 0;
  for (auto _ : state) {
    auto answer = PredictLoss(law, runs[i++ % runs.size()], 0.9);
    if (!answer.ok()) {
      state.SkipWithError("a question was refused");
      return;
    }
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(BM_PredictLoss);

void BM_IntervalFactor(benchmark::State& state) {
  double degrees_of_freedom = 5;
  for (auto _ : state) {
    benchmark::DoNotOptimize(IntervalFactor(0.9, degrees_of_freedom));
    degrees_of_freedom = degrees_of_freedom < 700 ? degrees_of_freedom + 1.3 : 5;
  }
}
BENCHMARK(BM_IntervalFactor);

// 250,000 points: 500 sizes by 500 budgets or fractions.
void BM_EvaluateGrid(benchmark::State& state) {
  const FittedLaw law = BenchLaw();
  GridQuestion question{.quantity = static_cast<GridQuantity>(state.range(0)),
                        .with_intervals = state.range(1) != 0};
  GridAxis sizes{GridVariable::kParameters, {}};
  GridAxis budgets{GridVariable::kTotalTokens, {}};
  for (int i = 0; i < 500; ++i) {
    sizes.values.push_back(8e7 * std::exp(0.007 * i));
    budgets.values.push_back(2e9 * std::exp(0.0135 * i));
  }
  question.axes = {sizes, budgets};
  question.fixed[static_cast<int>(GridVariable::kWeightBits)] = 2;
  if (question.quantity == GridQuantity::kLossNats ||
      question.quantity == GridQuantity::kWastedTokenFraction) {
    question.fixed[static_cast<int>(GridVariable::kQatFraction)] = 0.1;
  }
  for (auto _ : state) {
    auto answer = EvaluateGrid(law, question);
    if (!answer.ok()) {
      state.SkipWithError("the grid was refused");
      return;
    }
    benchmark::DoNotOptimize(answer);
  }
  state.SetItemsProcessed(state.iterations() * 250'000);
}
BENCHMARK(BM_EvaluateGrid)
    ->ArgNames({"quantity", "intervals"})
    ->ArgsProduct({{static_cast<int>(GridQuantity::kLossNats),
                    static_cast<int>(GridQuantity::kOptimalQatFraction),
                    static_cast<int>(GridQuantity::kLossAtOptimumNats),
                    static_cast<int>(GridQuantity::kWastedTokenFraction)},
                   {0, 1}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitbudget::planner

BENCHMARK_MAIN();
