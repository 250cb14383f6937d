#pragma once

#include <cstdint>
#include <functional>

namespace scatlight::train {

/// Called with the number of images that are done since the last call, those of the team's other members
/// included. All members call it equally often, so that it may be collective. To end the work early it
/// throws.
using OnImages = std::function<void(std::int64_t images)>;

}  // namespace scatlight::train
