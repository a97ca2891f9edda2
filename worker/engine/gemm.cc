#include "worker/engine/gemm.h"

#include <cblas.h>
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <type_traits>

#include "fmt/format.h"
#include "worker/engine/buffer.h"

namespace bitbudget::worker {
namespace {

constexpr CBLAS_TRANSPOSE kPlain = CblasNoTrans;
constexpr CBLAS_TRANSPOSE kTransposed = CblasTrans;

// A factor as it is stored: rows of `stride` elements, to be transposed or not.
template <class T>
struct Factor {
  const T* data;
  int64_t stride;
  CBLAS_TRANSPOSE form;
};

struct ProductSize {
  int64_t rows;
  int64_t columns;
  int64_t inner;
};

// c [rows][columns] (+)= a b. The names differ between precisions alone.
template <class T>
void Multiply(const ProductSize& size, Factor<T> a, Factor<T> b, T* c, Write write) {
  const auto product = [&](auto gemm) {
    gemm(CblasRowMajor,
         a.form,
         b.form,
         static_cast<blasint>(size.rows),
         static_cast<blasint>(size.columns),
         static_cast<blasint>(size.inner),
         T{1},
         a.data,
         static_cast<blasint>(a.stride),
         b.data,
         static_cast<blasint>(b.stride),
         write == Write::kAdd ? T{1} : T{0},
         c,
         static_cast<blasint>(size.columns));
  };
  if constexpr (std::is_same_v<T, float>) {
    product(cblas_sgemm);
  } else {
    product(cblas_dgemm);
  }
}

}  // namespace

template <class T>
void LinearForward(const LinearShape& shape, const T* x, const T* weights, T* y, Write write) {
  const auto [rows, inputs, outputs] = shape;
  Multiply<T>(
      {rows, outputs, inputs}, {x, inputs, kPlain}, {weights, inputs, kTransposed}, y, write);
}

template <class T>
void LinearInputGradient(
    const LinearShape& shape, const T* dy, const T* weights, T* dx, Write write) {
  const auto [rows, inputs, outputs] = shape;
  Multiply<T>({rows, inputs, outputs}, {dy, outputs, kPlain}, {weights, inputs, kPlain}, dx, write);
}

template <class T>
void LinearWeightGradient(const LinearShape& shape, const T* dy, const T* x, T* dw, Write write) {
  const auto [rows, inputs, outputs] = shape;
  Multiply<T>({outputs, inputs, rows}, {dy, outputs, kTransposed}, {x, inputs, kPlain}, dw, write);
}

template void LinearForward(const LinearShape&, const float*, const float*, float*, Write);
template void LinearForward(const LinearShape&, const double*, const double*, double*, Write);
template void LinearInputGradient(const LinearShape&, const float*, const float*, float*, Write);
template void LinearInputGradient(const LinearShape&, const double*, const double*, double*, Write);
template void LinearWeightGradient(const LinearShape&, const float*, const float*, float*, Write);
template void LinearWeightGradient(
    const LinearShape&, const double*, const double*, double*, Write);

void SetBlasThreads(int count) { openblas_set_num_threads(count); }

std::string BlasDescription() {
  // Another library may be loaded that defines this symbol too; the one that the
  // dynamic linker finds is the one that computes.
  Dl_info where = {};
  void* const gemm = dlsym(RTLD_DEFAULT, "cblas_sgemm");
  const bool found = gemm != nullptr && dladdr(gemm, &where) != 0;
  return fmt::format(
      "OpenBLAS {} ({})", openblas_get_corename(), found ? where.dli_fname : "unknown file");
}

std::string BlasOverrides() {
  std::string found;
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}) {
    if (std::getenv(name) == nullptr) continue;
    if (!found.empty()) found += ", ";
    found += name;
  }
  return found;
}

double MeasureGemmRate() {
  using Clock = std::chrono::steady_clock;
  constexpr int64_t kSize = 512;
  constexpr double kFlops = 2.0 * kSize * kSize * kSize;
  const Buffer<float> a(kSize * kSize, 0.5F);
  const Buffer<float> b(kSize * kSize, 0.25F);
  Buffer<float> c(kSize * kSize);
  const LinearShape shape = {.rows = kSize, .inputs = kSize, .outputs = kSize};
  double best_seconds = 1;
  const auto begin = Clock::now();
  while (Clock::now() - begin < std::chrono::milliseconds(50)) {
    const auto start = Clock::now();
    LinearForward(shape, a.data(), b.data(), c.data(), Write::kReplace);
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    best_seconds = std::min(best_seconds, elapsed.count());
  }
  return kFlops / best_seconds;
}

}  // namespace bitbudget::worker
