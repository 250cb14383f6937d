#include "train/run_record.h"

#include <fmt/format.h>

#include <utility>

#include "io/atomic_file.h"
#include "io/display.h"
#include "io/file.h"
#include "scatlight/error.h"

namespace scatlight::train {

Json read_facts(const RunFolder& folder) {
  constexpr std::uint64_t largest_file = 64 << 20;
  if (!std::filesystem::exists(folder.facts())) return Json::object();
  auto facts = Json::parse(io::read_text(folder.facts(), largest_file), nullptr, /*allow_exceptions=*/false);
  return facts.is_object() ? facts : Json::object();
}

RunRecord::RunRecord(const RunFolder& folder, RunMode mode, const Team& team) : team_(team) {
  team_.lead([&] { folder_.emplace(folder, mode); });
}

CheckpointHeader RunRecord::read_header() const {
  CheckpointHeader header;
  team_.lead([&] { header = read_checkpoint_header(folder_->files().checkpoint()); });
  return header_of(team_.share(to_text(header)));
}

void RunRecord::read_tensors(const NamedTensors& tensors) const {
  team_.lead([&] { read_checkpoint_tensors(folder_->files().checkpoint(), tensors); });
  team_.share(tensors);
}

void RunRecord::open(std::uint64_t log_bytes) {
  team_.lead([&] {
    folder_->open();
    log_.emplace(folder_->files().log(), log_bytes);
  });
}

void RunRecord::write_facts(const Json& facts) const {
  if (folder_) io::write_file(folder_->files().facts(), to_text(facts));
}

void RunRecord::change_flags(const std::string& flags) const {
  if (!folder_) return;
  auto facts = read_facts(folder_->files());
  if (facts.empty()) return;
  facts["options"] = Json::parse(flags);
  write_facts(facts);
}

void RunRecord::write_line(const Json& line) {
  if (log_) log_->write(to_line(line));
}

void RunRecord::write_evaluation(const std::function<std::string(const RunFolder&)>& content) const {
  if (folder_) io::write_file(folder_->files().evaluation(), content(folder_->files()));
}

void RunRecord::save(CheckpointHeader header, const NamedTensors& tensors,
                     const std::function<void(const std::filesystem::path&)>& save_model) {
  if (!folder_) return;
  log_->sync();
  header.position.log_bytes = log_->bytes();
  write_checkpoint(folder_->files().checkpoint(), header, tensors);
  save_model(folder_->files().model());
  folder_->publish();
}

void RunRecord::save_best(const std::function<void(const std::filesystem::path&)>& save_model) const {
  if (folder_) save_model(folder_->files().best());
}

std::string RunRecord::describe_checkpoint() const {
  if (!folder_ || !std::filesystem::exists(folder_->files().checkpoint()))
    return "no checkpoint was written yet";
  return fmt::format("{} keeps the last good state", io::display_path(folder_->files().checkpoint()));
}

}  // namespace scatlight::train
