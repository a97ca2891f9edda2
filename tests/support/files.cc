#include "tests/support/files.h"

#include <fmt/format.h>

#include <fstream>

namespace bitbudget::test_support {

std::string SourcePath(const std::string& name) {
  return std::string(BITBUDGET_SOURCE_DIR) + "/" + name;
}

void WriteRowsCsv(const fitter::Dataset& data, const std::string& path) {
  std::ofstream file(path);
  file << "parameters,fp_tokens,qat_tokens,weight_bits,loss_nats\n";
  for (const fitter::Observation& row : data.rows) {
    file << fmt::format("{},{},{},{},{}\n",
                        row.point.parameters,
                        row.point.fp_tokens,
                        row.point.qat_tokens,
                        row.point.weight_bits,
                        row.loss_nats);
  }
}

}  // namespace bitbudget::test_support
