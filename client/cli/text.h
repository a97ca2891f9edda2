// Small pieces of text that several reports share. Pure.

#ifndef BITBUDGET_CLIENT_CLI_TEXT_H_
#define BITBUDGET_CLIENT_CLI_TEXT_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "bitbudget/v1/common.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace bitbudget::cli {

// "studies/micro/fits/x1" -> "x1".
std::string LastPart(std::string_view name);

// "TOTAL_TOKENS" -> "total_tokens".
std::string LowerCase(std::string_view name);

// "FP_THEN_QAT" -> "fp then qat".
std::string Words(std::string_view enum_name);

// "2026-11-22 03:50:11 UTC"; empty if unset.
std::string TimeText(const google::protobuf::Timestamp& time);

// "1 row", "7 rows": with the plural of the one noun by an "s".
std::string Counted(int64_t count, std::string_view noun);

// "38.2 %".
std::string Percent(double share);

// "31.6 %", "above 99.9 %": of a law; so near to 0 or 1 is beyond what any law tells.
std::string ShareText(double fraction);

// "1.23 to 1.27", each end formatted by `format`; empty without an interval.
std::string IntervalText(const v1::Estimate& estimate, std::string (*format)(double));

// "1.25 (1.23 to 1.27)"; the value alone without an interval.
std::string WithInterval(const v1::Estimate& estimate, std::string (*format)(double));

// "2.3041", for losses.
std::string LossText(double loss_nats);

// "4" or "1.58", as exact as it was given.
std::string BitsText(double weight_bits);

// A line for each axis, headed by `heading`, along which a question lies outside the
// data; empty inside.
std::string ExtrapolationText(const std::string& heading, const v1::Extrapolation& extrapolation);

// Lines that say where an answer comes from: law, fit, revision, whether it lies
// outside the data, warnings.
std::string ProvenanceText(const v1::Provenance& provenance);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_TEXT_H_
