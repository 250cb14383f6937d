#include "cli/team_call.h"

#include <fmt/format.h>

#include <algorithm>

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

void check_stop(const train::Team& team) {
  if (team.any(io::StopOnSignal::requested())) throw io::Stopped("stopped by a signal: nothing was written");
}

void check_evaluated(const train::Team& team, const std::filesystem::path& model,
                     const std::filesystem::path& data, const std::function<std::string()>& fingerprint) {
  if (team.size() == 1) return;
  io::Hash weights;
  weights.add(io::read_text(model, largest_weights));
  check_same(team, io::display_path(model), fmt::format("weights {}", weights.text()));
  check_same(team, io::display_path(data), fmt::format("images {}", fingerprint()));
}

int threads_of(int threads, const TeamPlace& place) {
  if (threads > 0 || place.local_size == 1) return threads;
  return std::max(io::processor_threads() / place.local_size, 1);
}

}  // namespace scatlight::cli
