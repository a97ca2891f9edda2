// Trained weights for use in PyTorch.

#ifndef BITBUDGET_WORKER_TORCH_EXPORT_H_
#define BITBUDGET_WORKER_TORCH_EXPORT_H_

#include <span>
#include <string>

#include "absl/status/status.h"
#include "worker/engine/shape.h"

namespace bitbudget::worker {

// Writes the parameters, laid out by `layout`, as a dictionary of tensors that
// torch.load reads: names as in Parameter, matrices [rows][columns], gains
// [columns]. The file appears whole or not at all.
// Errors as WriteFileAtomically; INTERNAL if LibTorch fails.
absl::Status ExportForTorch(const ParameterLayout& layout,
                            std::span<const float> parameters,
                            const std::string& path);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_TORCH_EXPORT_H_
