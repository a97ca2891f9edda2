// The three matrix products of a linear layer, by OpenBLAS.
//
// Matrices are dense and row-major. OpenBLAS is called directly: at a width of 32
// a product takes 7 us, and LibTorch's dispatcher would add a third to that.
// Results depend on the BLAS kernel and on the number of threads, and on nothing
// else. Not for use from several threads at once.

#ifndef BITBUDGET_WORKER_ENGINE_GEMM_H_
#define BITBUDGET_WORKER_ENGINE_GEMM_H_

#include <cstdint>
#include <string>

namespace bitbudget::worker {

// y = x W^T with x [rows][inputs], W [outputs][inputs], y [rows][outputs].
struct LinearShape {
  int64_t rows;
  int64_t inputs;
  int64_t outputs;
};

enum class Write { kReplace, kAdd };

// y (+)= x W^T.
template <class T>
void LinearForward(const LinearShape& shape, const T* x, const T* weights, T* y, Write write);

// dx (+)= dy W.
template <class T>
void LinearInputGradient(
    const LinearShape& shape, const T* dy, const T* weights, T* dx, Write write);

// dW (+)= dy^T x.
template <class T>
void LinearWeightGradient(const LinearShape& shape, const T* dy, const T* x, T* dw, Write write);

// Threads that BLAS may use from now on; at least 1.
void SetBlasThreads(int count);

// What computes the products, for a person to read: "OpenBLAS Zen
// (/usr/lib/.../libblas.so.3)".
std::string BlasDescription();

// Names of environment variables that are set and make OpenBLAS choose other
// kernels than those for this processor, comma-separated; empty if none.
std::string BlasOverrides();

// Rate of single-precision products of 512 x 512 matrices in FLOP/s, the best of
// several within about 50 ms.
double MeasureGemmRate();

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_ENGINE_GEMM_H_
