// bitbudget-train-export CONFIG CHECKPOINT OUTPUT: what `bitbudget-train export`
// runs. A program of its own, because loading LibTorch takes longer than a short
// training.

#include <cstdio>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "util/status_macros.h"
#include "worker/run/config.h"
#include "worker/run/trainer.h"
#include "worker/torch/export.h"

namespace bitbudget::worker {
namespace {

absl::Status Export(const std::string& config_path,
                    const std::string& checkpoint_path,
                    const std::string& output) {
  ASSIGN_OR_RETURN(RunConfig config, ReadRunConfig(config_path));
  ASSIGN_OR_RETURN(const auto data, TokenFile::Open(config.data_path));
  RETURN_IF_ERROR(BindToData(*data, config));
  ASSIGN_OR_RETURN(const auto trainer, Trainer::Create(config, *data));
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ReadCheckpoint(checkpoint_path));
  RETURN_IF_ERROR(trainer->Restore(std::move(checkpoint)));
  return ExportForTorch(trainer->layout(), trainer->ServedParameters(), output);
}

}  // namespace
}  // namespace bitbudget::worker

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: bitbudget-train-export CONFIG CHECKPOINT OUTPUT\n");
    return 2;
  }
  try {
    const absl::Status status = bitbudget::worker::Export(argv[1], argv[2], argv[3]);
    if (status.ok()) return 0;
    fmt::print(stderr, "error: {}\n", std::string(status.message()));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
  }
  return 1;
}
