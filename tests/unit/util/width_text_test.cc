#include "util/width_text.h"

#include <gtest/gtest.h>

namespace bitbudget {
namespace {

TEST(WidthTextTest, OneBitIsNoBits) {
  EXPECT_EQ(WidthText(1), "1 bit");
  EXPECT_EQ(WidthText(1.58), "1.58 bits");
  EXPECT_EQ(WidthText(4), "4 bits");
}

}  // namespace
}  // namespace bitbudget
