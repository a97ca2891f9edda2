// The commands of the program, one function a group. Each adds its commands to
// `app`; a command that is given becomes the session's action. `session` must
// outlive `app`.

#ifndef BITBUDGET_CLIENT_CLI_COMMANDS_H_
#define BITBUDGET_CLIENT_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/cli/session.h"

namespace bitbudget::cli {

void AddStudyCommands(CLI::App& app, Session& session);

// Adds the group `experiments`; the two below belong to it.
void AddExperimentCommands(CLI::App& app, Session& session);
void AddImportCommand(CLI::App& experiments, Session& session);
void AddExportCommand(CLI::App& experiments, Session& session);

// Adds the group `fit`; the two below belong to it.
void AddFitCommands(CLI::App& app, Session& session);
void AddCompareLawsCommand(CLI::App& fit, Session& session);
void AddExplainCommand(CLI::App& fit, Session& session);

void AddLawCommands(CLI::App& app, Session& session);
void AddPredictCommand(CLI::App& app, Session& session);
void AddFractionCommand(CLI::App& app, Session& session);
void AddGridCommand(CLI::App& app, Session& session);
void AddBitsCommand(CLI::App& app, Session& session);
void AddCompareCommand(CLI::App& app, Session& session);
void AddWasteCommand(CLI::App& app, Session& session);
void AddPlanCommand(CLI::App& app, Session& session);
void AddDevicesCommand(CLI::App& app, Session& session);
void AddJobCommands(CLI::App& app, Session& session);
void AddCampaignCommands(CLI::App& app, Session& session);
void AddBackupCommand(CLI::App& app, Session& session);
void AddCompletionCommand(CLI::App& app, Session& session);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_COMMANDS_H_
