#include "worker/agent/trainer_config.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/reflection.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace bitbudget::agent {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Json = nlohmann::ordered_json;

Json ToJson(const Message& message);

// A field that is set; of repeated ones the contract has tokens alone.
Json ValueOf(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_repeated()) {
    const auto& values = reflection.GetRepeatedFieldRef<int64_t>(message, &field);
    return std::vector<int64_t>(values.begin(), values.end());
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    default:
      return ToJson(reflection.GetMessage(message, &field));
  }
}

// The fields that are set, under their names: those of the file are the contract's.
Json ToJson(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  Json json = Json::object();
  for (const FieldDescriptor* field : fields) json[field->name()] = ValueOf(message, *field);
  return json;
}

}  // namespace

std::string TrainerConfig(const v1::Job& job,
                          const std::string& data_path,
                          const std::string& start_checkpoint) {
  v1::TrainingSpec training = job.training();
  training.set_data(data_path);
  // What the trainer finds out itself, or is none of its business.
  training.clear_data_sha256();
  training.clear_options();
  training.mutable_model()->clear_parameters();
  // A trunk brings no measurement.
  if (job.kind() == v1::TRUNK) training.set_evaluation_tokens(0);
  Json json = {{"label", job.label()}};
  json.update(ToJson(training));
  if (!start_checkpoint.empty()) json["start_checkpoint"] = start_checkpoint;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bitbudget::agent
