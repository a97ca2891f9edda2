#include "worker/engine/model.h"

#include <algorithm>

#include "worker/engine/gemm.h"
#include "worker/engine/kernels.h"

namespace bitbudget::worker {

template <class T>
Model<T>::Model(const ParameterLayout& layout, int sequences)
    : layout_(layout),
      shape_(layout.shape()),
      rows_(static_cast<int64_t>(sequences) * shape_.context),
      attention_(shape_, sequences),
      inputs_(rows_),
      targets_(rows_),
      losses_(rows_),
      layers_(shape_.layers),
      output_(rows_ * shape_.width),
      output_inverse_(rows_),
      output_normed_(rows_ * shape_.width),
      logits_(rows_ * shape_.vocabulary),
      dresidual_(rows_ * shape_.width),
      dnarrow_(rows_ * shape_.width),
      dwide_(rows_ * std::max(3 * shape_.width, shape_.hidden)) {
  for (Layer& layer : layers_) {
    for (Buffer<T>* narrow :
         {&layer.input, &layer.normed, &layer.attended, &layer.middle, &layer.middle_normed}) {
      narrow->resize(rows_ * shape_.width);
    }
    layer.norm_inverse.resize(rows_);
    layer.middle_inverse.resize(rows_);
    layer.qkv.resize(rows_ * 3 * shape_.width);
    layer.probabilities.resize(attention_.probability_count());
    layer.expanded.resize(rows_ * shape_.expanded());
    layer.activated.resize(rows_ * shape_.hidden);
  }
}

template <class T>
void Model<T>::SplitTokens(std::span<const uint8_t> tokens) {
  const int64_t context = shape_.context;
  for (int64_t row = 0; row < rows_; row += context) {
    const uint8_t* const sequence = tokens.data() + row / context * (context + 1);
    std::copy_n(sequence, context, inputs_.data() + row);
    std::copy_n(sequence + 1, context, targets_.data() + row);
  }
}

template <class T>
std::span<const double> Model<T>::Forward(const T* parameters, std::span<const uint8_t> tokens) {
  SplitTokens(tokens);
  EmbeddingForward(rows_,
                   shape_.width,
                   parameters + layout_.embedding(),
                   inputs_.data(),
                   layers_.front().input.data());
  for (int i = 0; i < shape_.layers; ++i) {
    T* const output = i + 1 < shape_.layers ? layers_[i + 1].input.data() : output_.data();
    ForwardLayer(parameters, layout_.layers()[i], layers_[i], output);
  }
  NormForward(rows_,
              shape_.width,
              output_.data(),
              parameters + layout_.final_gain(),
              output_normed_.data(),
              output_inverse_.data());
  LinearForward({rows_, shape_.width, shape_.vocabulary},
                output_normed_.data(),
                parameters + layout_.head(),
                logits_.data(),
                Write::kReplace);
  CrossEntropy(rows_, shape_.vocabulary, logits_.data(), targets_.data(), std::span(losses_));
  return losses_;
}

template <class T>
void Model<T>::ForwardLayer(const T* parameters, const LayerOffsets& at, Layer& layer, T* output) {
  const int64_t width = shape_.width;
  NormForward(rows_,
              width,
              layer.input.data(),
              parameters + at.attention_gain,
              layer.normed.data(),
              layer.norm_inverse.data());
  LinearForward({rows_, width, 3 * width},
                layer.normed.data(),
                parameters + at.qkv,
                layer.qkv.data(),
                Write::kReplace);
  attention_.Forward(layer.qkv.data(), layer.probabilities.data(), layer.attended.data());
  std::copy(layer.input.begin(), layer.input.end(), layer.middle.begin());
  LinearForward({rows_, width, width},
                layer.attended.data(),
                parameters + at.output,
                layer.middle.data(),
                Write::kAdd);

  NormForward(rows_,
              width,
              layer.middle.data(),
              parameters + at.feed_forward_gain,
              layer.middle_normed.data(),
              layer.middle_inverse.data());
  LinearForward({rows_, width, shape_.expanded()},
                layer.middle_normed.data(),
                parameters + at.expand,
                layer.expanded.data(),
                Write::kReplace);
  if (shape_.feed_forward == FeedForward::kSwiglu) {
    SwigluForward(rows_, shape_.hidden, layer.expanded.data(), layer.activated.data());
  } else {
    GeluForward(rows_ * shape_.hidden, layer.expanded.data(), layer.activated.data());
  }
  std::copy(layer.middle.begin(), layer.middle.end(), output);
  LinearForward({rows_, shape_.hidden, width},
                layer.activated.data(),
                parameters + at.contract,
                output,
                Write::kAdd);
}

template <class T>
void Model<T>::Backward(const T* parameters, T* gradients) {
  // Matrix products replace their gradients; what is added to starts at zero.
  std::fill(gradients + layout_.matrix_size(), gradients + layout_.size(), T{0});
  BackwardHead(parameters, gradients);
  for (int i = shape_.layers - 1; i >= 0; --i) {
    BackwardFeedForward(parameters, layout_.layers()[i], layers_[i], gradients);
    BackwardAttention(parameters, layout_.layers()[i], layers_[i], gradients);
  }
  EmbeddingBackward(
      rows_, shape_.width, inputs_.data(), dresidual_.data(), gradients + layout_.embedding());
}

template <class T>
void Model<T>::BackwardHead(const T* parameters, T* gradients) {
  const LinearShape head = {rows_, shape_.width, shape_.vocabulary};
  LinearWeightGradient(
      head, logits_.data(), output_normed_.data(), gradients + layout_.head(), Write::kReplace);
  if (!shape_.tied_embeddings) {
    T* const embedding = gradients + layout_.embedding();
    std::fill_n(embedding, static_cast<int64_t>(shape_.vocabulary) * shape_.width, T{0});
  }
  LinearInputGradient(
      head, logits_.data(), parameters + layout_.head(), dnarrow_.data(), Write::kReplace);
  std::fill(dresidual_.begin(), dresidual_.end(), T{0});
  NormBackward(rows_,
               shape_.width,
               output_.data(),
               parameters + layout_.final_gain(),
               output_inverse_.data(),
               dnarrow_.data(),
               dresidual_.data(),
               gradients + layout_.final_gain());
}

template <class T>
void Model<T>::BackwardFeedForward(const T* parameters,
                                   const LayerOffsets& at,
                                   Layer& layer,
                                   T* gradients) {
  const int64_t width = shape_.width;
  const LinearShape contract = {rows_, shape_.hidden, width};
  const LinearShape expand = {rows_, width, shape_.expanded()};
  LinearWeightGradient(contract,
                       dresidual_.data(),
                       layer.activated.data(),
                       gradients + at.contract,
                       Write::kReplace);
  LinearInputGradient(
      contract, dresidual_.data(), parameters + at.contract, dwide_.data(), Write::kReplace);
  const T* dexpanded = dwide_.data();
  if (shape_.feed_forward == FeedForward::kSwiglu) {
    SwigluBackward(rows_, shape_.hidden, dwide_.data(), layer.expanded.data());
    dexpanded = layer.expanded.data();
  } else {
    GeluBackward(rows_ * shape_.hidden, layer.expanded.data(), dwide_.data());
  }
  LinearWeightGradient(
      expand, dexpanded, layer.middle_normed.data(), gradients + at.expand, Write::kReplace);
  LinearInputGradient(expand, dexpanded, parameters + at.expand, dnarrow_.data(), Write::kReplace);
  NormBackward(rows_,
               width,
               layer.middle.data(),
               parameters + at.feed_forward_gain,
               layer.middle_inverse.data(),
               dnarrow_.data(),
               dresidual_.data(),
               gradients + at.feed_forward_gain);
}

template <class T>
void Model<T>::BackwardAttention(const T* parameters,
                                 const LayerOffsets& at,
                                 Layer& layer,
                                 T* gradients) {
  const int64_t width = shape_.width;
  const LinearShape output = {rows_, width, width};
  const LinearShape qkv = {rows_, width, 3 * width};
  LinearWeightGradient(
      output, dresidual_.data(), layer.attended.data(), gradients + at.output, Write::kReplace);
  LinearInputGradient(
      output, dresidual_.data(), parameters + at.output, dnarrow_.data(), Write::kReplace);
  attention_.Backward(layer.qkv.data(), layer.probabilities.data(), dnarrow_.data(), dwide_.data());
  LinearWeightGradient(
      qkv, dwide_.data(), layer.normed.data(), gradients + at.qkv, Write::kReplace);
  LinearInputGradient(qkv, dwide_.data(), parameters + at.qkv, dnarrow_.data(), Write::kReplace);
  NormBackward(rows_,
               width,
               layer.input.data(),
               parameters + at.attention_gain,
               layer.norm_inverse.data(),
               dnarrow_.data(),
               dresidual_.data(),
               gradients + at.attention_gain);
}

template class Model<float>;
template class Model<double>;

}  // namespace bitbudget::worker
