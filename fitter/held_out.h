// Runs at the edge of the data, held out to see how a law extrapolates to them. Pure
// functions, thread-safe.

#ifndef BITBUDGET_FITTER_HELD_OUT_H_
#define BITBUDGET_FITTER_HELD_OUT_H_

#include <string>
#include <vector>

#include "fitter/observation.h"

namespace bitbudget::fitter {

// The runs held out together.
struct Fold {
  std::string axis;  // "parameters", "total_tokens" or "weight_bits"
  double level = 0;  // least value held out
  int training_count = 0;
  int held_out_count = 0;
};

// A fold with its rows, ascending.
struct HeldOutSplit {
  Fold fold;
  std::vector<int> training;
  std::vector<int> held_out;
};

// The largest models, the largest budgets, and each width of quantized runs in turn.
// The first two take the largest level of their axis, and further ones until they have
// 5 % of the rows; every split leaves two levels to fit to. Empty if none can.
std::vector<HeldOutSplit> SplitsAtTheEdge(const Dataset& data);

// Only the rows `rows` of `data`.
Dataset TakeRows(const Dataset& data, const std::vector<int>& rows);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_HELD_OUT_H_
