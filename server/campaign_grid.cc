#include "server/campaign_grid.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "server/bundled_rules.h"
#include "server/campaign_paths.h"
#include "server/field_rules.h"
#include "server/training_rules.h"
#include "server/training_shape.h"

namespace bitbudget::server {
namespace {

constexpr int kMostGrids = 100;
constexpr int kMostLevels = 100;
constexpr int kMostReplicates = 1'000;
constexpr int64_t kMostTokens = 100'000'000'000'000'000;  // 1e17
constexpr double kFullPrecisionBits = 16;

// What the grids decide must not be stated in what they have in common.
void CheckCommon(FieldViolations& violations,
                 const std::string& path,
                 const v1::TrainingSpec& training) {
  const auto refuse = [&](bool stated, const char* field, const char* instead) {
    if (!stated) return;
    violations.push_back(
        {fmt::format("{}.{}", path, field), fmt::format("comes from {}", instead)});
  };
  refuse(training.has_model(), "model", "models of the grid");
  refuse(training.seed() != 0, "seed", "first_replicate of the grid");
  refuse(training.schedule().fp_tokens() != 0, "schedule.fp_tokens", "total_tokens of the grid");
  refuse(training.schedule().qat_tokens() != 0, "schedule.qat_tokens", "qat_fractions of the grid");
  refuse(training.quantization().has_bits(), "quantization.bits", "weight_bits of the grid");
  refuse(training.milestone_tokens_size() > 0, "milestone_tokens", "the runs that branch off");
}

// The trainings of one grid, their order within a replicate that of the loops.
class GridExpansion {
 public:
  GridExpansion(const v1::Campaign& campaign, int index, FieldViolations& violations)
      : campaign_(campaign),
        index_(index),
        grid_(campaign.grids(index)),
        path_(fmt::format("campaign.grids[{}]", index)),
        trainer_(TrainerInForce(campaign.trainer())),
        common_(campaign.training()),
        violations_(violations) {
    common_.MergeFrom(grid_.training());
  }

  // Adds what is wrong with the grid; AddRuns is for grids without violations.
  void Check() {
    CheckCommon(violations_, path_ + ".training", grid_.training());
    CheckLevels();
    CheckShared();
    for (int i = 0; i < grid_.models_size(); ++i) CheckModel(i);
    for (int i = 0; i < grid_.total_tokens_size(); ++i) {
      CheckCount(violations_, Path("total_tokens", i), grid_.total_tokens(i), 1, kMostTokens);
    }
    for (int i = 0; i < grid_.weight_bits_size(); ++i) CheckBits(i);
    for (int i = 0; i < grid_.qat_fractions_size(); ++i) {
      CheckProbability(violations_, Path("qat_fractions", i), grid_.qat_fractions(i));
    }
    for (int i = 0; i < grid_.schedules_size(); ++i) {
      CheckSchedule(Path("schedules", i), grid_.schedules(i));
    }
  }

  // Adds what is wrong with the trainings of a grid that is right in itself: each
  // thing once, for other runs and replicates have it too.
  void CheckTrainings() {
    for (int model = 0; model < grid_.models_size(); ++model) {
      std::vector<v1::TrainingSpec> runs;
      AddRuns(grid_.first_replicate(), model, runs);
      for (const v1::TrainingSpec& run : runs) {
        for (FieldViolation& violation : ValidateTraining(run, trainer_)) {
          violation.field = StatedPath(campaign_, index_, model, violation.field);
          RefuseOnce(std::move(violation));
        }
      }
    }
  }

  // Runs that the whole grid has, those left out included.
  double RunCount() const {
    const double schedules = std::max(1, grid_.schedules_size());
    const double splits = schedules * grid_.qat_fractions_size() * grid_.weight_bits_size() +
                          (grid_.full_precision() ? 1 : 0);
    return splits * grid_.models_size() * grid_.total_tokens_size() * replicates();
  }

  void AddRuns(int seed, int model, std::vector<v1::TrainingSpec>& runs) {
    for (int tokens = 0; tokens < grid_.total_tokens_size(); ++tokens) {
      v1::TrainingSpec run = common_;
      run.set_seed(seed);
      *run.mutable_model() = grid_.models(model).shape();
      if (grid_.models(model).peak_rate() != 0) {
        run.mutable_schedule()->set_peak_rate(grid_.models(model).peak_rate());
      }
      AddSplits(run, tokens, runs);
    }
  }

  int replicates() const { return std::max(1, grid_.replicates()); }
  int first_replicate() const { return grid_.first_replicate(); }
  int models() const { return grid_.models_size(); }

 private:
  std::string Path(const char* field, int index) const {
    return fmt::format("{}.{}[{}]", path_, field, index);
  }

