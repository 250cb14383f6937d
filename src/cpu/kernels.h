#pragma once

#include <string_view>
#include <vector>

#include "cpu/tables.h"

namespace scatlight::cpu {

/// The code of one instruction set. Features are those of one plane, (K, h, w); room has tables.room.size
/// values.
template <class T>
struct Kernels {
  std::string_view name;
  int lanes;  ///< values of T in a vector

  /// Map 0 of an image plane (H, W), and its folded spectra: tables.image_band[0].size values.
  void (*analyse_plane)(const Tables<T>& tables, const T* image, T* spectra, T* features, T* room);

  /// All maps that begin with psi_{scale,angle}: one of order 1 and, where asked for, those of order 2.
  void (*transform_path)(const Tables<T>& tables, int scale, int angle, const T* spectra, T* features,
                         T* room);
};

/// Those that this build carries and this processor runs, slowest first.
template <class T>
std::vector<Kernels<T>> available_kernels();

}  // namespace scatlight::cpu
