#include "tests/unit/db/faulty_vfs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "util/ids.h"

namespace bitbudget::db {
namespace {

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

// What SQLite takes for an open file; the real one lies right behind.
struct FaultyVfs::File {
  sqlite3_file base;
  FaultyVfs* vfs;
  Image* image;         // null: not watched (temporary files)
  bool sync_directory;  // at the next sync

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

// SQLite's C interface.
struct FaultyVfs::Methods {
  static File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static const sqlite3_io_methods& Real(sqlite3_file* file) { return *Of(file)->real()->pMethods; }

  static int Open(
      sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* base, int flags, int* out_flags) {
    auto* self = static_cast<FaultyVfs*>(vfs->pAppData);
    File* file = Of(base);
    file->base.pMethods = nullptr;
    file->vfs = self;
    const std::optional<std::string> before = path == nullptr ? std::nullopt : ReadFile(path);
    const int code = self->real_->xOpen(self->real_, path, file->real(), flags, out_flags);
    if (code != SQLITE_OK) return code;
    const std::lock_guard lock(self->mutex_);
    file->image = nullptr;
    if (path != nullptr) {
      // What is there at the first sight is taken for durable.
      file->image = &self->images_.try_emplace(path, Image{before, {}}).first->second;
      if (std::exchange(file->image->deleted, false)) {
        file->image->unsynced = {{.offset = 0, .truncates = true}};
      }
    }
    file->sync_directory = (flags & SQLITE_OPEN_CREATE) != 0 &&
                           (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    file->base.pMethods = &kFileMethods;
    return SQLITE_OK;
  }

  static int Delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
    auto* self = static_cast<FaultyVfs*>(vfs->pAppData);
    {
      const std::lock_guard lock(self->mutex_);
      if (!self->Operate()) return SQLITE_IOERR_DELETE;
      self->images_[path].deleted = true;
      if (sync_directory != 0) self->SyncDirectory();
    }
    return self->real_->xDelete(self->real_, path, sync_directory);
  }

  static int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    FaultyVfs& self = *Of(file)->vfs;
    {
      const std::lock_guard lock(self.mutex_);
      if (!self.Operate()) return SQLITE_IOERR_WRITE;
      if (self.full_) return SQLITE_FULL;
      if (Image* image = Of(file)->image; image != nullptr) {
        image->unsynced.push_back(
            {offset, {static_cast<const char*>(bytes), static_cast<size_t>(size)}});
      }
    }
    return Real(file).xWrite(Of(file)->real(), bytes, size, offset);
  }

  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    FaultyVfs& self = *Of(file)->vfs;
    {
      const std::lock_guard lock(self.mutex_);
      if (!self.Operate()) return SQLITE_IOERR_TRUNCATE;
      if (Image* image = Of(file)->image; image != nullptr) {
        image->unsynced.push_back({.offset = size, .truncates = true});
      }
    }
    return Real(file).xTruncate(Of(file)->real(), size);
  }

  // Not forwarded: no real power is lost, and the tests are faster without.
  static int Sync(sqlite3_file* file, int) {
    FaultyVfs& self = *Of(file)->vfs;
    const std::lock_guard lock(self.mutex_);
    ++self.sync_count_;
    if (!self.Operate() || self.sync_fails_) return SQLITE_IOERR_FSYNC;
    if (Image* image = Of(file)->image; image != nullptr) {
      if (!image->durable.has_value()) image->durable = "";
      for (const Unsynced& write : image->unsynced) Apply(write, *image->durable);
      image->unsynced.clear();
    }
    if (std::exchange(Of(file)->sync_directory, false)) self.SyncDirectory();
    return SQLITE_OK;
  }

  static void Apply(const Unsynced& write, std::string& content) {
    const auto offset = static_cast<size_t>(write.offset);
    if (write.truncates) return content.resize(offset);
    content.resize(std::max(content.size(), offset + write.bytes.size()));
    content.replace(offset, write.bytes.size(), write.bytes);
  }

