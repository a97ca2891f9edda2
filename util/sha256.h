// SHA-256 over a canonical byte encoding of fields, so that a hash never
// depends on a serialization format.

#ifndef BITBUDGET_UTIL_SHA256_H_
#define BITBUDGET_UTIL_SHA256_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace bitbudget {

// Hashes a sequence of fields. Each Add writes a type byte and the value
// (integers and doubles as 8 bytes little endian, strings with their length in
// front), so that different sequences never give the same bytes. Not
// thread-safe; use one per hash.
class FieldHasher {
 public:
  FieldHasher();
  ~FieldHasher();
  FieldHasher(const FieldHasher&) = delete;
  FieldHasher& operator=(const FieldHasher&) = delete;

  void Add(int64_t value);
  void Add(double value);  // bit pattern; -0 is hashed as 0
  void Add(std::string_view value);
  void AddAbsent();  // an optional field that is unset

  // The digest, 32 bytes. Call once.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "0a1b..." for bytes.
std::string ToHex(std::string_view bytes);

}  // namespace bitbudget

#endif  // BITBUDGET_UTIL_SHA256_H_
