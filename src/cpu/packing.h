#pragma once

namespace scatlight::cpu {

/// What the lanes of a vector hold: neighbouring columns (or rows) of one plane; or the same sample of as
/// many planes, which needs neither transposition nor whole vectors of columns, but room for all these
/// planes.
struct Packing {
  int lanes;  ///< values in a vector
  int side;   ///< neighbouring columns, or rows, that share one: `lanes`, or 1

  int planes() const { return lanes / side; }  ///< that share one
};

inline int round_up(int value, int step) { return (value + step - 1) / step * step; }

}  // namespace scatlight::cpu
