#include "worker/agent/shutdown.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <thread>

namespace bitbudget::agent {

void Shutdown::HandleSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // Lives as long as the process, as does this object, which main holds.
  std::thread([this, signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    spdlog::info("draining signal={}", signal);
    Request();
    sigwait(&signals, &signal);
    spdlog::warn("ended by a second signal signal={}", signal);
    std::_Exit(1);
  }).detach();
}

void Shutdown::Request() {
  const std::lock_guard<std::mutex> lock(mutex_);
  requested_ = true;
  // The call that waits for a job cannot be cut short; its connection ends with
  // the process, and the server takes nothing for leased that was not answered.
  if (idle_) std::_Exit(0);
  changed_.notify_all();
}

bool Shutdown::requested() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requested_;
}

bool Shutdown::Wait(absl::Duration time) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, absl::ToChronoMilliseconds(time), [this] { return requested_; });
}

void Shutdown::SetIdle(bool idle) {
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_ = idle;
}

}  // namespace bitbudget::agent
