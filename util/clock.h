// Time, passed in so that tests can turn it.

#ifndef BITBUDGET_UTIL_CLOCK_H_
#define BITBUDGET_UTIL_CLOCK_H_

#include "absl/time/time.h"

namespace bitbudget {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall-clock time; may jump.
  virtual absl::Time Now() const = 0;

  // Time since an arbitrary moment; never goes back.
  virtual absl::Duration Steady() const = 0;

  // The machine's clock. Never null, lives for ever.
  static const Clock* System();
};

}  // namespace bitbudget

#endif  // BITBUDGET_UTIL_CLOCK_H_
