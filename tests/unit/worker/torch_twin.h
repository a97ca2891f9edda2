// The same transformer written a second time, with LibTorch's operations and its
// autograd in double precision: what the hand-written model is checked against.

#ifndef BITBUDGET_TESTS_UNIT_WORKER_TORCH_TWIN_H_
#define BITBUDGET_TESTS_UNIT_WORKER_TORCH_TWIN_H_

#include <cstdint>
#include <span>
#include <vector>

#include "worker/engine/shape.h"

namespace bitbudget::worker {

struct LossAndGradient {
  double loss = 0;                // mean over all predicted tokens
  std::vector<double> gradients;  // laid out as the parameters
};

// `parameters` as ParameterLayout lays them out; `tokens` as Model takes them.
LossAndGradient TorchTwin(const ParameterLayout& layout,
                          std::span<const double> parameters,
                          std::span<const uint8_t> tokens,
                          int sequences);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_TESTS_UNIT_WORKER_TORCH_TWIN_H_
