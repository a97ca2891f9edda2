// A small matrix product that stays in registers, for attention.
//
// BLAS costs more in calls than in arithmetic at 64 x 64 x 16. A tile of the
// result is kept in vector registers while the inner dimension runs. The left
// factor may be strided in both directions, so that a transposed one needs no
// copy; the right factor has contiguous rows.

#ifndef BITBUDGET_WORKER_ENGINE_TILE_H_
#define BITBUDGET_WORKER_ENGINE_TILE_H_

#include <cstdint>
#include <cstring>
#include <tuple>

#include "worker/engine/buffer.h"

namespace bitbudget::worker {

// Result columns come in multiples of this; it is whole vectors of both types.
inline constexpr int64_t kTileColumns = 16;

template <class T>
struct LeftFactor {
  const T* data;
  int64_t row_stride;
  int64_t column_stride;
};

// Rows of `stride` elements, of which the leading ones are used.
template <class T>
struct RowMajor {
  T* data;
  int64_t stride;
};

// Inner indices that take part, [begin, end).
struct InnerRange {
  int64_t begin;
  int64_t end;
};

namespace internal {

template <class T>
struct Vector {
  typedef T Type __attribute__((vector_size(kAlignmentBytes)));
  static constexpr int64_t kLanes = kAlignmentBytes / sizeof(T);
};

template <int kRows, int kVectors, class T>
void Tile(LeftFactor<T> left, RowMajor<const T> right, RowMajor<T> result, InnerRange inner) {
  using V = typename Vector<T>::Type;
  V sums[kRows][kVectors] = {};
  for (int64_t k = inner.begin; k < inner.end; ++k) {
    V row[kVectors];
    std::memcpy(row, right.data + k * right.stride, sizeof(row));
    for (int i = 0; i < kRows; ++i) {
      const T factor = left.data[i * left.row_stride + k * left.column_stride];
      for (int j = 0; j < kVectors; ++j) sums[i][j] += factor * row[j];
    }
  }
  for (int i = 0; i < kRows; ++i) {
    std::memcpy(result.data + i * result.stride, sums[i], sizeof(sums[i]));
  }
}

}  // namespace internal

// result [16 rows][columns] = left [16][k] right [k][columns] over k in `inner`.
// `columns` is a multiple of 16.
template <class T>
void MultiplySixteenRows(LeftFactor<T> left,
                         RowMajor<const T> right,
                         RowMajor<T> result,
                         int64_t columns,
                         InnerRange inner) {
  // Registers: 4 x 64 floats or 8 x 16, so that 8 or more sums are in flight.
  constexpr int kNarrow = kTileColumns / internal::Vector<T>::kLanes;
  const auto rows_from = [&](int64_t row, int64_t column) {
    return std::tuple{
        LeftFactor<T>{left.data + row * left.row_stride, left.row_stride, left.column_stride},
        RowMajor<const T>{right.data + column, right.stride},
        RowMajor<T>{result.data + row * result.stride + column, result.stride}};
  };
  int64_t column = 0;
  for (; column + 4 * kTileColumns <= columns; column += 4 * kTileColumns) {
    for (int64_t row = 0; row < kTileColumns; row += 4) {
      const auto [a, b, c] = rows_from(row, column);
      internal::Tile<4, 4 * kNarrow>(a, b, c, inner);
    }
  }
  for (; column < columns; column += kTileColumns) {
    for (int64_t row = 0; row < kTileColumns; row += 8) {
      const auto [a, b, c] = rows_from(row, column);
      internal::Tile<8, kNarrow>(a, b, c, inner);
    }
  }
}

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_ENGINE_TILE_H_
