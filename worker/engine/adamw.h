// AdamW over flat buffers.

#ifndef BITBUDGET_WORKER_ENGINE_ADAMW_H_
#define BITBUDGET_WORKER_ENGINE_ADAMW_H_

#include <cstdint>
#include <span>

namespace bitbudget::worker {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  // a step shrinks what decays by rate * weight_decay
  double clip_norm = 1;       // gradients longer than this are scaled down to it

  bool operator==(const AdamWOptions&) const = default;
};

// Parameters with their gradient and moments; all of one size.
struct AdamWState {
  std::span<float> parameters;
  std::span<const float> gradients;
  std::span<float> first_moments;
  std::span<float> second_moments;
};

// Length of a gradient. Not finite if an element is not.
double Norm(std::span<const float> gradients);

struct AdamWStep {
  double rate;    // learning rate
  double norm;    // of all gradients, as Norm finds it; finite
  int64_t count;  // steps since the moments were zero, this one included
  bool decays;    // whether weight decay applies
};

// One step. Padding, whose gradient is 0, stays 0. Thread-safe for distinct
// buffers.
void UpdateAdamW(const AdamWOptions& options, const AdamWStep& step, const AdamWState& state);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_ENGINE_ADAMW_H_
