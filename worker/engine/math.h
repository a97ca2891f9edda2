// Elementary functions that loops over floats can be vectorised around.

#ifndef BITBUDGET_WORKER_ENGINE_MATH_H_
#define BITBUDGET_WORKER_ENGINE_MATH_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace bitbudget::worker {

// exp(x) with a relative error below 2e-7, without a branch or a call. Arguments
// are clamped to +-87, where floats end; NaN stays NaN.
//
// x = n ln 2 + r with |r| <= ln 2 / 2; the Taylor polynomial of exp(r) to r^7
// is off by less than r^8 / 8! = 5e-9; 2^n goes straight into the exponent.
inline float Exp(float x) {
  constexpr float kLimit = 87.0F;
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;  // 9 bits: n * high is exact
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRounder = 12582912.0F;      // 1.5 * 2^23: adding it rounds to an integer
  x = std::max(std::min(x, kLimit), -kLimit);  // in this order a NaN passes
  const float shifted = x * kLog2E + kRounder;
  const float n = shifted - kRounder;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float power = 1.0F / 5040;
  power = power * r + 1.0F / 720;
  power = power * r + 1.0F / 120;
  power = power * r + 1.0F / 24;
  power = power * r + 1.0F / 6;
  power = power * r + 0.5F;
  power = power * r + 1.0F;
  power = power * r + 1.0F;
  const int32_t exponent = std::bit_cast<int32_t>(shifted) - std::bit_cast<int32_t>(kRounder) + 127;
  return power * std::bit_cast<float>(exponent << 23);
}

// The double-precision model exists to check the float one.
inline double Exp(double x) { return std::exp(x); }

template <class T>
T Sigmoid(T x) {
  return T{1} / (T{1} + Exp(-x));
}

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_ENGINE_MATH_H_
