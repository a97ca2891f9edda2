#include "worker/engine/kernels.h"

#include <algorithm>
#include <cmath>

#include "worker/engine/math.h"

namespace bitbudget::worker {
namespace {

constexpr double kNormEpsilon = 1e-5;

}  // namespace

template <class T>
void NormForward(int64_t rows, int64_t width, const T* x, const T* gain, T* y, T* inverse) {
  for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
    T squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < width; ++i) squares += x[i] * x[i];
    const T scale = T{1} / std::sqrt(squares / static_cast<T>(width) + T{kNormEpsilon});
    inverse[row] = scale;
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) y[i] = x[i] * scale * gain[i];
  }
}

template <class T>
void NormBackward(int64_t rows,
                  int64_t width,
                  const T* x,
                  const T* gain,
                  const T* inverse,
                  const T* dy,
                  T* dx,
                  T* dgain) {
  for (int64_t row = 0; row < rows; ++row, x += width, dy += width, dx += width) {
    const T scale = inverse[row];
    T dot = 0;
#pragma omp simd reduction(+ : dot)
    for (int64_t i = 0; i < width; ++i) dot += dy[i] * gain[i] * x[i];
    const T pull = dot * scale * scale / static_cast<T>(width);
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) {
      dgain[i] += dy[i] * x[i] * scale;
      dx[i] += scale * (dy[i] * gain[i] - x[i] * pull);
    }
  }
}

template <class T>
void GeluForward(int64_t count, T* u, T* y) {
  constexpr T kOuter = static_cast<T>(2 * 0.79788456080286535588);  // 2 sqrt(2/pi)
  constexpr T kCubic = static_cast<T>(0.044715);
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const T x = u[i];
    const T square = x * x;
    const T gate = Sigmoid(kOuter * x * (1 + kCubic * square));
    const T slope = kOuter * (1 + 3 * kCubic * square);
    y[i] = x * gate;
    u[i] = gate + x * gate * (1 - gate) * slope;
  }
}

template <class T>
void GeluBackward(int64_t count, const T* derivative, T* dy) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) dy[i] *= derivative[i];
}

template <class T>
void SwigluForward(int64_t rows, int64_t hidden, T* expanded, T* y) {
  for (int64_t row = 0; row < rows; ++row, expanded += 2 * hidden, y += hidden) {
    T* const gates = expanded;
    T* const values = expanded + hidden;
#pragma omp simd
    for (int64_t i = 0; i < hidden; ++i) {
      const T gate = gates[i];
      const T value = values[i];
      const T sigmoid = Sigmoid(gate);
      const T silu = gate * sigmoid;
      y[i] = silu * value;
      gates[i] = value * (sigmoid + silu * (1 - sigmoid));
      values[i] = silu;
    }
  }
}

template <class T>
void SwigluBackward(int64_t rows, int64_t hidden, const T* dy, T* derivatives) {
  for (int64_t row = 0; row < rows; ++row, derivatives += 2 * hidden, dy += hidden) {
#pragma omp simd
    for (int64_t i = 0; i < hidden; ++i) {
      derivatives[i] *= dy[i];
      derivatives[hidden + i] *= dy[i];
    }
  }
}

template <class T>
void CrossEntropy(
    int64_t rows, int64_t vocabulary, T* logits, const uint8_t* targets, std::span<double> losses) {
  const T share = T{1} / static_cast<T>(rows);
  for (int64_t row = 0; row < rows; ++row, logits += vocabulary) {
    const T target_logit = logits[targets[row]];
    T largest = logits[0];
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < vocabulary; ++i) largest = std::max(largest, logits[i]);
    T total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < vocabulary; ++i) {
      logits[i] = Exp(logits[i] - largest);
      total += logits[i];
    }
    losses[row] = std::log(static_cast<double>(total)) +
                  (static_cast<double>(largest) - static_cast<double>(target_logit));
    const T factor = share / total;
#pragma omp simd
    for (int64_t i = 0; i < vocabulary; ++i) logits[i] *= factor;
    logits[targets[row]] -= share;
  }
}

template <class T>
void EmbeddingForward(
    int64_t rows, int64_t width, const T* embedding, const uint8_t* tokens, T* x) {
  for (int64_t row = 0; row < rows; ++row) {
    std::copy_n(embedding + tokens[row] * width, width, x + row * width);
  }
}

template <class T>
void EmbeddingBackward(
    int64_t rows, int64_t width, const uint8_t* tokens, const T* dx, T* dembedding) {
  for (int64_t row = 0; row < rows; ++row, dx += width) {
    T* const target = dembedding + tokens[row] * width;
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) target[i] += dx[i];
  }
}

template void NormForward(int64_t, int64_t, const float*, const float*, float*, float*);
template void NormBackward(
    int64_t, int64_t, const float*, const float*, const float*, const float*, float*, float*);
template void GeluForward(int64_t, float*, float*);
template void GeluBackward(int64_t, const float*, float*);
template void SwigluForward(int64_t, int64_t, float*, float*);
template void SwigluBackward(int64_t, int64_t, const float*, float*);
template void CrossEntropy(int64_t, int64_t, float*, const uint8_t*, std::span<double>);
template void EmbeddingForward(int64_t, int64_t, const float*, const uint8_t*, float*);
template void EmbeddingBackward(int64_t, int64_t, const uint8_t*, const float*, float*);

template void NormForward(int64_t, int64_t, const double*, const double*, double*, double*);
template void NormBackward(
    int64_t, int64_t, const double*, const double*, const double*, const double*, double*, double*);
template void GeluForward(int64_t, double*, double*);
template void GeluBackward(int64_t, const double*, double*);
template void SwigluForward(int64_t, int64_t, double*, double*);
template void SwigluBackward(int64_t, int64_t, const double*, double*);
template void CrossEntropy(int64_t, int64_t, double*, const uint8_t*, std::span<double>);
template void EmbeddingForward(int64_t, int64_t, const double*, const uint8_t*, double*);
template void EmbeddingBackward(int64_t, int64_t, const uint8_t*, const double*, double*);

}  // namespace bitbudget::worker
