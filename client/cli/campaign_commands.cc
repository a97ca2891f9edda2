#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "client/cli/commands.h"
#include "client/cli/flags.h"
#include "client/cli/job_report.h"
#include "client/cli/json.h"
#include "client/cli/terminal.h"
#include "client/cli/text.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

struct NameArguments {
  std::string study;
  std::string id;
  std::string reason;
};

absl::StatusOr<std::string> NameOf(const NameArguments& arguments) {
  return NameInStudy(arguments.study, "campaigns", arguments.id);
}

std::shared_ptr<NameArguments> AddName(CLI::App* command) {
  auto arguments = std::make_shared<NameArguments>();
  AddStudy(command, &arguments->study);
  command->add_option("name", arguments->id, "Campaign, by its id with --study, or its full name")
      ->required();
  return arguments;
}

struct CreateArguments {
  v1::CreateCampaignRequest request;
  std::string grid_file;
  bool dry_run = false;
};

absl::Status RunCreate(Session& session, const CreateArguments& arguments) {
  v1::CreateCampaignRequest request = arguments.request;
  RETURN_IF_ERROR(ReadJsonFile(arguments.grid_file, "campaign", request.mutable_campaign()));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  request.set_validate_only(true);
  ASSIGN_OR_RETURN(const v1::Campaign planned, client->CreateCampaign(request));
  if (arguments.dry_run) {
    session.Print(planned, CostText(planned.cost()) + "nothing was stored\n");
    return absl::OkStatus();
  }
  if (!session.json) session.Print(CostText(planned.cost()));
  request.set_validate_only(false);
  ASSIGN_OR_RETURN(const v1::Campaign campaign, client->CreateCampaign(std::move(request)));
  if (campaign.ended()) {
    session.Print(campaign,
                  fmt::format("{} has ended: {}\n", campaign.name(), CampaignLine(campaign)));
    return absl::OkStatus();
  }
  session.Print(campaign, fmt::format("{} is queued\n", campaign.name()));
  session.Note(fmt::format("follow it: bitbudget campaign watch {} --study {}",
                           LastPart(campaign.name()),
                           LastPart(arguments.request.parent())));
  return absl::OkStatus();
}

absl::Status RunShow(Session& session, const NameArguments& arguments) {
  v1::GetCampaignRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), NameOf(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const v1::Campaign campaign, client->GetCampaign(request));
  session.Print(campaign, CampaignText(campaign));
  return absl::OkStatus();
}

absl::Status RunCancel(Session& session, const NameArguments& arguments) {
  v1::CancelCampaignRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), NameOf(arguments));
  request.set_reason(arguments.reason);
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const v1::Campaign campaign, client->CancelCampaign(request));
  session.Print(campaign, CampaignLine(campaign) + "\n");
  return absl::OkStatus();
}

absl::Status RunRetry(Session& session, const NameArguments& arguments) {
  v1::RetryCampaignRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), NameOf(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  ASSIGN_OR_RETURN(const v1::Campaign campaign, client->RetryCampaign(request));
  session.Print(campaign, CampaignLine(campaign) + "\n");
  if (JobsIn(campaign, v1::CANCELLED) > 0) {
    session.Note(
        "what was cancelled by request stays so; bring it back with: bitbudget jobs retry JOB...");
  }
  return absl::OkStatus();
}

absl::Status RunList(Session& session, const v1::ListCampaignsRequest& request) {
  ASSIGN_OR_RETURN(client::Client * client, session.Client());
  v1::ListCampaignsResponse all;
  v1::ListCampaignsRequest page_request = request;
  do {
    ASSIGN_OR_RETURN(v1::ListCampaignsResponse page, client->ListCampaigns(page_request));
    page_request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    all.MergeFrom(page);
  } while (!page_request.page_token().empty());
  const Table table = CampaignTable(all);
  session.Print(all, OutputIsTerminal() ? table.Aligned() : table.TabSeparated());
  return absl::OkStatus();
}

// What the program ends with once the campaign has.
absl::Status EndOf(const v1::Campaign& campaign) {
  if (const int64_t failed = JobsIn(campaign, v1::FAILED); failed > 0) {
    return absl::FailedPreconditionError(
        fmt::format("{} failed; see: bitbudget jobs list --campaign {} --state failed",
                    Counted(failed, "job"),
                    campaign.name()));
  }
  if (const int64_t cancelled = JobsIn(campaign, v1::CANCELLED); cancelled > 0) {
    return absl::FailedPreconditionError(
        fmt::format("{} {} cancelled", Counted(cancelled, "job"), cancelled == 1 ? "was" : "were"));
  }
  return absl::OkStatus();
}

