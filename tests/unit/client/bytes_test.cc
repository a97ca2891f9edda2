#include "client/cli/bytes.h"

#include <gtest/gtest.h>

namespace bitbudget::cli {
namespace {

TEST(ParseBytesTest, UnitsArePowersOfTenAndOfTwo) {
  EXPECT_EQ(*ParseBytes("4GiB"), 4.0 * 1024 * 1024 * 1024);
  EXPECT_EQ(*ParseBytes("80GB"), 80e9);
  EXPECT_EQ(*ParseBytes("512 MiB"), 512.0 * 1024 * 1024);
  EXPECT_EQ(*ParseBytes("1.5kib"), 1536);
  EXPECT_EQ(*ParseBytes("2tb"), 2e12);
  EXPECT_EQ(*ParseBytes("1e9"), 1e9);
  EXPECT_EQ(*ParseBytes("1_000B"), 1000);
}

TEST(ParseBytesTest, WhatMayMeanTwoThingsIsRefused) {
  for (const char* text : {"4G", "4gigs", "GiB", "", "4 Gi B", "four GiB"}) {
    EXPECT_FALSE(ParseBytes(text).ok()) << text;
  }
}

TEST(FormatBytesTest, ThreeDigitsInBinaryUnits) {
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(1024), "1 KiB");
  EXPECT_EQ(FormatBytes(1023.4 * 1024), "1023 KiB");
  EXPECT_EQ(FormatBytes(1023.6 * 1024), "1 MiB");
  EXPECT_EQ(FormatBytes(3.914 * 1024 * 1024 * 1024), "3.91 GiB");
  EXPECT_EQ(FormatBytes(0), "0 B");
}

}  // namespace
}  // namespace bitbudget::cli
