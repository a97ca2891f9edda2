// Widths of weights in messages.

#ifndef BITBUDGET_UTIL_WIDTH_TEXT_H_
#define BITBUDGET_UTIL_WIDTH_TEXT_H_

#include <string>

namespace bitbudget {

// "1 bit", "1.58 bits": as exact as it was given.
std::string WidthText(double weight_bits);

}  // namespace bitbudget

#endif  // BITBUDGET_UTIL_WIDTH_TEXT_H_
