// A file system for SQLite that breaks on command: it can run full, fail to
// sync, and lose its power.
//
// Forwards to the default VFS. What a power loss leaves behind is kept beside:
// for each file the bytes that were there when it was last synced. A truncation
// counts as a write. A deletion is safe once the directory is synced, which, as
// with SQLite's own VFS, the first sync of a new journal does. Thread-safe.

#ifndef BITBUDGET_TESTS_UNIT_DB_FAULTY_VFS_H_
#define BITBUDGET_TESTS_UNIT_DB_FAULTY_VFS_H_

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace bitbudget::db {

class FaultyVfs {
 public:
  FaultyVfs();
  ~FaultyVfs();  // after all files are closed
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  // For StoreOptions::vfs.
  const std::string& name() const { return name_; }

  // While set, every write fails as on a full disk.
  void SetFull(bool full);
  // While set, every sync fails.
  void SetSyncFails(bool fails);

  // Writes, truncations, deletions and syncs so far.
  int64_t operation_count() const;
  // Syncs among them.
  int64_t sync_count() const;
  // Lets the power go just before operation number `operation`, from 0. From
  // then on every operation fails.
  void CutPowerBefore(int64_t operation);

  // Writes what is left after the power loss to files of the same names in
  // `directory`. With `survivors` each write that was not synced is there or not
  // as chance has it; without, none is.
  void Restore(const std::string& directory, std::mt19937_64* survivors = nullptr) const;

 private:
  // A write that is not synced: bytes at an offset, or a new size.
  struct Unsynced {
    int64_t offset = 0;
    std::string bytes;
    bool truncates = false;  // to `offset`
  };
  struct Image {
    std::optional<std::string> durable;  // nullopt: no such file
    std::vector<Unsynced> unsynced;
    bool deleted = false;  // but back after a power loss
  };
  struct File;
  struct Methods;

  // Counts an operation; false if the power is gone. Needs mutex_.
  bool Operate();
  // Makes deletions durable. Needs mutex_.
  void SyncDirectory();

  const std::string name_;
  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_;
  mutable std::mutex mutex_;
  // All guarded by mutex_.
  std::map<std::string, Image> images_;  // by path
  bool full_ = false;
  bool sync_fails_ = false;
  int64_t operation_count_ = 0;
  int64_t sync_count_ = 0;
  int64_t cut_before_ = -1;  // negative: never
};

}  // namespace bitbudget::db

#endif  // BITBUDGET_TESTS_UNIT_DB_FAULTY_VFS_H_