  void CheckLevels() {
    const auto check = [this](const char* field, int count, int least) {
      CheckCount(violations_, fmt::format("{}.{}", path_, field), count, least, kMostLevels);
    };
    // Without a split there must at least be a full-precision run.
    const int splits =
        grid_.full_precision() && grid_.qat_fractions().empty() && grid_.weight_bits().empty() ? 0
                                                                                               : 1;
    check("models", grid_.models_size(), 1);
    check("total_tokens", grid_.total_tokens_size(), 1);
    check("weight_bits", grid_.weight_bits_size(), splits);
    check("qat_fractions", grid_.qat_fractions_size(), splits);
    check("schedules", grid_.schedules_size(), 0);
    CheckCount(violations_, path_ + ".replicates", grid_.replicates(), 0, kMostReplicates);
    CheckCount(violations_, path_ + ".first_replicate", grid_.first_replicate(), 0, 1'000'000);
    CheckAtLeast(violations_, path_ + ".min_fp_tokens", grid_.min_fp_tokens(), 0);
  }

  // Fields of the common training that the expansion itself computes with.
  void CheckShared() {
    const v1::TrainingSchedule& schedule = common_.schedule();
    const auto path = [this](const char* field) { return StatedPath(campaign_, index_, field); };
    if (common_.has_batch_sequences()) {
      CheckCount(violations_, path("batch_sequences"), common_.batch_sequences(), 1, 1'000'000);
    }
    if (schedule.has_cooldown_fraction()) {
      CheckRange(
          violations_, path("schedule.cooldown_fraction"), schedule.cooldown_fraction(), 0, 1);
    }
    if (!schedule.kind().empty() && grid_.schedules().empty()) {
      CheckSchedule(path("schedule.kind"), schedule.kind());
    }
  }