int64_t EndedCount(const v1::Campaign& campaign) {
  return JobsIn(campaign, v1::SUCCEEDED) + JobsIn(campaign, v1::FAILED) +
         JobsIn(campaign, v1::CANCELLED);
}

// Shows the states of a campaign: all of them as JSON, or in one line that changes
// on a terminal, or a line for each job that has ended.
class CampaignView {
 public:
  explicit CampaignView(Session& session)
      : session_(session), live_(progress_.visible() && OutputIsTerminal()) {}

  absl::Status Show(const v1::Campaign& campaign) {
    if (session_.json) {
      session_.Print(ToJsonLine(campaign));
    } else if (live_ && !campaign.ended()) {
      progress_.Show(CampaignLine(campaign));
    } else if (live_ || EndedCount(campaign) != shown_count_) {
      session_.Print(CampaignLine(campaign) + "\n");
    }
    shown_count_ = EndedCount(campaign);
    return session_.Flush();
  }

 private:
  Session& session_;
  ProgressLine progress_;
  const bool live_;
  int64_t shown_count_ = -1;
};

absl::Status RunWatch(Session& session, const NameArguments& arguments) {
  v1::WatchCampaignRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), NameOf(arguments));
  ASSIGN_OR_RETURN(client::Client * client, session.Client(absl::InfiniteDuration()));
  v1::Campaign latest;
  absl::Status shown;
  {
    CampaignView view(session);
    RETURN_IF_ERROR(client->WatchCampaign(request, [&](const v1::WatchCampaignResponse& change) {
      latest = change.campaign();
      shown = view.Show(latest);
      return shown.ok() && !latest.ended();
    }));
  }
  RETURN_IF_ERROR(shown);
  return EndOf(latest);
}

void AddCreate(CLI::App& campaign, Session& session) {
  CLI::App* command =
      AddCommand(campaign,
                 "create",
                 "Prints what a grid of trainings costs, then queues its jobs",
                 "bitbudget campaign create small --study micro --grid grid.json --dry-run\n"
                 "bitbudget campaign create small --study micro --grid grid.json");
  auto arguments = std::make_shared<CreateArguments>();
  command
      ->add_option_function<std::string>(
          "name",
          [arguments](const std::string& id) { arguments->request.set_campaign_id(id); },
          "Id: a-z, 0-9 and '-', at most 63 characters")
      ->required();
  AddStudy(command, arguments->request.mutable_parent())->required();
  command->add_option("--grid", arguments->grid_file, "File that holds the campaign as JSON")
      ->required()
      ->type_name("FILE");
  command->add_flag("--dry-run", arguments->dry_run, "Print the cost and store nothing");
  OnCommand(command, session, arguments, &RunCreate);
}

}  // namespace

void AddCampaignCommands(CLI::App& app, Session& session) {
  CLI::App* campaign = AddCommand(app,
                                  "campaign",
                                  "Campaigns: grids of trainings that share what they can",
                                  "bitbudget campaign create small --study micro --grid grid.json\n"
                                  "bitbudget campaign watch small --study micro");
  campaign->require_subcommand(1);
  AddCreate(*campaign, session);

  CLI::App* show = AddCommand(
      *campaign, "show", "Shows a campaign", "bitbudget campaign show small --study micro");
  OnCommand(show, session, AddName(show), &RunShow);

  CLI::App* list = AddCommand(
      *campaign, "list", "Lists the campaigns of a study", "bitbudget campaign list --study micro");
  auto listed = std::make_shared<v1::ListCampaignsRequest>();
  AddStudy(list, listed->mutable_parent())->required();
  OnCommand(list, session, listed, &RunList);

  CLI::App* watch = AddCommand(*campaign,
                               "watch",
                               "Follows a campaign until all of its jobs have ended; exit code 1 "
                               "if one of them failed or was cancelled",
                               "bitbudget campaign watch small --study micro");
  OnCommand(watch, session, AddName(watch), &RunWatch);

  CLI::App* retry = AddCommand(*campaign,
                               "retry",
                               "Queues the failed jobs of a campaign again, and those that were "
                               "cancelled because of them",
                               "bitbudget campaign retry small --study micro");
  OnCommand(retry, session, AddName(retry), &RunRetry);

  CLI::App* cancel =
      AddCommand(*campaign,
                 "cancel",
                 "Cancels the jobs of a campaign that have not ended",
                 "bitbudget campaign cancel small --study micro --reason 'too dear'");
  auto cancelled = AddName(cancel);
  cancel->add_option("--reason", cancelled->reason, "Kept with the jobs");
  OnCommand(cancel, session, cancelled, &RunCancel);
}

}  // namespace bitbudget::cli
