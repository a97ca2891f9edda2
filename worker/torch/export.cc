#include "worker/torch/export.h"

#include <ATen/Functions.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "util/error.h"
#include "worker/data/atomic_file.h"

namespace bitbudget::worker {
namespace {

at::Tensor TensorOf(const Parameter& parameter, std::span<const float> parameters) {
  at::Tensor flat = at::empty({parameter.size()}, at::kFloat);
  const auto values = parameters.subspan(parameter.offset, parameter.size());
  std::copy(values.begin(), values.end(), flat.data_ptr<float>());
  if (parameter.kind == ParameterKind::kGain) return flat;
  return flat.view({parameter.rows, parameter.columns});
}

std::vector<char> Pickled(const ParameterLayout& layout, std::span<const float> parameters) {
  c10::Dict<std::string, at::Tensor> tensors;
  for (const Parameter& parameter : layout.parameters()) {
    tensors.insert(parameter.name, TensorOf(parameter, parameters));
  }
  return torch::jit::pickle_save(tensors);
}

}  // namespace

absl::Status ExportForTorch(const ParameterLayout& layout,
                            std::span<const float> parameters,
                            const std::string& path) {
  try {
    const std::vector<char> bytes = Pickled(layout, parameters);
    return WriteFileAtomically(path, {std::string_view(bytes.data(), bytes.size())});
  } catch (const c10::Error& error) {
    return MakeError(absl::StatusCode::kInternal,
                     fmt::format("LibTorch cannot export: {}", error.what_without_backtrace()),
                     {.reason = "EXPORT_FAILED"});
  }
}

}  // namespace bitbudget::worker
