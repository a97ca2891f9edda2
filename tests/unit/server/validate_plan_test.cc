// Rules of questions about widths, full precision, waste and plans.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "server/validate.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using ::testing::Contains;
using testing::FieldsOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

v1::OptimizeBitWidthRequest ValidBits() {
  v1::OptimizeBitWidthRequest request;
  request.mutable_source()->set_study("studies/x");
  request.set_memory_bytes(1 << 30);
  request.set_compute_flops(1e21);
  return request;
}

v1::CompareToFullPrecisionRequest ValidComparison() {
  v1::CompareToFullPrecisionRequest request;
  request.mutable_source()->set_study("studies/x");
  request.set_parameters(1'000'000);
  request.set_total_tokens(1'000'000'000);
  return request;
}

v1::EstimateWasteRequest ValidWaste() {
  v1::EstimateWasteRequest request;
  request.mutable_source()->set_study("studies/x");
  request.set_parameters(1'000'000);
  request.set_weight_bits(4);
  request.add_total_tokens(1'000'000'000);
  return request;
}

v1::PlanTrainingRequest ValidPlan() {
  v1::PlanTrainingRequest request;
  request.mutable_source()->set_study("studies/x");
  request.set_parameters(1'000'000);
  request.set_device_hours(100);
  request.mutable_hardware()->set_device("h100-sxm");
  request.mutable_hardware()->set_price_per_device_hour(2);
  return request;
}

TEST(ValidPlanQuestions, PassInEveryForm) {
  EXPECT_TRUE(Check(ValidBits()).ok());
  EXPECT_TRUE(Check(ValidComparison()).ok());
  EXPECT_TRUE(Check(ValidWaste()).ok());
  EXPECT_TRUE(Check(ValidPlan()).ok());
  auto inverse = ValidBits();
  inverse.clear_compute_flops();
  inverse.set_objective(v1::OptimizeBitWidthRequest::LEAST_COMPUTE);
  inverse.set_target_loss_nats(2.5);
  EXPECT_TRUE(Check(inverse).ok());
  auto money = ValidPlan();
  money.set_money(1e6);
  EXPECT_TRUE(Check(money).ok());
  auto range = ValidWaste();
  range.clear_total_tokens();
  range.mutable_range()->set_lower(2);
  range.mutable_range()->set_upper(1'000'000);
  range.mutable_range()->set_count(1000);
  EXPECT_TRUE(Check(range).ok());
}

template <typename Request>
struct Spoiled {
  const char* field;
  std::function<void(Request&)> spoil;
};

// Each spoils one thing, and that thing is named.
template <typename Request>
void ExpectRefused(const Request& valid, const std::vector<Spoiled<Request>>& cases) {
  for (const Spoiled<Request>& spoiled : cases) {
    Request request = valid;
    spoiled.spoil(request);
    const absl::Status status = Check(request);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << spoiled.field;
    EXPECT_THAT(FieldsOf(status), Contains(spoiled.field)) << request.ShortDebugString();
  }
}

TEST(BadBitsQuestion, NamesTheField) {
  using Request = v1::OptimizeBitWidthRequest;
  ExpectRefused<Request>(
      ValidBits(),
      {{"source", [](Request& r) { r.clear_source(); }},
       {"parameters", [](Request& r) { r.set_parameters(0); }},
       {"memory_bytes", [](Request& r) { r.set_memory_bytes(-1); }},
       {"total_tokens", [](Request& r) { r.clear_budget(); }},
       {"total_tokens", [](Request& r) { r.set_total_tokens(1); }},
       {"compute_flops", [](Request& r) { r.set_compute_flops(kNan); }},
       {"compute_flops", [](Request& r) { r.set_compute_flops(kInfinity); }},
       {"qat_token_cost", [](Request& r) { r.set_qat_token_cost(0); }},
       {"target_loss_nats", [](Request& r) { r.set_target_loss_nats(2); }},
       {"target_loss_nats", [](Request& r) { r.set_objective(Request::LEAST_MEMORY); }},
       {"compute_flops",
        [](Request& r) {
          r.set_objective(Request::LEAST_COMPUTE);
          r.set_target_loss_nats(2);
        }},
       {"weight_bits[0]", [](Request& r) { r.add_weight_bits(16); }},
       {"weight_bits[0]", [](Request& r) { r.add_weight_bits(kNan); }},
       {"weight_bits[1]",
        [](Request& r) {
          r.add_weight_bits(4);
          r.add_weight_bits(4);
        }},
       {"loss_tolerance_nats", [](Request& r) { r.set_loss_tolerance_nats(0); }},
       {"confidence_level", [](Request& r) { r.set_confidence_level(1); }},
       {"draw_count", [](Request& r) { r.set_draw_count(100'001); }},
       {"draw_count", [](Request& r) { r.set_draw_count(-1); }}});
}

TEST(BadMemoryModel, NamesTheField) {
  using Request = v1::OptimizeBitWidthRequest;
  const auto model = [](auto spoil) {
    return [spoil](Request& r) { spoil(*r.mutable_memory_model()); };
  };
  using Model = v1::MemoryModel;
  ExpectRefused<Request>(
      ValidBits(),
      {{"memory_model.layers", model([](Model& m) { m.set_layers(12); })},
       // A shape without the size it is of.
       {"memory_model.layers", model([](Model& m) {
          m.set_layers(12);
          m.set_width(768);
        })},
       {"memory_model.width", model([](Model& m) { m.set_width(0); })},
       {"memory_model.width_per_layer", model([](Model& m) { m.set_width_per_layer(0); })},
       {"memory_model.layer_coefficient", model([](Model& m) { m.set_layer_coefficient(1); })},
       {"memory_model.key_value_heads", model([](Model& m) { m.set_attention_heads(8); })},
       {"memory_model.key_value_heads", model([](Model& m) {
          m.set_attention_heads(8);
          m.set_key_value_heads(3);
        })},
       {"memory_model.vocabulary", model([](Model& m) { m.set_vocabulary(-1); })},
       {"memory_model.batch", model([](Model& m) { m.set_batch(-1); })},
       {"memory_model.context_tokens", model([](Model& m) { m.set_context_tokens(-1); })},
       {"memory_model.group_size", model([](Model& m) { m.set_group_size(-1); })},
       {"memory_model.kv_cache_bits", model([](Model& m) { m.set_kv_cache_bits(0); })},
       {"memory_model.scale_bits", model([](Model& m) { m.set_scale_bits(33); })},
       {"memory_model.embedding_bits", model([](Model& m) { m.set_embedding_bits(0); })},
       {"memory_model.norm_bits", model([](Model& m) { m.set_norm_bits(kNan); })},
       {"memory_model.overhead_share", model([](Model& m) { m.set_overhead_share(-0.1); })},
       {"memory_model.overhead_bytes", model([](Model& m) { m.set_overhead_bytes(kInfinity); })}});
}

TEST(BadComparison, NamesTheField) {
  using Request = v1::CompareToFullPrecisionRequest;
  ExpectRefused<Request>(ValidComparison(),
                         {{"parameters", [](Request& r) { r.clear_parameters(); }},
                          {"total_tokens", [](Request& r) { r.clear_budget(); }},
                          {"tolerance_nats", [](Request& r) { r.set_tolerance_nats(-1); }},
                          {"weight_bits[0]", [](Request& r) { r.add_weight_bits(0.5); }}});
}

TEST(BadWasteQuestion, NamesTheField) {
  using Request = v1::EstimateWasteRequest;
  ExpectRefused<Request>(
      ValidWaste(),
      {{"weight_bits", [](Request& r) { r.set_weight_bits(16); }},
       {"qat_fraction", [](Request& r) { r.set_qat_fraction(1.5); }},
       {"total_tokens", [](Request& r) { r.clear_total_tokens(); }},
       {"total_tokens", [](Request& r) { r.add_compute_flops(1e20); }},
       {"total_tokens[1]", [](Request& r) { r.add_total_tokens(1); }},
       {"range.upper",
        [](Request& r) {
          r.clear_total_tokens();
          r.mutable_range()->set_lower(10);
          r.mutable_range()->set_upper(10);
          r.mutable_range()->set_count(2);
        }},
       {"hardware.device", [](Request& r) { r.mutable_hardware()->set_device("abacus"); }},
       {"hardware.device", [](Request& r) { r.mutable_hardware()->set_utilization(0.3); }},
       {"hardware.utilization",
        [](Request& r) {
          r.mutable_hardware()->set_device("l40s");
          r.mutable_hardware()->set_utilization(1.1);
        }},
       {"hardware.price_per_device_hour", [](Request& r) {
          r.mutable_hardware()->set_device("l40s");
          r.mutable_hardware()->set_price_per_device_hour(-1);
        }}});
}

TEST(BadWasteQuestion, UnknownDeviceIsToldTheKnownOnes) {
  auto request = ValidWaste();
  request.mutable_hardware()->set_device("abacus");
  EXPECT_THAT(std::string(Check(request).message()), HasSubstr("h100-sxm"));
}

TEST(BadWasteQuestion, PolesAreOutOfRange) {
  auto request = ValidWaste();
  request.set_qat_fraction(1);
  EXPECT_EQ(Check(request).code(), absl::StatusCode::kOutOfRange);
}

TEST(BadPlan, NamesTheField) {
  using Request = v1::PlanTrainingRequest;
  ExpectRefused<Request>(
      ValidPlan(),
      {{"total_tokens", [](Request& r) { r.clear_goal(); }},
       {"device_hours", [](Request& r) { r.set_device_hours(0); }},
       {"hardware", [](Request& r) { r.clear_hardware(); }},
       {"hardware.price_per_device_hour",
        [](Request& r) {
          r.set_money(100);
          r.mutable_hardware()->clear_price_per_device_hour();
        }},
       {"deadline_hours", [](Request& r) { r.set_deadline_hours(-1); }},
       {"target_loss_nats", [](Request& r) { r.set_target_loss_nats(0); }},
       {"hardware.device_count", [](Request& r) { r.mutable_hardware()->set_device_count(0); }},
       {"parameters",
        [](Request& r) {
          r.clear_parameters();
          r.set_fixed_fp_tokens(10);
        }},
       {"fixed_fp_tokens",
        [](Request& r) {
          r.set_total_tokens(100);
          r.set_fixed_fp_tokens(100);
        }},
       {"caller_fraction",
        [](Request& r) {
          r.set_fixed_fp_tokens(10);
          r.set_caller_fraction(0.2);
        }},
       {"tokens_per_step", [](Request& r) { r.set_tokens_per_step(0); }}});
}

}  // namespace
}  // namespace bitbudget::server