  static int Close(sqlite3_file* file) { return Real(file).xClose(Of(file)->real()); }
  static int Read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
    return Real(file).xRead(Of(file)->real(), bytes, size, offset);
  }
  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    return Real(file).xFileSize(Of(file)->real(), size);
  }
  static int Lock(sqlite3_file* file, int level) {
    return Real(file).xLock(Of(file)->real(), level);
  }
  static int Unlock(sqlite3_file* file, int level) {
    return Real(file).xUnlock(Of(file)->real(), level);
  }
  static int CheckReservedLock(sqlite3_file* file, int* reserved) {
    return Real(file).xCheckReservedLock(Of(file)->real(), reserved);
  }
  static int FileControl(sqlite3_file* file, int operation, void* argument) {
    return Real(file).xFileControl(Of(file)->real(), operation, argument);
  }
  static int SectorSize(sqlite3_file* file) { return Real(file).xSectorSize(Of(file)->real()); }
  // None: a write may be torn, and may overtake another.
  static int DeviceCharacteristics(sqlite3_file*) { return 0; }
  static int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
    return Real(file).xShmMap(Of(file)->real(), page, size, extend, memory);
  }
  static int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
    return Real(file).xShmLock(Of(file)->real(), offset, count, flags);
  }
  static void ShmBarrier(sqlite3_file* file) { Real(file).xShmBarrier(Of(file)->real()); }
  static int ShmUnmap(sqlite3_file* file, int remove) {
    return Real(file).xShmUnmap(Of(file)->real(), remove);
  }

  static constexpr sqlite3_io_methods kFileMethods = {
      .iVersion = 2,
      .xClose = Close,
      .xRead = Read,
      .xWrite = Write,
      .xTruncate = Truncate,
      .xSync = Sync,
      .xFileSize = FileSize,
      .xLock = Lock,
      .xUnlock = Unlock,
      .xCheckReservedLock = CheckReservedLock,
      .xFileControl = FileControl,
      .xSectorSize = SectorSize,
      .xDeviceCharacteristics = DeviceCharacteristics,
      .xShmMap = ShmMap,
      .xShmLock = ShmLock,
      .xShmBarrier = ShmBarrier,
      .xShmUnmap = ShmUnmap,
  };
};

FaultyVfs::FaultyVfs()
    : name_("faulty-" + RandomUuid()), real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  vfs_.zName = name_.c_str();
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  vfs_.pAppData = this;
  vfs_.pNext = nullptr;
  vfs_.xOpen = Methods::Open;
  vfs_.xDelete = Methods::Delete;
  sqlite3_vfs_register(&vfs_, /*makeDflt=*/0);
}

FaultyVfs::~FaultyVfs() { sqlite3_vfs_unregister(&vfs_); }

bool FaultyVfs::Operate() {
  const int64_t operation = operation_count_++;
  return cut_before_ < 0 || operation < cut_before_;
}

void FaultyVfs::SyncDirectory() {
  for (auto& [path, image] : images_) {
    if (image.deleted) image = Image();
  }
}

void FaultyVfs::SetFull(bool full) {
  const std::lock_guard lock(mutex_);
  full_ = full;
}

void FaultyVfs::SetSyncFails(bool fails) {
  const std::lock_guard lock(mutex_);
  sync_fails_ = fails;
}

int64_t FaultyVfs::operation_count() const {
  const std::lock_guard lock(mutex_);
  return operation_count_;
}

int64_t FaultyVfs::sync_count() const {
  const std::lock_guard lock(mutex_);
  return sync_count_;
}

void FaultyVfs::CutPowerBefore(int64_t operation) {
  const std::lock_guard lock(mutex_);
  cut_before_ = operation;
}

void FaultyVfs::Restore(const std::string& directory, std::mt19937_64* survivors) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [path, image] : images_) {
    std::optional<std::string> content = image.durable;
    for (const Unsynced& write : image.unsynced) {
      if (survivors == nullptr || (*survivors)() % 2 == 0) continue;
      if (!content.has_value()) content = "";
      Methods::Apply(write, *content);
    }
    if (!content.has_value()) continue;
    const std::string file = (directory / std::filesystem::path(path).filename()).string();
    std::ofstream(file, std::ios::binary) << *content;
  }
}

}  // namespace bitbudget::db
