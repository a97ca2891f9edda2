#include "worker/engine/gemm.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "fmt/format.h"
#include "worker/engine/buffer.h"

// BLAS has no C++ header; these are its Fortran entries and OpenBLAS's own.
extern "C" {
void sgemm_(const char*,
            const char*,
            const int*,
            const int*,
            const int*,
            const float*,
            const float*,
            const int*,
            const float*,
            const int*,
            const float*,
            float*,
            const int*);
void dgemm_(const char*,
            const char*,
            const int*,
            const int*,
            const int*,
            const double*,
            const double*,
            const int*,
            const double*,
            const int*,
            const double*,
            double*,
            const int*);
void openblas_set_num_threads(int);
char* openblas_get_corename();
}

namespace bitbudget::worker {
namespace {

// A factor as BLAS sees it: by columns, that many elements apart.
template <class T>
struct Factor {
  const T* data;
  int64_t stride;
  char transposed;  // 'N' or 'T'
};

void Gemm(const char* ta,
          const char* tb,
          const int* m,
          const int* n,
          const int* k,
          const float* alpha,
          const float* a,
          const int* lda,
          const float* b,
          const int* ldb,
          const float* beta,
          float* c,
          const int* ldc) {
  sgemm_(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void Gemm(const char* ta,
          const char* tb,
          const int* m,
          const int* n,
          const int* k,
          const double* alpha,
          const double* a,
          const int* lda,
          const double* b,
          const int* ldb,
          const double* beta,
          double* c,
          const int* ldc) {
  dgemm_(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// Column-major c [m x n] (+)= a [m x k] b [k x n].
template <class T>
void Multiply(int64_t m, int64_t n, int64_t k, Factor<T> a, Factor<T> b, T* c, Write write) {
  const int rows = static_cast<int>(m);
  const int columns = static_cast<int>(n);
  const int inner = static_cast<int>(k);
  const int a_stride = static_cast<int>(a.stride);
  const int b_stride = static_cast<int>(b.stride);
  const T alpha = 1;
  const T beta = write == Write::kAdd ? T{1} : T{0};
  Gemm(&a.transposed,
       &b.transposed,
       &rows,
       &columns,
       &inner,
       &alpha,
       a.data,
       &a_stride,
       b.data,
       &b_stride,
       &beta,
       c,
       &rows);
}

}  // namespace

// To BLAS a row-major [a][b] is a column-major b x a. So each product below is
// the transpose of the one in the header.

template <class T>
void LinearForward(const LinearShape& shape, const T* x, const T* weights, T* y, Write write) {
  const auto [rows, inputs, outputs] = shape;
  Multiply<T>(outputs, rows, inputs, {weights, inputs, 'T'}, {x, inputs, 'N'}, y, write);
}

template <class T>
void LinearInputGradient(
    const LinearShape& shape, const T* dy, const T* weights, T* dx, Write write) {
  const auto [rows, inputs, outputs] = shape;
  Multiply<T>(inputs, rows, outputs, {weights, inputs, 'N'}, {dy, outputs, 'N'}, dx, write);
}

template <class T>
void LinearWeightGradient(const LinearShape& shape, const T* dy, const T* x, T* dw, Write write) {
  const auto [rows, inputs, outputs] = shape;
  Multiply<T>(inputs, outputs, rows, {x, inputs, 'N'}, {dy, outputs, 'T'}, dw, write);
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
  void* const gemm = dlsym(RTLD_DEFAULT, "sgemm_");
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
