#include "fitter/search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fitter/minimize.h"
#include "fitter/noise.h"
#include "fitter/objective.h"

namespace bitbudget::fitter {
namespace {

// 95 % of the efficiency of least squares under normal noise.
constexpr double kDeltaInRobustScales = 1.345;
// Exact data have no scale; below this every residual is rounding.
constexpr double kLeastDelta = 1e-6;
constexpr double kLargestDelta = 1;
constexpr int kDeltaRefinements = 2;

// A descent straight to a delta far below the residuals jumps between the kinks
// of a function that is nearly L1.
constexpr double kNarrowing = 4;

constexpr double kAgreement = 1e-6;
constexpr double kHopeless = 2;

// Of 10 to 16 parameters each is still seen by some tens of points.
constexpr int kSamplePoints = 256;

// The double nearest to the decimal number; `value` <= 1.
double RoundToThreeDigits(double value) {
  const double per_unit = std::pow(10, 2 - std::floor(std::log10(value)));
  return std::round(value * per_unit) / per_unit;
}

double DefaultDelta(const Design& design, const Eigen::VectorXd& centred) {
  const Eigen::ArrayXd residuals = Objective(design, kLeastSquares).Residuals(centred);
  const double scale = RobustScale({residuals.data(), static_cast<std::size_t>(residuals.size())});
  return RoundToThreeDigits(std::clamp(kDeltaInRobustScales * scale, kLeastDelta, kLargestDelta));
}

bool Agree(double a, double b) { return std::abs(a - b) <= kAgreement * std::min(a, b); }

// The descents of one search.
class Descents {
 public:
  Descents(const Design& design, const FreeParameters& free, const SearchOptions& options)
      : design_(design), free_(free), options_(options) {}

  // The delta in force, given the least squares optima so far; see SearchOptions.
  double SettleDelta(const std::vector<Minimum>& squares) const {
    if (options_.huber_delta) return *options_.huber_delta;
    Eigen::VectorXd centred = Best(squares).centred;
    double delta = DefaultDelta(design_, centred);
    for (int i = 0; i < kDeltaRefinements; ++i) {
      centred = To(centred, delta).centred;
      delta = DefaultDelta(design_, centred);
    }
    return delta;
  }

  Minimum To(const Eigen::VectorXd& start, double delta) const {
    return Minimize(design_, free_.is_held, start, delta, options_.cancelled);
  }

  // From a least squares optimum to the one at `delta`, by stages. One far above
  // the best would not end there either, and stays where it is.
  Minimum Narrow(const Minimum& squares, double delta, double best_squares) const {
    if (squares.objective > kHopeless * best_squares) {
      const double objective = Objective(design_, delta).Value(squares.centred);
      return {.centred = squares.centred, .objective = objective};
    }
    Eigen::VectorXd centred = squares.centred;
    for (double stage = DefaultDelta(design_, centred); stage > delta; stage /= kNarrowing) {
      centred = To(centred, stage).centred;
    }
    return To(centred, delta);
  }

  static const Minimum& Best(const std::vector<Minimum>& minima) {
    return *std::min_element(minima.begin(), minima.end(), [](const auto& a, const auto& b) {
      return a.objective < b.objective;
    });
  }

