// Ids that make writes safe to repeat. Internal to the client library.

#ifndef BITBUDGET_CLIENT_CPP_REQUEST_ID_H_
#define BITBUDGET_CLIENT_CPP_REQUEST_ID_H_

#include "util/ids.h"

namespace bitbudget::client {

// Gives the request an id of its own if the caller has not.
template <typename Request>
void EnsureRequestId(Request& request) {
  if (request.request_id().empty()) request.set_request_id(RandomUuid());
}

}  // namespace bitbudget::client

#endif  // BITBUDGET_CLIENT_CPP_REQUEST_ID_H_
