// Questions about the best width that several tests ask.

#ifndef BITBUDGET_TESTS_UNIT_PLANNER_WIDTH_QUESTIONS_H_
#define BITBUDGET_TESTS_UNIT_PLANNER_WIDTH_QUESTIONS_H_

#include <algorithm>
#include <vector>

#include "planner/bit_width.h"
#include "tests/unit/planner/test_laws.h"

namespace bitbudget::planner {

inline constexpr double kGiB = 1024.0 * 1024 * 1024;

inline FittedLaw Grows() { return FittedQatLaw(OwnTruth("grows")); }

inline BitWidthQuestion Question(double memory_bytes, double flops) {
  BitWidthQuestion question;
  question.memory_bytes = memory_bytes;
  question.budget.flops = flops;
  return question;
}

inline const BitWidthQuestion kQuestion = Question(kGiB, 1e21);

inline std::vector<WidthCandidate> Candidates(const FittedLaw& law,
                                              const BitWidthQuestion& question) {
  return OptimizeBitWidth(law, question)->candidates;
}

inline const WidthCandidate& At(const BitWidthAnswer& answer, double weight_bits) {
  return *std::ranges::find(answer.candidates, weight_bits, &WidthCandidate::weight_bits);
}

}  // namespace bitbudget::planner

#endif  // BITBUDGET_TESTS_UNIT_PLANNER_WIDTH_QUESTIONS_H_
