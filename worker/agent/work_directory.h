// What the agent keeps on disk:
//
//   FOLDER/agent.lock                   held by the agent that works here
//   FOLDER/jobs/HASH/                   one training: config.json, trainer.err,
//                                       lock, checkpoints/
//   FOLDER/results/STUDY.JOB-ATTEMPT.result   what the server has not acknowledged yet
//   FOLDER/refused/                     what it will never take, for people
//
// HASH is the job's training_hash: a job that comes back, to this agent or to the
// next one on the same folder, goes on where it was left. Used by one thread.

#ifndef BITBUDGET_WORKER_AGENT_WORK_DIRECTORY_H_
#define BITBUDGET_WORKER_AGENT_WORK_DIRECTORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bitbudget/v1/job.pb.h"

namespace bitbudget::agent {

// A file that is locked as long as this object, or a process that was handed its
// descriptor, lives.
class FileLock {
 public:
  // Makes the file if need be. FAILED_PRECONDITION if another process still holds
  // it when `timeout` has passed.
  static absl::StatusOr<std::unique_ptr<FileLock>> Take(const std::string& path,
                                                        absl::Duration timeout);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  const int descriptor_;
};

// The folder of one training.
struct JobDirectory {
  std::string path;

  std::string Config() const { return path + "/config.json"; }
  std::string Errors() const { return path + "/trainer.err"; }
  std::string Checkpoints() const { return path + "/checkpoints"; }
  std::string Latest() const { return Checkpoints() + "/latest.ckpt"; }
  std::string Milestone(int64_t tokens) const;
  std::string Lock() const { return path + "/lock"; }
};

// The hash that a checkpoint of bitbudget-train ends with, in hexadecimal, if it
// is that of its content. NOT_FOUND if it cannot be read, DATA_LOSS if it is
// damaged.
absl::StatusOr<std::string> CheckpointHash(const std::string& path);

class WorkDirectory {
 public:
  // Makes what is missing. FAILED_PRECONDITION if another agent works here.
  static absl::StatusOr<std::unique_ptr<WorkDirectory>> Open(const std::string& path);

  // The folder of a job's training, made if it is not there.
  absl::StatusOr<JobDirectory> JobFolder(const v1::Job& job) const;

  // Forgets what a succeeded job needs no more: all but its milestones.
  void RemoveFinished(const JobDirectory& folder) const;

  // Removes folders of trainings, the longest unused first, until those left have
  // `kept_bytes` at most; never the one of `in_use`.
  void RemoveOld(int64_t kept_bytes, const std::string& in_use) const;

  // Keeps a result, durably, until it is delivered; returns its path.
  absl::StatusOr<std::string> Spool(const v1::CompleteJobRequest& result) const;

  // Paths of the results that are kept, oldest first.
  std::vector<std::string> Spooled() const;
  static absl::StatusOr<v1::CompleteJobRequest> ReadSpooled(const std::string& path);
  void RemoveSpooled(const std::string& path) const;

  // Puts a result aside that the server will never take.
  void Refuse(const std::string& path) const;

 private:
  WorkDirectory(std::string path, std::unique_ptr<FileLock> lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  const std::string path_;
  const std::unique_ptr<FileLock> lock_;
};

}  // namespace bitbudget::agent

#endif  // BITBUDGET_WORKER_AGENT_WORK_DIRECTORY_H_
