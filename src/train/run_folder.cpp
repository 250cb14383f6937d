#include "train/run_folder.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::train {
namespace {

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// A training that failed before its first checkpoint left nothing that is worth keeping.
bool has_run(const RunFolder& folder) { return is_there(folder.checkpoint()) || is_there(folder.model()); }

/// Turns the standard library's errors into ours.
template <class Step>
void in_folder(const std::filesystem::path& folder, Step&& step) {
  try {
    step();
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(fmt::format("cannot change {}: {}", io::display_path(folder), error.code().message()));
  }
}

std::filesystem::path gathering(const RunFolder& folder) { return folder.root / ".next"; }

/// A gathered run whose turn has come: what a kill left of it is moved by the next training in the folder.
std::filesystem::path complete(const RunFolder& folder) { return folder.root / ".next-complete"; }

/// What was measured and predicted with an earlier run.
void remove_results(const RunFolder& folder) {
  for (const auto file : {&RunFolder::evaluation, &RunFolder::predictions, &RunFolder::best})
    std::filesystem::remove((folder.*file)());
}

/// A run has a checkpoint, so takes its place here, before its first evaluation.
void move_complete(const RunFolder& folder) {
  const RunFolder next{complete(folder)};
  in_folder(folder.root, [&] {
    remove_results(folder);
    for (const auto file : {&RunFolder::log, &RunFolder::facts, &RunFolder::model, &RunFolder::checkpoint}) {
      if (is_there((next.*file)())) std::filesystem::rename((next.*file)(), (folder.*file)());
    }
    std::filesystem::remove_all(next.root);
  });
}

}  // namespace

void check_run_folder(const RunFolder& folder, RunMode mode) {
  const auto name = io::display_path(folder.root);
  if (is_there(folder.root) && !std::filesystem::is_directory(folder.root))
    throw Error(fmt::format("the run folder {} is a file: name a folder, which may be new", name));
  if (mode == RunMode::Resume && !is_there(folder.checkpoint()))
    throw Error(fmt::format("{} has no checkpoint.safetensors to resume from: leave out --resume", name));
  if (mode == RunMode::New && has_run(folder))
    throw Error(
        fmt::format("{} has a run already: give --resume to continue it, --overwrite to replace it, "
                    "or another folder",
                    name));
}

HeldRunFolder::HeldRunFolder(const RunFolder& folder, RunMode mode)
    : folder_(folder), files_(folder), mode_(mode) {
  if (std::filesystem::is_directory(folder.root)) hold();
  check_run_folder(folder, mode);
  if (mode == RunMode::Overwrite && has_run(folder)) files_.root = gathering(folder);
}

void HeldRunFolder::hold() {
  lock_ = io::FileLock::try_lock(folder_.root / ".lock");
  if (!lock_)
    throw Error(
        fmt::format("another process is training in the run folder {}", io::display_path(folder_.root)));
  if (is_there(complete(folder_))) move_complete(folder_);
}

void HeldRunFolder::open() {
  std::error_code error;
  std::filesystem::create_directories(folder_.root, error);
  if (error) throw Error(fmt::format("cannot make {}: {}", io::display_path(folder_.root), error.message()));
  if (!lock_) hold();
  if (mode_ == RunMode::Resume) return;
  in_folder(folder_.root, [&] {
    std::filesystem::remove_all(gathering(folder_));
    if (files_.root != folder_.root) {
      std::filesystem::create_directory(files_.root);
    } else {
      remove_results(folder_);
    }
  });
}

void HeldRunFolder::publish() {
  if (files_.root == folder_.root) return;
  in_folder(folder_.root, [&] { std::filesystem::rename(files_.root, complete(folder_)); });
  move_complete(folder_);
  files_.root = folder_.root;
}

std::filesystem::path find_model(const std::filesystem::path& model_or_run) {
  if (!is_there(model_or_run))
    throw Error(fmt::format("{} does not exist: give a weights file or a run folder",
                            io::display_path(model_or_run)));
  if (!std::filesystem::is_directory(model_or_run)) return model_or_run;
  auto model = RunFolder{model_or_run}.model();
  if (!is_there(model))
    throw Error(fmt::format("{} has no model.safetensors: it is not the folder of a run that has trained",
                            io::display_path(model_or_run)));
  return model;
}

}  // namespace scatlight::train
