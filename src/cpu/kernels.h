#pragma once

#include <string_view>
#include <vector>

#include "cpu/tables.h"

namespace scatlight::cpu {

/// The planes and angles that the lanes of a vector hold while one scale is transformed.
struct LaneGroup {
  int scale;
  int pack;    ///< of the tables' packs of angles
  int first;   ///< index of lane 0 in the (plane, angle) pairs of its kind
  int angles;  ///< of a plane in this kind of group: `lanes` (one plane fills the vector) or fewer (planes
               ///< share it)
  int first_angle;
  int lanes;  ///< lanes in use

  int plane(int lane) const { return (first + lane) / angles; }
  int angle(int lane) const { return first_angle + (first + lane) % angles; }
};

/// The code of one instruction set.
template <class T>
struct Kernels {
  std::string_view name;
  int lanes;  ///< values of T in a vector

  /// The spectrum of a padded image plane, and its order 0.
  ///   image (H, W); spectrum: tables.spectrum_size(); features (K, h, w): map 0 is written; room:
  ///   tables.room.plane_size
  void (*analyse_plane)(const Tables<T>& tables, const T* image, T* spectrum, T* features, T* room);

  /// All maps that begin with the group's wavelets: order 1 and, where asked for, order 2.
  ///   spectra: those of consecutive planes; features (planes, K, h, w); room: tables.room.group_size
  void (*transform_group)(const Tables<T>& tables, const LaneGroup& group, const T* spectra, T* features,
                          T* room);
};

/// Those that this build carries and this processor runs, slowest first.
template <class T>
std::vector<Kernels<T>> available_kernels();

}  // namespace scatlight::cpu
