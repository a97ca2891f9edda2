#include "fitter/bootstrap.h"

#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/normal_distribution.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "fitter/fit_options.h"
#include "fitter/fitted_rows.h"
#include "fitter/identification.h"
#include "fitter/minimize.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::fitter {
namespace {

// Which trunk each row of a data set has; a row of its own has one of its own.
struct Trunks {
  std::vector<int> of_row;
  std::vector<std::vector<int>> by_size;  // trunks of each model size
  int count = 0;
};

// Trunks of the rows `rows`. A trunk belongs to the size of its first row.
Trunks TrunksOf(const Dataset& data, const std::vector<int>& rows) {
  Trunks trunks{.of_row = std::vector<int>(data.rows.size(), -1)};
  std::map<int, int> numbers;
  std::map<double, std::vector<int>> by_size;
  for (const int i : rows) {
    const Observation& row = data.rows[i];
    int number = trunks.count;
    if (row.trunk >= 0) number = numbers.try_emplace(row.trunk, number).first->second;
    if (number == trunks.count) {
      ++trunks.count;
      by_size[row.point.parameters].push_back(number);
    }
    trunks.of_row[i] = number;
  }
  for (auto& [size, of_size] : by_size) trunks.by_size.push_back(std::move(of_size));
  return trunks;
}

// One law of the fit: its rows, and where its refits begin.
struct Refit {
  FittedRows rows;
  const FittedLaw* law;
  double huber_delta = 0;
  std::vector<double> trunk_residuals;  // by trunk; for kWild
  std::vector<double> run_residuals;    // by fitted row; for kWild
};

// Residuals by trunk and run, raised by what the fitted parameters took of them.
void SplitResiduals(const Trunks& trunks, Refit* refit) {
  const FittedRows& rows = refit->rows;
  const auto count = static_cast<double>(rows.rows.size());
  const auto parameters = static_cast<double>(refit->law->theta.size());
  const double inflation = std::sqrt(count / std::max(1.0, count - parameters));
  std::vector<double> sums(trunks.count, 0);
  std::vector<int> sizes(trunks.count, 0);
  for (std::size_t k = 0; k < rows.rows.size(); ++k) {
    const double residual =
        inflation * (std::log(rows.measurements[k].loss_nats) - rows.log_fitted[k]);
    refit->run_residuals.push_back(residual);
    sums[trunks.of_row[rows.rows[k]]] += residual;
    ++sizes[trunks.of_row[rows.rows[k]]];
  }
  refit->trunk_residuals.assign(trunks.count, 0);
  for (std::size_t k = 0; k < rows.rows.size(); ++k) {
    const int trunk = trunks.of_row[rows.rows[k]];
    if (sizes[trunk] < 2) continue;  // all of it is the run's
    refit->trunk_residuals[trunk] = sums[trunk] / sizes[trunk];
    refit->run_residuals[k] -= refit->trunk_residuals[trunk];
  }
}

// The random numbers of one draw, shared by all laws of the fit.
struct Noise {
  std::vector<double> of_trunk;
  std::vector<double> of_row;  // of the data set
};

class NoiseStream {
 public:
  explicit NoiseStream(int64_t seed) : generator_(static_cast<uint64_t>(seed)) {}

  Noise Normal(int trunk_count, std::size_t row_count) {
    return Fill(trunk_count, row_count, [&] { return normal_(generator_); });
  }

  // Mean 0, variance 1, third moment 0 (Webb 2014): of few trunks more patterns
  // than two signs have.
  Noise SixPoints(int trunk_count, std::size_t row_count) {
    static const double kPoints[] = {
        -std::sqrt(1.5), -1, -std::sqrt(0.5), std::sqrt(0.5), 1, std::sqrt(1.5)};
    return Fill(trunk_count, row_count, [&] { return kPoints[six_(generator_)]; });
  }

  // How often each trunk is drawn.
  Noise Counts(const Trunks& trunks) {
    Noise noise{.of_trunk = std::vector<double>(trunks.count, 0)};
    for (const std::vector<int>& of_size : trunks.by_size) {
      boost::random::uniform_int_distribution<int> any(0, static_cast<int>(of_size.size()) - 1);
      for (std::size_t i = 0; i < of_size.size(); ++i) ++noise.of_trunk[of_size[any(generator_)]];
    }
    return noise;
  }

 private:
  template <typename Draw>
  static Noise Fill(int trunk_count, std::size_t row_count, Draw draw) {
    Noise noise{std::vector<double>(trunk_count), std::vector<double>(row_count)};
    std::generate(noise.of_trunk.begin(), noise.of_trunk.end(), draw);
    std::generate(noise.of_row.begin(), noise.of_row.end(), draw);
    return noise;
  }