 private:
  const Design& design_;
  const FreeParameters& free_;
  const SearchOptions& options_;
};

int AgreeingCount(const std::vector<Minimum>& polished) {
  const double best = Descents::Best(polished).objective;
  return static_cast<int>(std::count_if(polished.begin(), polished.end(), [&](const Minimum& m) {
    return Agree(m.objective, best);
  }));
}

// Index of the optimum that `minimum` repeats, or the count of `earlier`.
std::size_t FindRepeated(const std::vector<Minimum>& earlier, const Minimum& minimum) {
  const auto found = std::find_if(earlier.begin(), earlier.end(), [&](const Minimum& m) {
    return Agree(m.objective, minimum.objective) &&
           (m.centred - minimum.centred).cwiseAbs().maxCoeff() < kAgreement;
  });
  return static_cast<std::size_t>(found - earlier.begin());
}

struct Polished {
  double delta = 0;
  std::vector<Minimum> minima;
};

Polished PolishWarmStarts(const Descents& descents, const std::vector<Eigen::VectorXd>& starts) {
  std::vector<Minimum> squares;
  squares.reserve(starts.size());
  for (const Eigen::VectorXd& start : starts) squares.push_back(descents.To(start, kLeastSquares));
  Polished polished{.delta = descents.SettleDelta(squares)};
  for (const Eigen::VectorXd& start : starts) {
    polished.minima.push_back(descents.To(start, polished.delta));
  }
  return polished;
}

// Starts descend on a sample of the points first: far from the optimum that shows
// the way as well as all of them, and starts that meet there walk on as one. Once
// cancelled, returns with what it has, which may be nothing.
Polished PolishDrawnStarts(const Descents& on_sample,
                           const Descents& on_all,
                           const std::vector<ScreenedStart>& starts,
                           const SearchOptions& options) {
  const std::size_t start_count = starts.size();
  const std::size_t most = std::max(start_count / 4, std::size_t(options.polish_count));
  const auto is_cancelled = [&] { return options.cancelled && options.cancelled(); };
  std::vector<Minimum> rough;    // least squares on the sample
  std::vector<Minimum> squares;  // on all points
  Polished polished;
  for (std::size_t wanted = options.polish_count;;
       wanted = std::min({2 * wanted, most, start_count})) {
    while (squares.size() < wanted) {
      if (is_cancelled()) return polished;
      const std::size_t next = squares.size();
      rough.push_back(on_sample.To(starts[next].centred, kLeastSquares));
      const std::size_t repeated = FindRepeated(rough, rough[next]);
      squares.push_back(repeated < next ? squares[repeated]
                                        : on_all.To(rough[next].centred, kLeastSquares));
    }
    if (polished.minima.empty()) polished.delta = on_all.SettleDelta(squares);
    while (polished.minima.size() < wanted) {
      if (is_cancelled()) return polished;
      const std::size_t next = polished.minima.size();
      const std::size_t repeated = FindRepeated(squares, squares[next]);
      polished.minima.push_back(
          repeated < next
              ? polished.minima[repeated]
              : on_all.Narrow(squares[next], polished.delta, Descents::Best(squares).objective));
    }
    if (AgreeingCount(polished.minima) > 1 || wanted >= std::min(most, start_count)) break;
  }
  return polished;
}

}  // namespace

absl::StatusOr<SearchResult> Search(const Design& design,
                                    const FreeParameters& free,
                                    const SearchOptions& options,
                                    const std::vector<Eigen::VectorXd>& warm_starts) {
  const Descents on_all(design, free, options);
  const Design sample = design.Sample(kSamplePoints);
  std::vector<ScreenedStart> drawn;
  if (warm_starts.empty()) {
    drawn = DrawStarts(sample, free, options.seed, options.start_count, options.cancelled);
  }
  const auto is_cancelled = [&] { return options.cancelled && options.cancelled(); };
  if (is_cancelled()) return absl::CancelledError("the fit was cancelled");
  const Polished polished =
      warm_starts.empty()
          ? PolishDrawnStarts(Descents(sample, free, options), on_all, drawn, options)
          : PolishWarmStarts(on_all, warm_starts);
  if (is_cancelled()) return absl::CancelledError("the fit was cancelled");

  const Minimum& best = Descents::Best(polished.minima);
  SearchResult result{.centred = best.centred};
  result.report.objective = best.objective;
  result.report.huber_delta = polished.delta;
  result.report.termination =
      best.converged ? Termination::kConverged : Termination::kIterationLimit;
  result.report.start_count =
      static_cast<int>(warm_starts.empty() ? drawn.size() : warm_starts.size());
  result.report.polished_start_count = static_cast<int>(polished.minima.size());
  result.report.agreeing_start_count = AgreeingCount(polished.minima);
  return result;
}

}  // namespace bitbudget::fitter
