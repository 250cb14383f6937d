#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "train/checkpoint.h"
#include "train/json.h"
#include "train/log.h"
#include "train/run_folder.h"
#include "train/team.h"

namespace scatlight::train {

/// What run.json of a run says; an empty object where it is damaged or gone.
Json read_facts(const RunFolder& folder);

/// The files of a training. The member that leads its team reads and writes them; the others need not see the
/// folder, and for them all calls but the collective ones do nothing.
class RunRecord {
 public:
  /// Checks the folder and holds it: see HeldRunFolder. Collective.
  RunRecord(const RunFolder& folder, RunMode mode, const Team& team);

  /// What the checkpoint says, on every member. Collective.
  CheckpointHeader read_header() const;

  /// Fills the tensors from the checkpoint, on every member that has them under the same names, shapes and
  /// types. Collective.
  void read_tensors(const NamedTensors& tensors) const;

  /// Makes the folder and begins the log behind its first `log_bytes`. Collective.
  void open(std::uint64_t log_bytes);

  void write_facts(const Json& facts) const;

  /// Puts other flags of the run, a JSON object, into what write_facts() wrote.
  void change_flags(const std::string& flags) const;

  void write_line(const Json& line);
  void write_evaluation(const std::function<std::string(const RunFolder&)>& content) const;

  /// Writes the checkpoint and, by `save_model`, the weights; then the run takes its place in the folder. The
  /// header gets the length of the log.
  void save(CheckpointHeader header, const NamedTensors& tensors,
            const std::function<void(const std::filesystem::path&)>& save_model);

  /// Writes the model of the best evaluation so far by `save_model`. The run has been saved before.
  void save_best(const std::function<void(const std::filesystem::path&)>& save_model) const;

  /// Tells in words where the last checkpoint is.
  std::string describe_checkpoint() const;

 private:
  const Team team_;
  std::optional<HeldRunFolder> folder_;  ///< Of the member that leads.
  std::optional<RunLog> log_;            ///< The same, once it is open.
};

}  // namespace scatlight::train
