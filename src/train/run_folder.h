#pragma once

#include <filesystem>

#include "io/file_lock.h"

namespace scatlight::train {

/// The names of the files in a run folder.
struct RunFolder {
  std::filesystem::path root;

  std::filesystem::path facts() const { return root / "run.json"; }           ///< Options, network, machine.
  std::filesystem::path log() const { return root / "log.jsonl"; }            ///< Curves, see RunLog.
  std::filesystem::path model() const { return root / "model.safetensors"; }  ///< The weights alone.
  std::filesystem::path best() const { return root / "best.safetensors"; }  ///< Those of the best evaluation.
  std::filesystem::path checkpoint() const { return root / "checkpoint.safetensors"; }
  std::filesystem::path evaluation() const { return root / "eval.json"; }
  std::filesystem::path predictions() const { return root / "predict.json"; }
};

/// How a training treats what a run folder holds already.
enum class RunMode { New, Overwrite, Resume };

/// Throws Error when the folder does not suit the mode: New on a folder with a run, Resume on one without a
/// checkpoint, a path that is no folder. Changes nothing.
void check_run_folder(const RunFolder& folder, RunMode mode);

/// A run folder that one training holds; another process that wants it gets an Error. With Overwrite the
/// earlier run stays whole until publish(): the files of the new one gather in the folder .next inside.
class HeldRunFolder {
 public:
  /// Checks the folder, and holds it if it exists already. Finishes a replacement that a kill interrupted.
  HeldRunFolder(const RunFolder& folder, RunMode mode);

  /// Makes the folders that files() needs. Throws Error.
  void open();

  /// Where the training's files are now.
  const RunFolder& files() const { return files_; }

  /// Where they will be in the end.
  const RunFolder& folder() const { return folder_; }

  /// Puts the new run in the place of the earlier one and removes all files of the latter; nothing to do if
  /// it is there already. The new run has a checkpoint and a model by now.
  void publish();

 private:
  void hold();

  RunFolder folder_;
  RunFolder files_;
  RunMode mode_;
  io::FileLock lock_;
};

/// The weights file that a command line names: the file itself, or the model of a run folder. Throws Error
/// when it is not there.
std::filesystem::path find_model(const std::filesystem::path& model_or_run);

}  // namespace scatlight::train
