// Connections for reading. A read sees one state of the database from its first
// query to its last, whatever is written meanwhile, and waits for nobody.

#ifndef BITBUDGET_DB_READER_POOL_H_
#define BITBUDGET_DB_READER_POOL_H_

#include <SQLiteCpp/Transaction.h>

#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "db/connection.h"
#include "db/sqlite_error.h"

namespace bitbudget::db {

// Thread-safe.
class ReaderPool {
 public:
  // Keeps up to `kept_count` idle connections; more are opened, and closed
  // again, while more reads run at once.
  ReaderPool(ConnectionOptions options, int kept_count);

  // Calls `read(connection)`, which returns a Status or StatusOr, in a read
  // transaction, and maps the SQLite::Exception that it may throw.
  template <typename Read>
  std::invoke_result_t<Read, Connection&> Run(Read read) {
    try {
      std::unique_ptr<Connection> connection = Take();
      auto result = [&] {
        const SQLite::Transaction transaction(connection->database(),
                                              SQLite::TransactionBehavior::DEFERRED);
        return read(*connection);
      }();
      GiveBack(std::move(connection));
      return result;
    } catch (const std::exception& error) {
      return StatusOf(error, options_.path, Activity::kReading);
    }
  }

 private:
  std::unique_ptr<Connection> Take();
  void GiveBack(std::unique_ptr<Connection> connection);

  const ConnectionOptions options_;
  const size_t kept_count_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_
};

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_READER_POOL_H_
