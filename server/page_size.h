// How large a page is when a caller leaves it open or asks for too much.

#ifndef BITBUDGET_SERVER_PAGE_SIZE_H_
#define BITBUDGET_SERVER_PAGE_SIZE_H_

#include <algorithm>

namespace bitbudget::server {

struct PageSizes {
  int unset = 100;
  int most = 1'000;

  // `asked` is not negative.
  int Effective(int asked) const { return asked == 0 ? unset : std::min(asked, most); }
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_PAGE_SIZE_H_
