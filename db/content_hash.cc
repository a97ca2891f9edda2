#include "db/content_hash.h"

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "util/sha256.h"

namespace bitbudget::db {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// First field of every hash, so that an encoding can be replaced one day while
// old rows remain checkable.
constexpr int64_t kExperimentEncoding = 1;
constexpr int64_t kMessageEncoding = 1;

void AddMessage(FieldHasher& hasher, const Message& message);

void AddSingular(FieldHasher& hasher, const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::string scratch;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return hasher.Add(int64_t{reflection.GetInt32(message, &field)});
    case FieldDescriptor::CPPTYPE_INT64:
      return hasher.Add(int64_t{reflection.GetInt64(message, &field)});
    case FieldDescriptor::CPPTYPE_UINT32:
      return hasher.Add(int64_t{reflection.GetUInt32(message, &field)});
    case FieldDescriptor::CPPTYPE_UINT64:
      return hasher.Add(static_cast<int64_t>(reflection.GetUInt64(message, &field)));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return hasher.Add(reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return hasher.Add(double{reflection.GetFloat(message, &field)});
    case FieldDescriptor::CPPTYPE_BOOL:
      return hasher.Add(int64_t{reflection.GetBool(message, &field)});
    case FieldDescriptor::CPPTYPE_ENUM:
      return hasher.Add(int64_t{reflection.GetEnumValue(message, &field)});
    case FieldDescriptor::CPPTYPE_STRING:
      return hasher.Add(std::string_view(reflection.GetStringReference(message, &field, &scratch)));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return AddMessage(hasher, reflection.GetMessage(message, &field));
  }
}

void AddElement(FieldHasher& hasher,
                const Message& message,
                const FieldDescriptor& field,
                int index) {
  const Reflection& reflection = *message.GetReflection();
  std::string scratch;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return hasher.Add(int64_t{reflection.GetRepeatedInt32(message, &field, index)});
    case FieldDescriptor::CPPTYPE_INT64:
      return hasher.Add(int64_t{reflection.GetRepeatedInt64(message, &field, index)});
    case FieldDescriptor::CPPTYPE_UINT32:
      return hasher.Add(int64_t{reflection.GetRepeatedUInt32(message, &field, index)});
    case FieldDescriptor::CPPTYPE_UINT64:
      return hasher.Add(static_cast<int64_t>(reflection.GetRepeatedUInt64(message, &field, index)));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return hasher.Add(reflection.GetRepeatedDouble(message, &field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return hasher.Add(double{reflection.GetRepeatedFloat(message, &field, index)});
    case FieldDescriptor::CPPTYPE_BOOL:
      return hasher.Add(int64_t{reflection.GetRepeatedBool(message, &field, index)});
    case FieldDescriptor::CPPTYPE_ENUM:
      return hasher.Add(int64_t{reflection.GetRepeatedEnumValue(message, &field, index)});
    case FieldDescriptor::CPPTYPE_STRING:
      return hasher.Add(std::string_view(
          reflection.GetRepeatedStringReference(message, &field, index, &scratch)));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return AddMessage(hasher, reflection.GetRepeatedMessage(message, &field, index));
  }
}

// By ascending key: a map has no order of its own.
void AddMap(FieldHasher& hasher, const Message& message, const FieldDescriptor& field) {
  const FieldDescriptor& key = *field.message_type()->map_key();
  std::map<std::string, const Message*> entries;
  const int count = message.GetReflection()->FieldSize(message, &field);
  for (int index = 0; index < count; ++index) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &field, index);
    entries.emplace(entry.GetReflection()->GetString(entry, &key), &entry);
  }
  for (const auto& [text, entry] : entries) {
    hasher.Add(std::string_view(text));
    AddSingular(hasher, *entry, *field.message_type()->map_value());
  }
}

// Counts go in front, so that no two messages give the same sequence.
void AddMessage(FieldHasher& hasher, const Message& message) {
  std::vector<const FieldDescriptor*> fields;  // ascending by number
  message.GetReflection()->ListFields(message, &fields);
  hasher.Add(static_cast<int64_t>(fields.size()));
  for (const FieldDescriptor* field : fields) {
    hasher.Add(int64_t{field->number()});
    if (!field->is_repeated()) {
      AddSingular(hasher, message, *field);
      continue;
    }
    const int count = message.GetReflection()->FieldSize(message, field);
    hasher.Add(int64_t{count});
    if (field->is_map()) {
      AddMap(hasher, message, *field);
      continue;
    }
    for (int index = 0; index < count; ++index) AddElement(hasher, message, *field, index);
  }
}

}  // namespace

std::string HashExperiment(const v1::Experiment& experiment) {
  FieldHasher hasher;
  hasher.Add(kExperimentEncoding);
  hasher.Add(int64_t{experiment.role()});
  hasher.Add(std::string_view(experiment.recipe()));
  hasher.Add(std::string_view(experiment.optimizer()));
  hasher.Add(std::string_view(experiment.schedule()));
  hasher.Add(int64_t{experiment.parameters()});
  hasher.Add(int64_t{experiment.fp_tokens()});
  hasher.Add(int64_t{experiment.qat_tokens()});
  hasher.Add(experiment.weight_bits());
  experiment.has_activation_bits() ? hasher.Add(experiment.activation_bits()) : hasher.AddAbsent();
  experiment.has_group_size() ? hasher.Add(int64_t{experiment.group_size()}) : hasher.AddAbsent();
  hasher.Add(int64_t{experiment.replicate()});
  hasher.Add(int64_t{experiment.embedding_parameters()});
  hasher.Add(std::string_view(experiment.trunk()));
  hasher.Add(experiment.loss_nats());
  experiment.has_loss_stderr_nats() ? hasher.Add(experiment.loss_stderr_nats())
                                    : hasher.AddAbsent();
  hasher.Add(std::string_view(experiment.note()));
  return hasher.Finish();
}

std::string HashMessage(const Message& message) {
  FieldHasher hasher;
  hasher.Add(kMessageEncoding);
  AddMessage(hasher, message);
  return hasher.Finish();
}

}  // namespace bitbudget::db
