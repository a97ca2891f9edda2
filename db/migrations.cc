#include "db/migrations.h"

#include <array>

namespace bitbudget::db {
namespace {

// Version 1. Times are microseconds since 1970; names end in _key where a number
// is internal. docs/database.md explains each table.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE studies (
  study_key INTEGER PRIMARY KEY,
  study_id TEXT NOT NULL,
  deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
  definition BLOB NOT NULL,
  definition_hash BLOB NOT NULL,
  revision INTEGER NOT NULL DEFAULT 0,
  experiment_count INTEGER NOT NULL DEFAULT 0 CHECK (experiment_count >= 0),
  excluded_experiment_count INTEGER NOT NULL DEFAULT 0 CHECK (excluded_experiment_count >= 0),
  last_row_number INTEGER NOT NULL,
  last_fit_number INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX studies_by_id ON studies (study_id) WHERE deleted = 0;

CREATE TABLE experiments (
  experiment_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL REFERENCES studies,
  row_number INTEGER NOT NULL,
  role INTEGER NOT NULL,
  recipe TEXT NOT NULL,
  optimizer TEXT NOT NULL,
  schedule TEXT NOT NULL,
  parameters INTEGER NOT NULL,
  fp_tokens INTEGER NOT NULL,
  qat_tokens INTEGER NOT NULL,
  weight_bits REAL NOT NULL,
  activation_bits REAL NOT NULL,
  group_size INTEGER NOT NULL,
  replicate INTEGER NOT NULL,
  embedding_parameters INTEGER NOT NULL,
  trunk TEXT NOT NULL,
  loss_nats REAL NOT NULL,
  loss_stderr_nats REAL,
  note TEXT NOT NULL,
  content_hash BLOB NOT NULL CHECK (length(content_hash) = 32),
  import_batch TEXT NOT NULL,
  source_line INTEGER NOT NULL,
  job TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  code_version TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  create_revision INTEGER NOT NULL,
  excluded INTEGER NOT NULL DEFAULT 0 CHECK (excluded IN (0, 1)),
  exclude_reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX experiments_by_row ON experiments (study_key, row_number);
CREATE UNIQUE INDEX experiments_by_natural_key ON experiments (
  study_key, parameters, fp_tokens, qat_tokens, weight_bits, replicate, role, schedule, recipe,
  optimizer, activation_bits, group_size
) WHERE excluded = 0;
CREATE INDEX experiments_by_batch ON experiments (study_key, import_batch, row_number)
  WHERE import_batch <> '';
CREATE TRIGGER experiments_are_immutable BEFORE UPDATE OF
  experiment_key, study_key, row_number, role, recipe, optimizer, schedule, parameters, fp_tokens,
  qat_tokens, weight_bits, activation_bits, group_size, replicate, embedding_parameters, trunk,
  loss_nats, loss_stderr_nats, note, content_hash, import_batch, source_line, job, attempt,
  code_version, create_time, create_revision
ON experiments BEGIN SELECT raise(ABORT, 'experiments are immutable'); END;
CREATE TRIGGER experiments_stay BEFORE DELETE ON experiments
BEGIN SELECT raise(ABORT, 'experiments are never deleted'); END;

CREATE TABLE changes (
  change_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL REFERENCES studies,
  revision INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN
    ('create_study', 'update_study', 'delete_study', 'insert', 'exclude', 'include')),
  first_row_number INTEGER,
  last_row_number INTEGER,
  definition BLOB,
  description TEXT NOT NULL,
  request_id TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_by_revision ON changes (study_key, revision);
CREATE TRIGGER changes_are_immutable BEFORE UPDATE ON changes
BEGIN SELECT raise(ABORT, 'the history is append-only'); END;
CREATE TRIGGER changes_stay BEFORE DELETE ON changes
BEGIN SELECT raise(ABORT, 'the history is append-only'); END;

CREATE TABLE exclusion_changes (
  study_key INTEGER NOT NULL REFERENCES studies,
  revision INTEGER NOT NULL,
  row_number INTEGER NOT NULL,
  excluded INTEGER NOT NULL CHECK (excluded IN (0, 1)),
  PRIMARY KEY (study_key, revision, row_number)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER exclusion_changes_are_immutable BEFORE UPDATE ON exclusion_changes
BEGIN SELECT raise(ABORT, 'the history is append-only'); END;
CREATE TRIGGER exclusion_changes_stay BEFORE DELETE ON exclusion_changes
BEGIN SELECT raise(ABORT, 'the history is append-only'); END;

CREATE TABLE requests (
  request_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL,
  scope TEXT NOT NULL,
  request_id TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  result BLOB NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX requests_by_id ON requests (study_key, scope, request_id);
CREATE INDEX requests_by_time ON requests (time);

CREATE TABLE fits (
  fit_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL REFERENCES studies,
  fit_number INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  standard_options INTEGER NOT NULL CHECK (standard_options IN (0, 1)),
  content BLOB NOT NULL,
  content_hash BLOB NOT NULL CHECK (length(content_hash) = 32),
  create_time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX fits_by_number ON fits (study_key, fit_number);
CREATE INDEX standard_fits_by_revision ON fits (study_key, revision, fit_number)
  WHERE standard_options = 1;
CREATE TRIGGER fits_are_immutable BEFORE UPDATE ON fits
BEGIN SELECT raise(ABORT, 'fits are immutable'); END;
CREATE TRIGGER fits_stay BEFORE DELETE ON fits
BEGIN SELECT raise(ABORT, 'fits are never deleted'); END;
)sql";

// Version 2: jobs and campaigns. Numbers of states are those of v1.JobState.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE studies ADD COLUMN last_job_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE studies ADD COLUMN last_campaign_number INTEGER NOT NULL DEFAULT 0;

CREATE TABLE campaigns (
  campaign_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL REFERENCES studies,
  campaign_id TEXT NOT NULL,
  definition BLOB NOT NULL,
  definition_hash BLOB NOT NULL CHECK (length(definition_hash) = 32),
  create_time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX campaigns_by_id ON campaigns (study_key, campaign_id);
CREATE TRIGGER campaigns_are_immutable BEFORE UPDATE ON campaigns
BEGIN SELECT raise(ABORT, 'campaigns are immutable'); END;
CREATE TRIGGER campaigns_stay BEFORE DELETE ON campaigns
BEGIN SELECT raise(ABORT, 'campaigns are never deleted'); END;

CREATE TABLE jobs (
  job_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL REFERENCES studies,
  job_number INTEGER NOT NULL,
  campaign_key INTEGER REFERENCES campaigns,
  definition BLOB NOT NULL,
  definition_hash BLOB NOT NULL CHECK (length(definition_hash) = 32),
  trainer TEXT NOT NULL,
  data TEXT NOT NULL,
  data_sha256 TEXT NOT NULL,
  memory_bytes INTEGER NOT NULL,
  estimated_flops REAL NOT NULL,
  priority INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 7),
  waiting_count INTEGER NOT NULL CHECK (waiting_count >= 0),
  attempt INTEGER NOT NULL DEFAULT 0,
  failure_count INTEGER NOT NULL DEFAULT 0,
  lost_count INTEGER NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT '',
  lease_request_id TEXT NOT NULL DEFAULT '',
  lease_period INTEGER NOT NULL DEFAULT 0,
  point_count INTEGER NOT NULL DEFAULT 0,
  progress BLOB NOT NULL DEFAULT x'',
  failure BLOB NOT NULL DEFAULT x'',
  statistics BLOB NOT NULL DEFAULT x'',
  reason TEXT NOT NULL DEFAULT '',
  cancelled_with INTEGER REFERENCES jobs,
  experiment_row INTEGER NOT NULL DEFAULT 0,
  start_time INTEGER NOT NULL DEFAULT 0,
  end_time INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX jobs_by_number ON jobs (study_key, job_number);
CREATE INDEX jobs_by_campaign ON jobs (campaign_key, state, estimated_flops)
  WHERE campaign_key IS NOT NULL;
CREATE INDEX jobs_ready ON jobs (priority DESC, job_key)
  WHERE state IN (1, 7) AND waiting_count = 0;
CREATE INDEX jobs_leased ON jobs (worker, lease_request_id) WHERE state IN (2, 3);
CREATE INDEX jobs_cancelled_with ON jobs (cancelled_with) WHERE cancelled_with IS NOT NULL;
CREATE TRIGGER jobs_keep_their_definition BEFORE UPDATE OF
  job_key, study_key, job_number, campaign_key, definition, definition_hash, trainer, data,
  data_sha256, memory_bytes, estimated_flops, priority, create_time
ON jobs BEGIN SELECT raise(ABORT, 'the definition of a job is immutable'); END;
CREATE TRIGGER jobs_stay BEFORE DELETE ON jobs
BEGIN SELECT raise(ABORT, 'jobs are never deleted'); END;

CREATE TABLE job_dependencies (
  dependency_key INTEGER NOT NULL REFERENCES jobs,
  job_key INTEGER NOT NULL REFERENCES jobs,
  PRIMARY KEY (dependency_key, job_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_dependencies_by_job ON job_dependencies (job_key);

CREATE TABLE job_attempts (
  job_key INTEGER NOT NULL REFERENCES jobs,
  attempt INTEGER NOT NULL,
  worker TEXT NOT NULL,
  code_version TEXT NOT NULL,
  lease_time INTEGER NOT NULL,
  ended_by TEXT NOT NULL DEFAULT '' CHECK (ended_by IN ('', 'complete', 'fail', 'release')),
  experiment_row INTEGER NOT NULL DEFAULT 0,
  stored_row INTEGER NOT NULL DEFAULT 0 CHECK (stored_row IN (0, 1)),
  PRIMARY KEY (job_key, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_points (
  job_key INTEGER NOT NULL REFERENCES jobs,
  tokens INTEGER NOT NULL,
  loss_nats REAL NOT NULL,
  learning_rate REAL NOT NULL,
  tokens_per_second REAL NOT NULL,
  PRIMARY KEY (job_key, tokens)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_checkpoints (
  job_key INTEGER NOT NULL REFERENCES jobs,
  tokens INTEGER NOT NULL,
  path TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (job_key, tokens)
) STRICT, WITHOUT ROWID;

CREATE TABLE law_comparisons (
  comparison_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL REFERENCES studies,
  comparison_number INTEGER NOT NULL,
  content BLOB NOT NULL,
  content_hash BLOB NOT NULL CHECK (length(content_hash) = 32),
  create_time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX law_comparisons_by_number ON law_comparisons (study_key, comparison_number);
CREATE TRIGGER law_comparisons_are_immutable BEFORE UPDATE ON law_comparisons
BEGIN SELECT raise(ABORT, 'comparisons are immutable'); END;
CREATE TRIGGER law_comparisons_stay BEFORE DELETE ON law_comparisons
BEGIN SELECT raise(ABORT, 'comparisons are never deleted'); END;
)sql";

constexpr std::array kMigrations = {kVersion1, kVersion2};

}  // namespace

std::span<const char* const> Migrations() { return kMigrations; }

}  // namespace bitbudget::db
