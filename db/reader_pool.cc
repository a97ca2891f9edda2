#include "db/reader_pool.h"

#include <utility>

namespace bitbudget::db {

ReaderPool::ReaderPool(ConnectionOptions options, int kept_count)
    : options_(std::move(options)), kept_count_(static_cast<size_t>(kept_count)) {}

std::unique_ptr<Connection> ReaderPool::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  return std::make_unique<Connection>(options_);
}

void ReaderPool::GiveBack(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kept_count_) idle_.push_back(std::move(connection));
}

}  // namespace bitbudget::db
