#include "train/run_folder.h"

#include <fmt/format.h>

#include <array>
#include <system_error>

#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::train {
namespace {

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

}  // namespace

void check_run_folder(const RunFolder& folder, RunMode mode) {
  const auto name = io::display_path(folder.root);
  if (is_there(folder.root) && !std::filesystem::is_directory(folder.root))
    throw Error(fmt::format("the run folder {} is a file: name a folder, which may be new", name));
  const bool has_checkpoint = is_there(folder.checkpoint());
  if (mode == RunMode::Resume && !has_checkpoint)
    throw Error(fmt::format("{} has no checkpoint.safetensors to resume from: leave out --resume", name));
  // A training that failed before its first checkpoint left nothing that is worth keeping.
  if (mode == RunMode::New && (has_checkpoint || is_there(folder.model())))
    throw Error(
        fmt::format("{} has a run already: give --resume to continue it, --overwrite to replace it, "
                    "or another folder",
                    name));
}

void open_run_folder(const RunFolder& folder, RunMode mode) {
  std::error_code error;
  std::filesystem::create_directories(folder.root, error);
  if (error) throw Error(fmt::format("cannot make {}: {}", io::display_path(folder.root), error.message()));
  if (mode == RunMode::Resume) return;
  const std::array earlier = {folder.checkpoint(), folder.model(), folder.evaluation(), folder.predictions()};
  for (const auto& file : earlier) {
    std::filesystem::remove(file, error);
    if (error) throw Error(fmt::format("cannot remove {}: {}", io::display_path(file), error.message()));
  }
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
