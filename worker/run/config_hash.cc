#include "util/sha256.h"
#include "worker/run/config.h"

namespace bitbudget::worker {
namespace {

// Rises whenever a change of the code changes results, so that checkpoints of
// before are not taken for ones of after.
constexpr int64_t kEngineVersion = 1;

template <class Enum>
int64_t Number(Enum value) {
  return static_cast<int64_t>(value);
}

void AddTrunk(const RunConfig& config, const std::string& data_sha256, FieldHasher& hasher) {
  hasher.Add(kEngineVersion);
  hasher.Add(std::string_view(data_sha256));
  hasher.Add(config.seed);
  hasher.Add(int64_t{config.threads});
  hasher.Add(int64_t{config.batch_sequences});
  const ModelShape& model = config.model;
  for (const int part : {model.vocabulary,
                         model.width,
                         model.layers,
                         model.head_size,
                         model.hidden,
                         model.context,
                         static_cast<int>(model.feed_forward),
                         static_cast<int>(model.tied_embeddings)}) {
    hasher.Add(int64_t{part});
  }
  const AdamWOptions& optimizer = config.optimizer;
  for (const double part : {optimizer.beta1,
                            optimizer.beta2,
                            optimizer.epsilon,
                            optimizer.weight_decay,
                            optimizer.clip_norm,
                            config.schedule.peak_rate}) {
    hasher.Add(part);
  }
  hasher.Add(config.schedule.warmup_tokens);
}

void AddFullPrecisionPhase(const RunConfig& config, FieldHasher& hasher) {
  const bool cools_down = config.schedule.kind == ScheduleKind::kClassic;
  hasher.Add(config.schedule.fp_tokens);
  hasher.Add(cools_down ? config.schedule.cooldown_fraction : 0.0);
  hasher.Add(cools_down ? Number(config.schedule.cooldown_shape) : 0);
}

void AddRest(const RunConfig& config, FieldHasher& hasher) {
  const ScheduleOptions& schedule = config.schedule;
  hasher.Add(Number(schedule.kind));
  hasher.Add(schedule.qat_tokens);
  hasher.Add(schedule.cooldown_fraction);
  hasher.Add(Number(schedule.cooldown_shape));
  hasher.Add(schedule.qat_peak_share);
  hasher.Add(schedule.qat_warmup_fraction);
  hasher.Add(Number(schedule.moments));
  const Quantization& quantization = config.quantization;
  hasher.Add(quantization.bits);
  hasher.Add(Number(quantization.granularity));
  hasher.Add(int64_t{quantization.group_size});
  hasher.Add(Number(quantization.embeddings));
  hasher.Add(config.evaluation_tokens);
}

}  // namespace

RunHashes HashRun(const RunConfig& config, const std::string& data_sha256) {
  FieldHasher trunk;
  AddTrunk(config, data_sha256, trunk);
  FieldHasher fp;
  AddTrunk(config, data_sha256, fp);
  AddFullPrecisionPhase(config, fp);
  FieldHasher run;
  AddTrunk(config, data_sha256, run);
  AddFullPrecisionPhase(config, run);
  AddRest(config, run);
  return {.trunk = ToHex(trunk.Finish()), .fp = ToHex(fp.Finish()), .run = ToHex(run.Finish())};
}

}  // namespace bitbudget::worker
