// Accelerators, what they compute, and what computing costs. Pure values.

#ifndef BITBUDGET_PLANNER_DEVICES_H_
#define BITBUDGET_PLANNER_DEVICES_H_

#include <optional>
#include <span>
#include <string_view>

namespace bitbudget::planner {

// A device with its published figures.
struct Device {
  std::string_view name;    // "h100-sxm"
  double peak_flops = 0;    // a second, dense matrix products in 16 bits, by the vendor
  double memory_bytes = 0;  // by the vendor, in decimal gigabytes
  std::string_view source;  // of both
};

// The catalogue, by name.
std::span<const Device> Devices();

// The device of that name; null if the catalogue has none.
const Device* FindDevice(std::string_view name);

// Share of the peak that large dense trainings are reported to reach, and by whom.
inline constexpr double kDefaultUtilization = 0.4;
inline constexpr std::string_view kUtilizationSource =
    "Of the peak, trainings of large dense models report .38 to .43 (Llama 3, arXiv 2407.21783) "
    "and "
    ".46 (PaLM, arXiv 2204.02311); small models reach less.";

// Devices that train, and their price.
struct Hardware {
  double peak_flops = 0;                        // of one device, a second; > 0
  double utilization = kDefaultUtilization;     // of the peak, in (0, 1]
  double device_count = 1;                      // >= 1
  std::optional<double> price_per_device_hour;  // >= 0, in any currency

  // What the devices do in an hour of one of them.
  double FlopsPerDeviceHour() const { return 3600 * utilization * peak_flops; }
  double DeviceHours(double flops) const { return flops / FlopsPerDeviceHour(); }
};

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_DEVICES_H_
