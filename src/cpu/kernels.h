#pragma once

#include <string_view>
#include <vector>

#include "cpu/tables.h"

namespace scatlight::cpu {

/// The code of one instruction set for one packing. Images and features are those of `planes` planes,
/// (planes, H, W) and (planes, K, h, w), no more than the packing's planes(), which share vectors; spectra,
/// and gradients of them, have tables.spectra_size values for all of them; those of a strip alone have
/// tables.strip_spectra_size. The shares of a map are (strips, Level::share_rows, room.output_stride), those
/// of a group's maps stand one after the other; each strip writes its own. room has tables.room.size values,
/// of which the functions of the forward transform use tables.room.forward_size. What is said to be read next
/// is fetched meanwhile.
template <class T>
struct Functions {
  /// NaN if one of the values is.
  T (*largest_magnitude)(const T* values, std::size_t count);

  /// The folded spectra of the tiles of one strip of the images, which stand one after the other in
  /// `spectra`; with the shares of map 0, also what the strip gives to it; with features, map 0, from the
  /// only strip.
  void (*analyse_strip)(const Tables<T>& tables, const Tiling<T>& tiling, int strip, int planes,
                        const T* images, T* spectra, T* features, T* shares, T* room);

  /// What a strip gives to the maps of the paths of one of tables.groups, from the spectra of the strip, into
  /// their shares. With features, all maps whose paths begin with one of them, from the only strip: those of
  /// order 1 and, where asked for, order 2.
  void (*transform_paths)(const Tables<T>& tables, const PathGroup& group, int strip, int planes,
                          const T* spectra, T* features, T* shares, T* room, Upcoming next);

  /// The maps of a group, or map 0 if it is null, from what all strips give to them.
  void (*write_maps)(const Tables<T>& tables, const PathGroup* group, int planes, const T* shares,
                     T* features, T* room);

  /// Adds what these maps' gradients give to the gradient of the folded spectra.
  void (*differentiate_paths)(const Tables<T>& tables, const PathGroup& group, int planes, const T* spectra,
                              const T* feature_gradients, T* spectra_gradient, T* room, Upcoming next);

  /// The gradient of the images, from that of map 0 and those of their folded spectra, of which there are
  /// Tables::gradient_sums (without order 1, none are read).
  void (*differentiate_planes)(const Tables<T>& tables, int planes, const T* feature_gradients,
                               const T* const* spectra_gradients, T* image_gradients, T* room);
};

template <class T>
struct Kernels {
  std::string_view name;    ///< of the instruction set
  int lanes;                ///< values of T in a vector
  Functions<T> of_columns;  ///< lanes are neighbouring columns or rows
  Functions<T> of_planes;
};

/// Those that this build carries and this processor runs, slowest first.
template <class T>
std::vector<Kernels<T>> available_kernels();

}  // namespace scatlight::cpu
