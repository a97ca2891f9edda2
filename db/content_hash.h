// Hashes of what is stored, over canonical fields, so that they depend on no
// serialization format. docs/database.md states the encodings.

#ifndef BITBUDGET_DB_CONTENT_HASH_H_
#define BITBUDGET_DB_CONTENT_HASH_H_

#include <google/protobuf/message.h>

#include <string>

#include "bitbudget/v1/experiment.pb.h"

namespace bitbudget::db {

// SHA-256, 32 bytes, over the content of an experiment: its natural key,
// embedding_parameters, trunk, losses and note.
std::string HashExperiment(const v1::Experiment& experiment);

// SHA-256, 32 bytes, over all fields of `message` that are set, by number and
// value. A field added to the schema changes no hash of a message without it.
// Maps by ascending key; only text keys.
std::string HashMessage(const google::protobuf::Message& message);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_CONTENT_HASH_H_
