#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "train/map_stream.h"
#include "train/stopwatch.h"
#include "train/team.h"

namespace scatlight::train {

/// A member's part of the batch of a step. It may have no image.
template <class Batch>
struct TeamBatch {
  typename MapStream<Batch>::Mapped own;
  std::int64_t images = 0;  ///< Of all members, at least 1.
  double waited = 0;        ///< Seconds for which the member waited for its part.
};

/// The next batch in which any member has an image, or nothing after the last. `skip_bad` says that files may
/// be left out. Collective.
template <class Batch>
std::optional<TeamBatch<Batch>> next_batch(MapStream<Batch>& stream, const Team& team, bool skip_bad) {
  Stopwatch waiting;
  while (true) {
    waiting.start();
    auto mapped = stream.next();
    waiting.stop();
    if (!mapped) return std::nullopt;
    auto images = mapped->batch.planned;
    if (skip_bad) {
      images = mapped->batch.count;
      team.sum(std::span(&images, 1));
    }
    if (images > 0)
      return TeamBatch<Batch>{.own = std::move(*mapped), .images = images, .waited = waiting.seconds()};
  }
}

}  // namespace scatlight::train
