#include "server/resource_names.h"

#include <gtest/gtest.h>

#include <string>

namespace bitbudget::server {
namespace {

TEST(ResourceNames, StudyIdsAreLowerCaseWordsWithDashes) {
  EXPECT_TRUE(IsStudyId("a"));
  EXPECT_TRUE(IsStudyId("micro-2"));
  EXPECT_TRUE(IsStudyId(std::string(63, 'a')));
  for (const std::string& bad : {std::string(),
                                 std::string(64, 'a'),
                                 std::string("2a"),
                                 std::string("a-"),
                                 std::string("A"),
                                 std::string("a_b"),
                                 std::string("a/b"),
                                 std::string("a b")}) {
    EXPECT_FALSE(IsStudyId(bad)) << bad;
  }
}

TEST(ResourceNames, StudyNameIsItsIdInItsCollection) {
  EXPECT_TRUE(IsStudyName(FormatStudyName("micro")));
  for (const char* bad : {"micro", "studies/", "studies/Micro", "Studies/micro", "studies/a/b"}) {
    EXPECT_FALSE(IsStudyName(bad)) << bad;
  }
}

TEST(ResourceNames, ExperimentNameSurvivesTheRoundTrip) {
  const ChildName name{"studies/micro", "17"};
  EXPECT_EQ(FormatExperimentName(name), "studies/micro/experiments/17");
  EXPECT_EQ(ParseExperimentName(FormatExperimentName(name)), name);
}

TEST(ResourceNames, FitNameSurvivesTheRoundTrip) {
  const ChildName name{"studies/micro", std::string(kLatestFitId)};
  EXPECT_EQ(FormatFitName(name), "studies/micro/fits/latest");
  EXPECT_EQ(ParseFitName(FormatFitName(name)), name);
}

TEST(ResourceNames, ChildOfAnotherKindOrFormIsRefused) {
  EXPECT_EQ(ParseFitName("studies/micro/experiments/1"), std::nullopt);
  for (const char* bad : {"",
                          "studies/micro/fits/",
                          "studies/micro/fits/a/b",
                          "studies/MICRO/fits/1",
                          "fits/1",
                          "studies/micro/fits/a b"}) {
    EXPECT_EQ(ParseFitName(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace bitbudget::server
