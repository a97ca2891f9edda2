#include "fitter/starts.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "fitter/nnls.h"
#include "fitter/objective.h"

namespace bitbudget::fitter {
namespace {

// Exponents of the field lie in the lower half of their ranges.
constexpr double kDrawnShareOfRange = 0.5;

// A term that least squares drops starts at this share of the loss: small, yet
// with enough slope for a search to bring it back.
constexpr double kLeastStartingShare = 1e-3;

// Uniform on [0, 1). The library's distributions differ between
// implementations; the bits of the generator do not.
double Uniform(std::mt19937_64* generator) {
  return static_cast<double>((*generator)() >> 11) * 0x1p-53;
}

bool IsCoefficient(const Design& design, int parameter) {
  return std::any_of(design.terms().begin(), design.terms().end(), [&](const Term& term) {
    return term.factors[0].parameter == parameter;
  });
}

// Sets free coefficients to their best values at the exponents of `centred`.
void CompleteCoefficients(const Design& design,
                          const FreeParameters& free,
                          Objective* objective,
                          Eigen::VectorXd* centred) {
  std::vector<int> coefficients;
  for (const Term& term : design.terms()) coefficients.push_back(term.factors[0].parameter);
  for (const int j : coefficients) {
    if (!free.is_held[j]) (*centred)[j] = 0;
  }
  // Relative residuals: every term in units of the loss that it should explain.
  const Eigen::MatrixXd columns = objective->RelativeTerms(*centred);
  const Eigen::MatrixXd weighted = design.point_weights().matrix().asDiagonal() * columns;
  const Eigen::MatrixXd gram = columns.transpose() * weighted;
  const Eigen::VectorXd moment = weighted.colwise().sum();
  const Eigen::VectorXd solution = SolveNonNegative(gram, moment);
  const double least = design.median_log_loss() + std::log(kLeastStartingShare);
  for (std::size_t k = 0; k < coefficients.size(); ++k) {
    const int j = coefficients[k];
    const double value = solution[static_cast<Eigen::Index>(k)];
    if (!free.is_held[j]) (*centred)[j] = std::max(least, value > 0 ? std::log(value) : least);
  }
}

}  // namespace

std::vector<ScreenedStart> DrawStarts(const Design& design,
                                      const FreeParameters& free,
                                      int64_t seed,
                                      int count,
                                      const std::function<bool()>& cancelled) {
  std::mt19937_64 generator(static_cast<uint64_t>(seed));
  Objective objective(design, kLeastSquares);
  std::vector<ScreenedStart> starts;
  for (int i = 0; i < count && !(cancelled && cancelled()); ++i) {
    Eigen::VectorXd centred = free.held_at;
    for (int j = 0; j < design.parameter_count(); ++j) {
      if (IsCoefficient(design, j)) continue;
      const double draw = Uniform(&generator);
      if (free.is_held[j]) continue;
      const double width = design.upper()[j] - design.lower()[j];
      centred[j] = design.lower()[j] + kDrawnShareOfRange * width * draw;
    }
    CompleteCoefficients(design, free, &objective, &centred);
    const double squares = objective.Value(centred);
    starts.push_back({std::move(centred), squares});
  }
  std::stable_sort(starts.begin(), starts.end(), [](const auto& a, const auto& b) {
    return a.objective < b.objective;
  });
  return starts;
}

}  // namespace bitbudget::fitter
