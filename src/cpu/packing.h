#pragma once

namespace scatlight::cpu {

/// What the lanes of a vector hold: a block of neighbouring columns (or rows) of one plane; or the same
/// sample of a pack of as many planes, which needs neither transposition nor whole vectors of columns, but
/// memory for all these planes.
struct Packing {
  int lanes;       ///< values in a vector
  int block_size;  ///< columns, or rows, of a block: `lanes`, or 1 where lanes are planes

  int planes() const { return lanes / block_size; }  ///< of a pack; else 1
};

/// Whether kernels for blocks of this size have planes in lanes. (With vectors of one value, it is all the
/// same.)
template <int BlockSize>
inline constexpr bool lanes_are_planes = BlockSize == 1;

inline int round_up(int value, int step) { return (value + step - 1) / step * step; }

}  // namespace scatlight::cpu
