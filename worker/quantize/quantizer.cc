#include "worker/quantize/quantizer.h"

#include "fmt/format.h"
#include "util/error.h"
#include "worker/quantize/elastic_binary.h"
#include "worker/quantize/lsq.h"
#include "worker/quantize/stretched_elastic.h"

namespace bitbudget::worker {

template <class T>
absl::StatusOr<std::unique_ptr<const Quantizer<T>>> MakeQuantizer(double bits) {
  if (bits == 1) return std::make_unique<const ElasticBinary<T>>();
  if (bits == 1.58) return std::make_unique<const StretchedElastic<T>>(3);
  if (bits == 2) return std::make_unique<const StretchedElastic<T>>(4);
  if (bits >= 3 && bits <= 8 && bits == std::floor(bits)) {
    return std::make_unique<const Lsq<T>>(static_cast<int>(bits));
  }
  return InvalidField(
      "quantization.bits",
      fmt::format("no quantizer has {} bits; there are 1, 1.58, 2, 3, 4, 5, 6, 7 and 8", bits));
}

template absl::StatusOr<std::unique_ptr<const Quantizer<float>>> MakeQuantizer(double);
template absl::StatusOr<std::unique_ptr<const Quantizer<double>>> MakeQuantizer(double);

}  // namespace bitbudget::worker
