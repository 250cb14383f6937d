#include "cli/team_call.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/image_flags.h"
#include "cli/run_flags.h"
#include "data/loader_options.h"
#include "io/display.h"
#include "io/file.h"
#include "io/hash.h"
#include "io/interrupt.h"
#include "io/machine.h"
#include "scatlight/version.h"
#include "train/json.h"
#include "train/run_folder.h"

namespace scatlight::cli {
namespace {

constexpr std::uint64_t largest_weights = std::uint64_t{1} << 36;

/// Where files are, which may differ between the machines of a team.
const std::vector<std::string> paths = {"data", "images",  "val",    "model", "weights",   "run",
                                        "out",  "results", "marked", "csv",   "val-images"};

/// What has no two dashes.
const std::map<std::string, std::string> arguments = {
    {"data", "DATA"}, {"model", "MODEL"}, {"image", "IMAGE"}, {"input", "INPUT"}};

/// "--lr 0.1", "--val" for a path, "no --resume"
std::string shown(const std::string& name, const nlohmann::json& flags) {
  const auto argument = arguments.find(name);
  const auto flag = argument == arguments.end() ? "--" + name : argument->second;
  const auto value = flags.value(name, nlohmann::json(false));
  if (value.is_boolean()) return value.get<bool>() ? flag : "no " + flag;
  return fmt::format("{} {}", flag, io::display(value.dump()));
}

/// Throws Error where members were given other flags, which are as flags_to_json() has them. Collective.
void check_flags(train::Json own, const train::Team& team) {
  own.erase("threads");
  for (const auto& path : paths) {
    if (own.contains(path)) own[path] = true;
  }
  const auto all = team.gather(train::to_line(own));
  const auto first = nlohmann::json::parse(all.front());
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    const auto other = nlohmann::json::parse(all[rank]);
    const auto changes = nlohmann::json::diff(first, other);
    if (changes.empty()) continue;
    auto name = changes.front()["path"].get<std::string>().substr(1);
    name = name.substr(0, name.find('/'));  // without the place in a list
    team.lead([&] {
      throw Error(fmt::format("process 0 of the team has {}, process {} {}: all need the same",
                              shown(name, first), rank, shown(name, other)));
    });
  }
}

/// A member's part of files that all have. Throws Error where they have other ones. Collective.
std::vector<std::filesystem::path> own_files(const std::vector<std::filesystem::path>& files,
                                             const train::Team& team) {
  io::Hash names;
  for (const auto& file : files) names.add(file.native() + '\0');
  check_same(team, "the images", fmt::format("{} files ({})", files.size(), names.text()));
  const auto part = data::own_part(std::ssize(files), {.part = team.rank(), .parts = team.size()});
  return {files.begin() + part.first, files.begin() + part.first + part.count};
}

}  // namespace

train::Team join_team(const TeamPlace& place) {
  if (place.group.empty()) return {};
  train::Team team(place.group);
  check_same(team, "the programs", "scatlight " SCATLIGHT_VERSION " with torch " SCATLIGHT_TORCH_VERSION);
  return team;
}

void check_call(const train::Team& team, const CLI::App& command) {
  if (team.size() == 1) return;
  check_same(team, "the command", command.get_name());
  check_flags(flags_to_json(command, {}), team);
}

io::ProgressOutput progress_of(const train::Team& team) { return {.descriptor = team.leads() ? 2 : -1}; }

std::string title_of(const std::string& work, const train::Team& team) {
  return team.size() == 1 ? work : fmt::format("{}, process {} of {}", work, team.rank(), team.size());
}

void check_stop(const train::Team& team) {
  if (team.any(io::StopOnSignal::requested())) throw io::Stopped("stopped by a signal: nothing was written");
}

std::filesystem::path find_model(const std::filesystem::path& model, const train::Team& team) {
  auto file = make_alike(team, [&] { return train::find_model(model); });
  if (team.size() == 1) return file;
  io::Hash hash;
  hash.add(make_alike(team, [&] { return io::read_text(file, largest_weights); }));
  check_same(team, io::display_path(file), fmt::format("weights ({})", hash.text()));
  return file;
}

std::vector<std::filesystem::path> own_inputs(const std::vector<std::string>& inputs,
                                              const train::Team& team) {
  return own_files(make_alike(team, [&] { return list_inputs(inputs, team.leads()); }), team);
}

TransformShare share_files(const train::Team& team) {
  using Files = TransformShare::Files;
  if (team.size() == 1) return {};
  const auto own = [team](const Files& files) {
    team.do_alike([&] {
      if (std::ssize(files) >= team.size()) return;
      throw Error(fmt::format("{} images are too few for {} processes", files.size(), team.size()));
    });
    return own_files(files, team);
  };
  const auto agree = [team](const std::string& contents) {
    team.wait();
    check_same(team, "the output", contents);
  };
  const auto list = [team](const std::function<Files()>& list_all) { return make_alike(team, list_all); };
  return {.part = team.rank(), .parts = team.size(), .list_alike = list, .own_files = own, .agree = agree};
}

int threads_of(int threads, const TeamPlace& place) {
  if (threads > 0 || place.local_size == 1) return threads;
  return std::max(io::processor_threads() / place.local_size, 1);
}

}  // namespace scatlight::cli
