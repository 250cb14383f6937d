#include "train/skipped_files.h"

#include "train/json.h"

namespace scatlight::train {

std::string name_from_root(const std::string& file, const std::filesystem::path& root) {
  const auto name = std::filesystem::path(file).lexically_relative(root);
  return name.empty() ? file : name.native();  // empty where one of them is absolute and the other is not
}

std::vector<data::SkippedFile> skipped_of_team(const std::vector<data::SkippedFile>& own, const Team& team) {
  if (team.size() == 1) return own;
  // Names need not be UTF-8, which JSON wants: zeros, which no name and no reason holds, end each.
  std::string text;
  for (const auto& [file, reason] : own) {
    text.append(file).push_back('\0');
    text.append(reason).push_back('\0');
  }
  std::vector<data::SkippedFile> all;
  for (const auto& part : team.gather(text)) {
    for (std::size_t begin = 0; begin < part.size();) {
      const auto middle = part.find('\0', begin);
      const auto end = part.find('\0', middle + 1);
      all.push_back(
          {.file = part.substr(begin, middle - begin), .reason = part.substr(middle + 1, end - middle - 1)});
      begin = end + 1;
    }
  }
  return all;
}

}  // namespace scatlight::train
