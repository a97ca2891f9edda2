#include "tests/unit/worker/torch_twin.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace bitbudget::worker {
namespace {

using torch::Tensor;
namespace F = torch::nn::functional;

class Twin {
 public:
  Twin(const ParameterLayout& layout, std::span<const double> parameters)
      : layout_(layout),
        shape_(layout.shape()),
        flat_(torch::tensor(at::ArrayRef<double>(parameters.data(), parameters.size()),
                            torch::dtype(torch::kDouble))) {
    flat_.requires_grad_(true);
  }

  Tensor Loss(const Tensor& tokens) {
    const auto context = shape_.context;
    const Tensor inputs = tokens.narrow(1, 0, context);
    const Tensor targets = tokens.narrow(1, 1, context);
    Tensor x = At(layout_.embedding()).index_select(0, inputs.reshape(-1));
    x = x.view({tokens.size(0), context, shape_.width});
    for (const LayerOffsets& layer : layout_.layers()) {
      x = x + SelfAttention(Norm(x, layer.attention_gain), layer);
      x = x + FeedForwardPart(Norm(x, layer.feed_forward_gain), layer);
    }
    const Tensor logits = Linear(Norm(x, layout_.final_gain()), layout_.head());
    return F::cross_entropy(logits.reshape({-1, shape_.vocabulary}), targets.reshape(-1));
  }

  Tensor gradients() const { return flat_.grad(); }

 private:
  Tensor At(int64_t offset) const {
    const auto parameter = std::ranges::find(layout_.parameters(), offset, &Parameter::offset);
    return flat_.narrow(0, offset, parameter->size()).view({parameter->rows, parameter->columns});
  }

  Tensor Linear(const Tensor& x, int64_t weights) const { return x.matmul(At(weights).t()); }

  Tensor Norm(const Tensor& x, int64_t gain) const {
    return x / (x.square().mean(-1, true) + 1e-5).sqrt() * At(gain).view(-1);
  }

  // Rotation of (first half, second half) as multiplication of complex numbers.
  Tensor Rotate(const Tensor& x) const {
    const auto half = shape_.head_size / 2;
    const auto options = torch::dtype(torch::kDouble);
    const Tensor frequencies =
        torch::pow(10000.0, -torch::arange(half, options) / static_cast<double>(half));
    const Tensor angles = torch::outer(torch::arange(shape_.context, options), frequencies);
    const Tensor turned = torch::complex(x.narrow(-1, 0, half), x.narrow(-1, half, half)) *
                          torch::polar(torch::ones_like(angles), angles);
    return torch::cat({torch::real(turned), torch::imag(turned)}, -1);
  }

  Tensor SelfAttention(const Tensor& x, const LayerOffsets& layer) const {
    const auto sequences = x.size(0);
    const Tensor qkv =
        Linear(x, layer.qkv).view({sequences, shape_.context, 3, shape_.heads(), shape_.head_size});
    const auto part = [&](int index) { return qkv.select(2, index).transpose(1, 2); };
    const Tensor scores = Rotate(part(0)).matmul(Rotate(part(1)).transpose(-1, -2)) /
                          std::sqrt(static_cast<double>(shape_.head_size));
    const Tensor hidden = torch::ones({shape_.context, shape_.context}, torch::kBool).triu(1);
    const Tensor weights =
        scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()).softmax(-1);
    const Tensor attended =
        weights.matmul(part(2)).transpose(1, 2).reshape({sequences, shape_.context, shape_.width});
    return Linear(attended, layer.output);
  }

  Tensor FeedForwardPart(const Tensor& x, const LayerOffsets& layer) const {
    const Tensor expanded = Linear(x, layer.expand);
    if (shape_.feed_forward == FeedForward::kGelu) {
      const auto options = F::GELUFuncOptions().approximate("tanh");
      return Linear(F::gelu(expanded, options), layer.contract);
    }
    const std::vector<Tensor> halves = expanded.chunk(2, -1);
    return Linear(F::silu(halves[0]) * halves[1], layer.contract);
  }

  const ParameterLayout& layout_;
  const ModelShape& shape_;
  Tensor flat_;
};

}  // namespace

LossAndGradient TorchTwin(const ParameterLayout& layout,
                          std::span<const double> parameters,
                          std::span<const uint8_t> tokens,
                          int sequences) {
  const std::vector<int64_t> wide(tokens.begin(), tokens.end());
  const Tensor token_tensor = torch::tensor(wide).view({sequences, layout.shape().context + 1});
  Twin twin(layout, parameters);
  const Tensor loss = twin.Loss(token_tensor);
  loss.backward();
  const Tensor gradients = twin.gradients().contiguous();
  const double* const data = gradients.data_ptr<double>();
  return {.loss = loss.item<double>(), .gradients = {data, data + gradients.numel()}};
}

}  // namespace bitbudget::worker