  void CheckModel(int index) {
    const v1::CampaignModel& model = grid_.models(index);
    const v1::TrainingModel& shape = model.shape();
    const std::string path = Path("models", index);
    CheckCount(violations_, path + ".shape.width", shape.width(), 0, 1'000'000);
    CheckCount(violations_, path + ".shape.layers", shape.layers(), 0, 10'000);
    if (shape.has_context()) {
      CheckCount(violations_, path + ".shape.context", shape.context(), 1, 1'000'000);
    }
    if (!HasShape(shape) && shape.parameters() <= 0) {
      violations_.push_back({path + ".shape", "needs width and layers, or parameters"});
    } else if (shape.parameters() != 0 && shape.parameters() != BlockParameters(shape)) {
      violations_.push_back({path + ".shape.parameters",
                             fmt::format("is {}, and the shape has {}; leave it out",
                                         shape.parameters(),
                                         BlockParameters(shape))});
    }
    const double stated = model.peak_rate();
    const double rate = stated != 0 ? stated : common_.schedule().peak_rate();
    if (!(rate > 0 && rate <= 1)) {
      violations_.push_back({path + ".peak_rate",
                             fmt::format("is {}; it must be above 0 and at most 1, here or in "
                                         "campaign.training.schedule.peak_rate",
                                         rate)});
    }
  }

  void CheckBits(int index) {
    const double bits = grid_.weight_bits(index);
    if (trainer_ == kBundledTrainer) {
      CheckBundledBits(violations_, Path("weight_bits", index), bits);
    } else {
      CheckRange(violations_, Path("weight_bits", index), bits, 1, kFullPrecisionBits);
    }
  }

  void CheckSchedule(const std::string& path, const std::string& schedule) {
    if (schedule == "classic" || schedule == "fused") return;
    violations_.push_back({path, fmt::format("is '{}'; it must be classic or fused", schedule)});
  }

  // Every model and replicate has the same problem.
  void RefuseOnce(FieldViolation violation) {
    if (std::ranges::find(violations_, violation) != violations_.end()) return;
    violations_.push_back(std::move(violation));
  }

  void AddSplits(const v1::TrainingSpec& run, int tokens, std::vector<v1::TrainingSpec>& runs) {
    const int64_t step = StepTokens(run);
    const int64_t total = WholeSteps(grid_.total_tokens(tokens), step);
    if (total == 0) {
      return RefuseOnce(
          {Path("total_tokens", tokens),
           fmt::format(
               "is {}, less than half a step of {} tokens", grid_.total_tokens(tokens), step)});
    }
    if (grid_.full_precision()) {
      v1::TrainingSpec plain = run;
      plain.mutable_schedule()->set_fp_tokens(total * step);
      runs.push_back(FullPrecisionPart(plain));
    }
    std::vector<std::string> schedules(grid_.schedules().begin(), grid_.schedules().end());
    if (schedules.empty()) schedules.push_back(common_.schedule().kind());
    for (const std::string& schedule : schedules) {
      v1::TrainingSpec split = run;
      split.mutable_schedule()->set_kind(schedule);
      for (int i = 0; i < grid_.qat_fractions_size(); ++i) AddWidths(split, total, i, runs);
    }
  }

  void AddWidths(const v1::TrainingSpec& split,
                 int64_t total_steps,
                 int fraction,
                 std::vector<v1::TrainingSpec>& runs) {
    const int64_t step = StepTokens(split);
    const auto qat_steps =
        std::llround(grid_.qat_fractions(fraction) * static_cast<double>(total_steps));
    const int64_t fp_tokens = (total_steps - qat_steps) * step;
    if (fp_tokens < grid_.min_fp_tokens()) return;
    if (qat_steps == 0 || fp_tokens == 0) {
      return RefuseOnce({Path("qat_fractions", fraction),
                         fmt::format("is {}, which leaves one phase of {} tokens without a step "
                                     "of {}",
                                     grid_.qat_fractions(fraction),
                                     total_steps * step,
                                     step)});
    }
    for (const double bits : grid_.weight_bits()) {
      v1::TrainingSpec& run = runs.emplace_back(split);
      v1::TrainingSchedule& schedule = *run.mutable_schedule();
      schedule.set_fp_tokens(fp_tokens);
      schedule.set_qat_tokens(qat_steps * step);
      // What has no effect must not make two runs of one.
      if (schedule.kind() == "fused") {
        schedule.clear_qat_peak_share();
        schedule.clear_qat_warmup_fraction();
      }
      if (bits == kFullPrecisionBits) run.clear_quantization();
      run.mutable_quantization()->set_bits(bits);
    }
  }

  const v1::Campaign& campaign_;
  const int index_;
  const v1::CampaignGrid& grid_;
  const std::string path_;
  const std::string trainer_;
  v1::TrainingSpec common_;
  FieldViolations& violations_;
};

// All runs, replicate by replicate, as often as grids name them.
std::vector<v1::TrainingSpec> AllRuns(std::vector<GridExpansion>& grids) {
  std::set<int> seeds;
  int models = 0;
  for (const GridExpansion& grid : grids) {
    for (int i = 0; i < grid.replicates(); ++i) seeds.insert(grid.first_replicate() + i);
    models = std::max(models, grid.models());
  }
  std::vector<v1::TrainingSpec> runs;
  for (const int seed : seeds) {
    for (int model = 0; model < models; ++model) {
      for (GridExpansion& grid : grids) {
        const bool has_seed =
            seed >= grid.first_replicate() && seed < grid.first_replicate() + grid.replicates();
        if (has_seed && model < grid.models()) grid.AddRuns(seed, model, runs);
      }
    }
  }
  return runs;
}

}  // namespace

std::string TrainingKey(const v1::TrainingSpec& training) {
  std::string key;
  {
    google::protobuf::io::StringOutputStream stream(&key);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    WithDefaults(training).SerializeToCodedStream(&coded);
  }
  return key;
}

v1::TrainingSpec FullPrecisionPart(const v1::TrainingSpec& training) {
  v1::TrainingSpec part = training;
  v1::TrainingSchedule& schedule = *part.mutable_schedule();
  schedule.set_kind("classic");
  schedule.clear_qat_tokens();
  schedule.clear_qat_peak_share();
  schedule.clear_qat_warmup_fraction();
  schedule.clear_moments();
  schedule.clear_name();
  part.clear_quantization();
  return part;
}

absl::StatusOr<std::vector<v1::TrainingSpec>> ExpandGrids(const v1::Campaign& campaign) {
  FieldViolations violations;
  CheckCount(violations, "campaign.grids", campaign.grids_size(), 1, kMostGrids);
  CheckCommon(violations, "campaign.training", campaign.training());
  std::vector<GridExpansion> grids;
  double count = 0;
  for (int i = 0; i < campaign.grids_size(); ++i) {
    grids.emplace_back(campaign, i, violations).Check();
    count += grids.back().RunCount();
  }
  if (count > kMostJobsInCampaign) {
    violations.push_back(
        {"campaign.grids",
         fmt::format("have {:.0f} runs, more than {}", count, kMostJobsInCampaign)});
  }
  if (!violations.empty()) return ToStatus(std::move(violations));
  for (GridExpansion& grid : grids) grid.CheckTrainings();
  if (!violations.empty()) return ToStatus(std::move(violations));
  std::vector<v1::TrainingSpec> runs = AllRuns(grids);
  if (!violations.empty()) return ToStatus(std::move(violations));
  std::set<std::string> seen;
  std::erase_if(
      runs, [&seen](const v1::TrainingSpec& run) { return !seen.insert(TrainingKey(run)).second; });
  if (!runs.empty()) return runs;
  return InvalidField("campaign.grids", "leave no run; min_fp_tokens leaves out all of them");
}

}  // namespace bitbudget::server
