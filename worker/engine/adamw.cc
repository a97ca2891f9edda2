#include "worker/engine/adamw.h"

#include <algorithm>
#include <cmath>

namespace bitbudget::worker {

double Norm(std::span<const float> gradients) {
  // Blocks are summed in float, which vectorises better, and added in double,
  // which keeps a million terms exact enough.
  constexpr size_t kBlock = 1024;
  double total = 0;
  for (size_t begin = 0; begin < gradients.size(); begin += kBlock) {
    const size_t end = std::min(begin + kBlock, gradients.size());
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (size_t i = begin; i < end; ++i) squares += gradients[i] * gradients[i];
    total += static_cast<double>(squares);
  }
  return std::sqrt(total);
}

void UpdateAdamW(const AdamWOptions& options, const AdamWStep& step, const AdamWState& state) {
  const auto count = static_cast<double>(step.count);
  const double correction1 = 1 - std::pow(options.beta1, count);
  const double correction2 = 1 - std::pow(options.beta2, count);
  const double clip = step.norm > options.clip_norm ? options.clip_norm / step.norm : 1;
  const double decay = step.decays ? step.rate * options.weight_decay : 0;

  const auto scale = static_cast<float>(clip);
  const auto beta1 = static_cast<float>(options.beta1);
  const auto beta2 = static_cast<float>(options.beta2);
  const auto keep = static_cast<float>(1 - decay);
  // rate * (m / c1) / (sqrt(v / c2) + epsilon), with the corrections moved to
  // where they cost nothing an element.
  const auto rate = static_cast<float>(step.rate * std::sqrt(correction2) / correction1);
  const auto epsilon = static_cast<float>(options.epsilon * std::sqrt(correction2));

  float* const parameters = state.parameters.data();
  float* const first = state.first_moments.data();
  float* const second = state.second_moments.data();
  const float* const gradients = state.gradients.data();
#pragma omp simd
  for (size_t i = 0; i < state.parameters.size(); ++i) {
    const float gradient = gradients[i] * scale;
    first[i] = beta1 * first[i] + (1 - beta1) * gradient;
    second[i] = beta2 * second[i] + (1 - beta2) * gradient * gradient;
    parameters[i] = keep * parameters[i] - rate * first[i] / (std::sqrt(second[i]) + epsilon);
  }
}

}  // namespace bitbudget::worker
