// What a reader of a fit must know before trusting it.

#ifndef BITBUDGET_FITTER_WARNINGS_H_
#define BITBUDGET_FITTER_WARNINGS_H_

#include <string>
#include <vector>

#include "fitter/fit.h"
#include "fitter/ladder.h"

namespace bitbudget::fitter {

// One sentence each: signs that contradict arXiv 2509.22935, a search that did not
// settle, parameters held by convention or left open, trunks that nothing tells from
// sizes, a law that misses its replicates. `rung` is the one that `result` stands on.
std::vector<std::string> FindWarnings(const FitResult& result, const Rung& rung);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_WARNINGS_H_
