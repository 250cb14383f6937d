#include "cli/team_call.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/loader_options.h"
#include "io/display.h"
#include "io/file.h"
#include "io/hash.h"
#include "io/interrupt.h"
#include "io/machine.h"
#include "scatlight/version.h"

namespace scatlight::cli {
namespace {

constexpr std::uint64_t largest_weights = std::uint64_t{1} << 36;

}  // namespace

train::Team join_team(const TeamPlace& place) {
  if (place.group.empty()) return {};
  train::Team team(place.group);
  check_same(team, "the programs", "scatlight " SCATLIGHT_VERSION " with torch " SCATLIGHT_TORCH_VERSION);
  return team;
}

io::ProgressOutput progress_of(const train::Team& team) { return {.descriptor = team.leads() ? 2 : -1}; }

std::string title_of(const std::string& work, const train::Team& team) {
  return team.size() == 1 ? work : fmt::format("{}, process {} of {}", work, team.rank(), team.size());
}

void check_stop(const train::Team& team) {
  if (team.any(io::StopOnSignal::requested())) throw io::Stopped("stopped by a signal: nothing was written");
}

void check_weights(const train::Team& team, const std::filesystem::path& model) {
  if (team.size() == 1) return;
  io::Hash hash;
  hash.add(io::read_text(model, largest_weights));
  check_same(team, io::display_path(model), fmt::format("weights ({})", hash.text()));
}

void check_images(const train::Team& team, const std::filesystem::path& data,
                  const std::function<std::string()>& fingerprint) {
  if (team.size() > 1) check_same(team, io::display_path(data), fmt::format("images ({})", fingerprint()));
}

std::vector<std::filesystem::path> own_files(const std::vector<std::filesystem::path>& files,
                                             const train::Team& team) {
  io::Hash names;
  for (const auto& file : files) names.add(file.native() + '\0');
  check_same(team, "the images", fmt::format("{} files ({})", files.size(), names.text()));
  const auto part = data::own_part(std::ssize(files), {.part = team.rank(), .parts = team.size()});
  return {files.begin() + part.first, files.begin() + part.first + part.count};
}

TransformShare share_files(const train::Team& team) {
  if (team.size() == 1) return {};
  const auto own = [team](const std::vector<std::filesystem::path>& files) {
    if (std::ssize(files) >= team.size()) return own_files(files, team);
    throw Error(fmt::format("{} images are too few for {} processes", files.size(), team.size()));
  };
  const auto agree = [team](const std::string& contents) {
    team.wait();
    check_same(team, "the output", contents);
  };
  return {.part = team.rank(), .parts = team.size(), .own_files = own, .agree = agree};
}

int threads_of(int threads, const TeamPlace& place) {
  if (threads > 0 || place.local_size == 1) return threads;
  return std::max(io::processor_threads() / place.local_size, 1);
}

}  // namespace scatlight::cli
