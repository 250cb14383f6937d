#pragma once

#include <vector>

#include "detect/postprocess.h"
#include "train/json.h"

// Detections on their way between the members of a team.

namespace scatlight::detect {

inline train::Json to_rows(const std::vector<Detection>& found) {
  auto rows = train::Json::array();
  for (const auto& [box, label, score] : found)
    rows.push_back({box.left, box.top, box.right, box.bottom, label, score});
  return rows;
}

inline std::vector<Detection> from_rows(const train::Json& rows) {
  std::vector<Detection> found;
  for (const auto& row : rows) {
    found.push_back({.box = {.left = row[0], .top = row[1], .right = row[2], .bottom = row[3]},
                     .label = row[4],
                     .score = row[5]});
  }
  return found;
}

}  // namespace scatlight::detect
