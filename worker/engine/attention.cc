#include "worker/engine/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "worker/engine/math.h"
#include "worker/engine/tile.h"

namespace bitbudget::worker {
namespace {

// Rows are handled 16 at a time; within a block the causal mask is applied, whole
// blocks behind it are skipped.
constexpr int64_t kBlock = kTileColumns;
constexpr double kRotaryBase = 10000;

// Softmax over the first `count` of `padded` scores; zero behind them.
template <class T>
void SoftmaxRow(T* row, int64_t count, int64_t padded) {
  T largest = row[0];
#pragma omp simd reduction(max : largest)
  for (int64_t j = 0; j < count; ++j) largest = std::max(largest, row[j]);
  std::fill(row + count, row + padded, -std::numeric_limits<T>::infinity());
  T total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t j = 0; j < padded; ++j) {
    row[j] = Exp(row[j] - largest);
    total += row[j];
  }
  // Exp clamps, so what stands behind the mask is tiny but not zero.
  std::fill(row + count, row + padded, T{0});
  const T scale = T{1} / total;
#pragma omp simd
  for (int64_t j = 0; j < count; ++j) row[j] *= scale;
}

// dscores = P * (dP - sum(P * dP)), in place of dP.
template <class T>
void SoftmaxRowGradient(const T* probabilities, int64_t padded, T* dscores) {
  T dot = 0;
#pragma omp simd reduction(+ : dot)
  for (int64_t j = 0; j < padded; ++j) dot += probabilities[j] * dscores[j];
#pragma omp simd
  for (int64_t j = 0; j < padded; ++j) dscores[j] = probabilities[j] * (dscores[j] - dot);
}

}  // namespace

template <class T>
Attention<T>::Attention(const ModelShape& shape, int sequences)
    : shape_(shape),
      sequences_(sequences),
      cosines_(static_cast<int64_t>(shape.context) * shape.head_size / 2),
      sines_(cosines_.size()),
      transposed_(static_cast<int64_t>(shape.head_size) * shape.context),
      dscores_(static_cast<int64_t>(shape.context) * shape.context) {
  const int half = shape.head_size / 2;
  for (int position = 0; position < shape.context; ++position) {
    for (int i = 0; i < half; ++i) {
      const double angle = position * std::pow(kRotaryBase, -static_cast<double>(i) / half);
      cosines_[position * half + i] = static_cast<T>(std::cos(angle));
      sines_[position * half + i] = static_cast<T>(std::sin(angle));
    }
  }
}

template <class T>
int64_t Attention<T>::probability_count() const {
  return static_cast<int64_t>(sequences_) * shape_.heads() * shape_.context * shape_.context;
}

template <class T>
auto Attention<T>::HeadOf(int sequence, int head) const -> Head {
  const int64_t width = shape_.width;
  const int64_t context = shape_.context;
  const int64_t row = sequence * context;
  const int64_t column = static_cast<int64_t>(head) * shape_.head_size;
  const int64_t q = row * 3 * width + column;
  return {.q = q,
          .k = q + width,
          .v = q + 2 * width,
          .out = row * width + column,
          .probabilities =
              (sequence * static_cast<int64_t>(shape_.heads()) + head) * context * context};
}

template <class T>
void Attention<T>::Rotate(T* qkv, Direction direction) const {
  const int64_t half = shape_.head_size / 2;
  const int64_t width = shape_.width;
  const T sign = direction == Direction::kForward ? T{1} : T{-1};
  const T query_scale = T{1} / std::sqrt(static_cast<T>(shape_.head_size));
  const int64_t rows = static_cast<int64_t>(sequences_) * shape_.context;
  for (int64_t row = 0; row < rows; ++row, qkv += 3 * width) {
    const int64_t position = row % shape_.context;
    const T* const cosines = cosines_.data() + position * half;
    const T* const sines = sines_.data() + position * half;
    for (int64_t column = 0; column < 2 * width; column += 2 * half) {
      const T scale = column < width ? query_scale : T{1};
      T* const first = qkv + column;
      T* const second = first + half;
#pragma omp simd
      for (int64_t i = 0; i < half; ++i) {
        const T a = first[i] * scale;
        const T b = second[i] * scale;
        first[i] = a * cosines[i] - sign * b * sines[i];
        second[i] = sign * a * sines[i] + b * cosines[i];
      }
    }
  }
}

