// The parts of a transformer that are not matrix products, forward and backward.
//
// Plain loops over contiguous rows that the compiler vectorises. All arrays are
// row-major; "d" in a name means the gradient of the loss with respect to what
// follows. Gradients of inputs are added to, as residual connections need.
// Thread-safe; T is float or double.

#ifndef BITBUDGET_WORKER_ENGINE_KERNELS_H_
#define BITBUDGET_WORKER_ENGINE_KERNELS_H_

#include <cstdint>
#include <span>

namespace bitbudget::worker {

// RMSNorm of each row of x [rows][width]:
//   inverse = 1 / sqrt(mean(x^2) + 1e-5),  y = x * inverse * gain.
// Keeps `inverse` [rows] for the backward pass.
template <class T>
void NormForward(int64_t rows, int64_t width, const T* x, const T* gain, T* y, T* inverse);

// dx += the gradient through the norm; dgain [width] is added to.
template <class T>
void NormBackward(int64_t rows,
                  int64_t width,
                  const T* x,
                  const T* gain,
                  const T* inverse,
                  const T* dy,
                  T* dx,
                  T* dgain);

// y = u * sigmoid(2 sqrt(2/pi) (u + 0.044715 u^3)): GELU in its tanh form. `u`
// becomes dy/du, which is all that the backward pass needs.
template <class T>
void GeluForward(int64_t count, T* u, T* y);

// dy is replaced by du, given the derivative that GeluForward left.
template <class T>
void GeluBackward(int64_t count, const T* derivative, T* dy);

// SwiGLU: y = g * sigmoid(g) * v, where each row of `expanded` [rows][2 hidden]
// holds g, then v. They become dy/dg and dy/dv.
template <class T>
void SwigluForward(int64_t rows, int64_t hidden, T* expanded, T* y);

// `derivatives`, left by SwigluForward, become dg and dv.
template <class T>
void SwigluBackward(int64_t rows, int64_t hidden, const T* dy, T* derivatives);

// Softmax cross-entropy of each row of `logits` [rows][vocabulary] against
// `targets` [rows] (below vocabulary). Writes the losses in nats, and replaces
// the logits by the gradient of the rows' mean loss.
template <class T>
void CrossEntropy(
    int64_t rows, int64_t vocabulary, T* logits, const uint8_t* targets, std::span<double> losses);

// x [rows][width] = rows of the embedding; and its gradient, which is added.
template <class T>
void EmbeddingForward(int64_t rows, int64_t width, const T* embedding, const uint8_t* tokens, T* x);
template <class T>
void EmbeddingBackward(
    int64_t rows, int64_t width, const uint8_t* tokens, const T* dx, T* dembedding);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_ENGINE_KERNELS_H_