  boost::random::mt19937_64 generator_;
  boost::random::normal_distribution<double> normal_;
  boost::random::uniform_int_distribution<int> six_{0, 5};
};

Noise DrawNoise(BootstrapMethod method, const Trunks& trunks, NoiseStream* stream) {
  switch (method) {
    case BootstrapMethod::kParametric:
      return stream->Normal(trunks.count, trunks.of_row.size());
    case BootstrapMethod::kWild:
      return stream->SixPoints(trunks.count, trunks.of_row.size());
    case BootstrapMethod::kResample:
      return stream->Counts(trunks);
  }
  return {};
}

// The measurements of one draw.
std::vector<Measurement> Redraw(const Refit& refit,
                                const Trunks& trunks,
                                BootstrapMethod method,
                                const Noise& noise) {
  std::vector<Measurement> measurements;
  for (std::size_t k = 0; k < refit.rows.rows.size(); ++k) {
    const int row = refit.rows.rows[k];
    const int trunk = trunks.of_row[row];
    Measurement measurement = refit.rows.measurements[k];
    double deviation = 0;
    switch (method) {
      case BootstrapMethod::kParametric:
        deviation = refit.law->trunk_stddev * noise.of_trunk[trunk] +
                    refit.law->run_stddev * noise.of_row[row];
        break;
      case BootstrapMethod::kWild:
        deviation = refit.trunk_residuals[trunk] * noise.of_trunk[trunk] +
                    refit.run_residuals[k] * noise.of_row[row];
        break;
      case BootstrapMethod::kResample:
        if (noise.of_trunk[trunk] == 0) continue;
        measurement.weight *= noise.of_trunk[trunk];
        measurements.push_back(measurement);
        continue;
    }
    measurement.loss_nats = std::exp(refit.rows.log_fitted[k] + deviation);
    measurements.push_back(measurement);
  }
  return measurements;
}

struct RefittedTheta {
  std::vector<double> theta;
  bool converged = false;
  bool is_at_bound = false;  // a free parameter that the fit has inside
};

RefittedTheta RefitDraw(const Refit& refit,
                        std::vector<Measurement> measurements,
                        const std::function<bool()>& cancelled) {
  const Design design(refit.law->law, std::move(measurements));
  const DesignFreedom freedom = FindFreedom(design);
  const Minimum minimum = Minimize(design,
                                   freedom.parameters.is_held,
                                   design.Centred(refit.law->theta),
                                   refit.huber_delta,
                                   cancelled);
  RefittedTheta result{.theta = design.Uncentred(minimum.centred), .converged = minimum.converged};
  for (int j = 0; j < design.parameter_count(); ++j) {
    const bool is_at_end =
        minimum.centred[j] <= design.lower()[j] || minimum.centred[j] >= design.upper()[j];
    const bool was_inside = !refit.law->at_bound[j] && !freedom.parameters.is_held[j];
    result.is_at_bound = result.is_at_bound || (is_at_end && was_inside);
  }
  return result;
}

absl::StatusOr<Refit> MakeRefit(const Dataset& data,
                                const FitOptions& options,
                                const FittedLaw& law,
                                double huber_delta) {
  Refit refit{.law = &law, .huber_delta = huber_delta};
  ASSIGN_OR_RETURN(refit.rows, RowsOfFit(data, options, law));
  return refit;
}

// The laws of a fit: its own, and that of full precision if it has one.
absl::StatusOr<std::vector<Refit>> RefitsOf(const Dataset& data, const FitResult& fit) {
  std::vector<Refit> refits;
  ASSIGN_OR_RETURN(Refit own,
                   MakeRefit(data, fit.resolved_options, *fit.law, fit.search.huber_delta));
  refits.push_back(std::move(own));
  if (fit.full_precision_law && fit.full_precision_search) {
    ASSIGN_OR_RETURN(Refit full_precision,
                     MakeRefit(data,
                               fit.resolved_options,
                               *fit.full_precision_law,
                               fit.full_precision_search->huber_delta));
    refits.push_back(std::move(full_precision));
  }
  return refits;
}

std::vector<int> RowsOf(const std::vector<Refit>& refits) {
  std::set<int> rows;
  for (const Refit& refit : refits) rows.insert(refit.rows.rows.begin(), refit.rows.rows.end());
  return {rows.begin(), rows.end()};
}

void Append(const RefittedTheta& refitted, ParameterDraws* draws) {
  draws->parameter_count = static_cast<int>(refitted.theta.size());
  draws->theta.insert(draws->theta.end(), refitted.theta.begin(), refitted.theta.end());
}

}  // namespace

absl::StatusOr<Bootstrap> BootstrapFit(const Dataset& data,
                                       const FitResult& fit,
                                       const BootstrapOptions& options) {
  RETURN_IF_ERROR(CheckBootstrapOptions(options));
  if (!fit.law) {
    return DataCannotAnswer({}, "The fit knows the optimal fraction alone, and no losses to draw.");
  }
  ASSIGN_OR_RETURN(std::vector<Refit> refits, RefitsOf(data, fit));
  const Trunks trunks = TrunksOf(data, RowsOf(refits));
  for (Refit& refit : refits) SplitResiduals(trunks, &refit);

  const auto is_cancelled = [&] { return options.cancelled && options.cancelled(); };
  NoiseStream stream(options.seed);
  Bootstrap bootstrap{.draw_count = options.draw_count};
  for (int i = 0; i < options.draw_count && !is_cancelled(); ++i) {
    const Noise noise = DrawNoise(options.method, trunks, &stream);
    for (const Refit& refit : refits) {
      const RefittedTheta refitted =
          RefitDraw(refit, Redraw(refit, trunks, options.method, noise), options.cancelled);
      const bool is_own = &refit == &refits.front();
      Append(refitted, is_own ? &bootstrap.law : &bootstrap.full_precision_law);
      if (!is_own) continue;
      bootstrap.converged_count += refitted.converged ? 1 : 0;
      bootstrap.at_bound_count += refitted.is_at_bound ? 1 : 0;
    }
  }
  if (is_cancelled()) return absl::CancelledError("the bootstrap was cancelled");
  return bootstrap;
}

}  // namespace bitbudget::fitter