template <class T>
void Attention<T>::Transpose(const T* source, int64_t stride) {
  const int64_t context = shape_.context;
  for (int64_t position = 0; position < context; ++position) {
    for (int i = 0; i < shape_.head_size; ++i) {
      transposed_[i * context + position] = source[position * stride + i];
    }
  }
}

template <class T>
void Attention<T>::Scores(const T* qkv, const Head& head, T* probabilities) {
  const int64_t context = shape_.context;
  const int64_t stride = 3 * static_cast<int64_t>(shape_.width);
  Transpose(qkv + head.k, stride);
  for (int64_t row = 0; row < context; row += kBlock) {
    T* const scores = probabilities + row * context;
    MultiplySixteenRows<T>({qkv + head.q + row * stride, stride, 1},
                           {transposed_.data(), context},
                           {scores, context},
                           row + kBlock,
                           {0, shape_.head_size});
    for (int64_t i = 0; i < kBlock; ++i) {
      SoftmaxRow(scores + i * context, row + i + 1, row + kBlock);
    }
  }
}

template <class T>
void Attention<T>::Forward(T* qkv, T* probabilities, T* out) {
  const int64_t context = shape_.context;
  const int64_t width = shape_.width;
  Rotate(qkv, Direction::kForward);
  for (int sequence = 0; sequence < sequences_; ++sequence) {
    for (int h = 0; h < shape_.heads(); ++h) {
      const Head head = HeadOf(sequence, h);
      T* const own = probabilities + head.probabilities;
      Scores(qkv, head, own);
      for (int64_t row = 0; row < context; row += kBlock) {
        MultiplySixteenRows<T>({own + row * context, context, 1},
                               {qkv + head.v, 3 * width},
                               {out + head.out + row * width, width},
                               shape_.head_size,
                               {0, row + kBlock});
      }
    }
  }
}

template <class T>
void Attention<T>::ScoreGradients(const T* qkv,
                                  const T* dout,
                                  const Head& head,
                                  const T* probabilities) {
  const int64_t context = shape_.context;
  const int64_t width = shape_.width;
  Transpose(qkv + head.v, 3 * width);
  for (int64_t row = 0; row < context; row += kBlock) {
    T* const dscores = dscores_.data() + row * context;
    MultiplySixteenRows<T>({dout + head.out + row * width, width, 1},
                           {transposed_.data(), context},
                           {dscores, context},
                           row + kBlock,
                           {0, shape_.head_size});
    for (int64_t i = 0; i < kBlock; ++i) {
      SoftmaxRowGradient(probabilities + (row + i) * context, row + kBlock, dscores + i * context);
    }
  }
}

template <class T>
void Attention<T>::Backward(const T* qkv, const T* probabilities, const T* dout, T* dqkv) {
  const int64_t context = shape_.context;
  const int64_t width = shape_.width;
  const int64_t stride = 3 * width;
  for (int sequence = 0; sequence < sequences_; ++sequence) {
    for (int h = 0; h < shape_.heads(); ++h) {
      const Head head = HeadOf(sequence, h);
      const T* const own = probabilities + head.probabilities;
      ScoreGradients(qkv, dout, head, own);
      for (int64_t row = 0; row < context; row += kBlock) {
        const InnerRange earlier = {0, row + kBlock};
        const InnerRange later = {row, context};
        MultiplySixteenRows<T>({dscores_.data() + row * context, context, 1},
                               {qkv + head.k, stride},
                               {dqkv + head.q + row * stride, stride},
                               shape_.head_size,
                               earlier);
        MultiplySixteenRows<T>({dscores_.data() + row, 1, context},
                               {qkv + head.q, stride},
                               {dqkv + head.k + row * stride, stride},
                               shape_.head_size,
                               later);
        MultiplySixteenRows<T>({own + row, 1, context},
                               {dout + head.out, width},
                               {dqkv + head.v + row * stride, stride},
                               shape_.head_size,
                               later);
      }
    }
  }
  Rotate(dqkv, Direction::kBackward);
}

template class Attention<float>;
template class Attention<double>;

}  // namespace bitbudget::worker
