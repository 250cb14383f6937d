#pragma once

#include <string_view>
#include <vector>

#include "cpu/tables.h"

namespace scatlight::cpu {

/// The code of one instruction set. Features are those of one plane, (K, h, w); spectra, and gradients of
/// them, have tables.spectra_size values. room has tables.room.size values, of which the two functions
/// of the forward transform use tables.room.forward_size.
template <class T>
struct Kernels {
  std::string_view name;
  int lanes;  ///< values of T in a vector

  /// Map 0 of an image plane (H, W), unless features is null, and the folded spectra of its tiles among those
  /// of the plane.
  void (*analyse_plane)(const Tables<T>& tables, const Tiling<T>& tiling, const T* image, T* spectra,
                        T* features, T* room);

  /// All maps whose paths begin with one of tables.groups: those of order 1 and, where asked for, order 2.
  void (*transform_paths)(const Tables<T>& tables, const PathGroup& group, const T* spectra, T* features,
                          T* room);

  /// Adds what these maps' gradients give to the gradient of the folded spectra.
  void (*differentiate_paths)(const Tables<T>& tables, const PathGroup& group, const T* spectra,
                              const T* feature_gradients, T* spectra_gradient, T* room);

  /// The gradient of the image plane, from that of map 0 and those of its folded spectra, of which there are
  /// `count` to be added up (none without order 1).
  void (*differentiate_plane)(const Tables<T>& tables, const T* feature_gradients,
                              const T* const* spectra_gradients, int count, T* image_gradient, T* room);
};

/// Those that this build carries and this processor runs, slowest first.
template <class T>
std::vector<Kernels<T>> available_kernels();

}  // namespace scatlight::cpu
