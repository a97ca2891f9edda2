#include "server/campaign_paths.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

namespace bitbudget::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kModelPrefix = "model.";

// True if the message has a value of its own at `path`: "schedule.peak_rate",
// "milestone_tokens[2]".
bool States(const Message& message, std::string_view path) {
  const size_t end = path.find_first_of(".[");
  const FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, end)));
  if (field == nullptr) return false;
  if (field->is_repeated()) return message.GetReflection()->FieldSize(message, field) > 0;
  if (!message.GetReflection()->HasField(message, field)) return false;
  if (end == std::string_view::npos || field->message_type() == nullptr) return true;
  return States(message.GetReflection()->GetMessage(message, field), path.substr(end + 1));
}

}  // namespace

std::string StatedPath(const v1::Campaign& campaign, int grid, std::string_view field) {
  const v1::CampaignGrid& stated = campaign.grids(grid);
  const auto of_grid = [grid](std::string_view name) {
    return fmt::format("campaign.grids[{}].{}", grid, name);
  };
  if (field == "seed") return of_grid("first_replicate");
  if (field == "schedule.fp_tokens" || field == "schedule.qat_tokens") {
    return of_grid("total_tokens");
  }
  if (field == "schedule.kind" && !stated.schedules().empty()) return of_grid("schedules");
  if (field == "quantization.bits") return of_grid("weight_bits");
  if (States(stated.training(), field)) return of_grid(fmt::format("training.{}", field));
  return fmt::format("campaign.training.{}", field);
}

std::string StatedPath(const v1::Campaign& campaign, int grid, int model, std::string_view field) {
  const std::string path = fmt::format("campaign.grids[{}].models[{}].", grid, model);
  if (field.starts_with(kModelPrefix)) {
    return fmt::format("{}shape.{}", path, field.substr(kModelPrefix.size()));
  }
  const bool has_rate = campaign.grids(grid).models(model).peak_rate() != 0;
  if (field == "schedule.peak_rate" && has_rate) return path + "peak_rate";
  return StatedPath(campaign, grid, field);
}

}  // namespace bitbudget::server
