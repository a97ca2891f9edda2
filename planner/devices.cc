#include "planner/devices.h"

#include <algorithm>
#include <array>

namespace bitbudget::planner {
namespace {

// Vendors quote twice the dense figure where sparsity may double it; these are
// dense.
constexpr std::array kDevices = {
    Device{"a100-sxm-80gb", 312e12, 80e9, "NVIDIA A100 data sheet"},
    Device{"b200-sxm", 2250e12, 180e9, "NVIDIA HGX B200 data sheet, half of the sparse figure"},
    Device{"h100-pcie", 756.5e12, 80e9, "NVIDIA H100 data sheet, half of the sparse figure"},
    Device{"h100-sxm", 989.5e12, 80e9, "NVIDIA H100 data sheet, half of the sparse figure"},
    Device{"h200-sxm", 989.5e12, 141e9, "NVIDIA H200 data sheet, half of the sparse figure"},
    Device{"l40s", 362e12, 48e9, "NVIDIA L40S data sheet, half of the sparse figure"},
    Device{"mi250x", 383e12, 128e9, "AMD Instinct MI250X data sheet"},
    Device{"mi300x", 1307.4e12, 192e9, "AMD Instinct MI300X data sheet"},
    Device{"rtx-4090", 165.2e12, 24e9, "NVIDIA Ada architecture white paper, 32-bit accumulation"},
    Device{"tpu-v4", 275e12, 32e9, "Google Cloud TPU documentation"},
    Device{"tpu-v5e", 197e12, 16e9, "Google Cloud TPU documentation"},
    Device{"tpu-v5p", 459e12, 95e9, "Google Cloud TPU documentation"},
    Device{"v100-sxm2", 125e12, 32e9, "NVIDIA V100 data sheet"},
};

}  // namespace

std::span<const Device> Devices() { return kDevices; }

const Device* FindDevice(std::string_view name) {
  const auto found = std::ranges::find(kDevices, name, &Device::name);
  return found == kDevices.end() ? nullptr : &*found;
}

}  // namespace bitbudget::planner
