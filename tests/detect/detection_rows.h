#pragma once

#include <ATen/ops/empty.h>

#include <vector>

#include "detect/postprocess.h"

namespace scatlight::test {

/// (found, 6): class, score, left, top, right, bottom.
inline at::Tensor to_rows(const std::vector<detect::Detection>& found) {
  const auto rows = at::empty({std::ssize(found), 6});
  auto* to = rows.mutable_data_ptr<float>();
  for (const auto& [box, label, score] : found) {
    for (const float number : {static_cast<float>(label), score, box.left, box.top, box.right, box.bottom})
      *to++ = number;
  }
  return rows;
}

}  // namespace scatlight::test
