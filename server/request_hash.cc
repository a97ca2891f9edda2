#include "server/request_hash.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace bitbudget::server {

void RequestHasher::Add(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&output);
  }
  hasher_.Add(std::string_view(bytes));
}

std::string RequestHasher::Finish() { return ToHex(hasher_.Finish()); }

}  // namespace bitbudget::server
