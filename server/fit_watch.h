// The stream of WatchFits.

#ifndef BITBUDGET_SERVER_FIT_WATCH_H_
#define BITBUDGET_SERVER_FIT_WATCH_H_

#include <chrono>
#include <functional>
#include <memory>

#include "bitbudget/v1/fit.pb.h"
#include "server/refit_scheduler.h"
#include "server/watch_source.h"

namespace bitbudget::server {

// How often a stream without changes gives a sign of life.
inline constexpr std::chrono::seconds kFitHeartbeat(15);

// `request` is valid; the parts are borrowed. `wake` is called on a thread of the feed
// and must not block. A study that does not exist is an error of the first Next.
std::unique_ptr<WatchSource<v1::WatchFitsResponse>> WatchFitsOf(
    const v1::WatchFitsRequest& request,
    const FitParts& parts,
    std::function<void()> wake,
    std::chrono::milliseconds heartbeat = kFitHeartbeat);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_FIT_WATCH_H_
