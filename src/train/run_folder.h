#pragma once

#include <filesystem>

namespace scatlight::train {

/// The names of the files in a run folder.
struct RunFolder {
  std::filesystem::path root;

  std::filesystem::path facts() const { return root / "run.json"; }           ///< Options, network, machine.
  std::filesystem::path log() const { return root / "log.jsonl"; }            ///< Curves, see RunLog.
  std::filesystem::path model() const { return root / "model.safetensors"; }  ///< The weights alone.
  std::filesystem::path checkpoint() const { return root / "checkpoint.safetensors"; }
  std::filesystem::path evaluation() const { return root / "eval.json"; }
  std::filesystem::path predictions() const { return root / "predict.json"; }
};

/// How a training treats what a run folder holds already.
enum class RunMode { New, Overwrite, Resume };

/// Throws Error when the folder does not suit the mode: New on a folder with a run, Resume on one without a
/// checkpoint, a path that is no folder. Changes nothing.
void check_run_folder(const RunFolder& folder, RunMode mode);

/// Makes the folder; with Overwrite, removes the files of the earlier run and nothing else. Throws Error.
void open_run_folder(const RunFolder& folder, RunMode mode);

/// The weights file that a command line names: the file itself, or the model of a run folder. Throws Error
/// when it is not there.
std::filesystem::path find_model(const std::filesystem::path& model_or_run);

}  // namespace scatlight::train
