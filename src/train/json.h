#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/loader.h"

// What the JSON files of a run folder have in common.

namespace scatlight::train {

using Json = nlohmann::ordered_json;

/// A file's content. File names need not be UTF-8; what is not is replaced.
inline std::string to_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Rounds to the nearest of this many steps per unit: 100 keeps two digits.
inline double rounded(double value, double steps) { return std::round(value * steps) / steps; }

/// One line of a log.
inline std::string to_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// For the members of a team: exact, and names of files need not be UTF-8.
inline std::string to_bytes(const Json& json) {
  const auto bytes = Json::to_cbor(json);
  return {bytes.begin(), bytes.end()};
}
inline Json from_bytes(const std::string& bytes) { return Json::from_cbor(bytes); }

inline Json skipped_json(const std::vector<data::SkippedFile>& skipped) {
  Json list = Json::array();
  for (const auto& [file, reason] : skipped) list.push_back({{"file", file}, {"reason", reason}});
  return list;
}

}  // namespace scatlight::train
