#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "cpu/prefetch.h"
#include "cpu/tables.h"

namespace scatlight::cpu {

/// What a transform makes of the rows that phi_J has averaged along.
enum class MapKind {
  None,
  Whole,   ///< maps, (planes, K, h, w); where the plane is not on tiles
  Partial  ///< the partial maps of each strip, as Tables::partials_begin has them
};
template <class T>
struct Maps {
  MapKind kind;
  T* data;  ///< of all maps
};

/// What a backward pass adds to the sums for the gradient of wavelets, as Band::sums_begin has them: of the
/// image's band, and of the modulus band of the group's scale. Empty where no such gradient is wanted.
template <class T>
struct WaveletSums {
  std::span<T> of_image = {};
  std::span<T> of_modulus = {};
};

/// The code of one target for one packing.
///
/// Images and features are those of `planes` planes, (planes, H, W) and (planes, K, h, w): one, or a pack of
/// up to packing.planes() that share vectors. Spectra, and gradients of them, have tables.spectra_size values
/// for all of them, those of a strip alone tables.strip_spectra_size. `scratch` is memory for a Scratch.
/// `next` is prefetched during the call.
template <class T>
struct Functions {
  /// NaN if one of the values is.
  T (*largest_magnitude)(const T* values, std::size_t count);

  /// Writes the folded spectra of one strip's tiles one after the other, and map 0.
  void (*analyse_strip)(const Tables<T>& tables, const Tiling<T>& tiling, int strip, int planes,
                        const T* images, T* spectra, Maps<T> maps, T* scratch);

  /// Goes on from the spectra of a strip along the paths of one of tables.groups: writes all maps whose paths
  /// begin with one of these, of order 1 and, where asked for, order 2.
  void (*transform_paths)(const Tables<T>& tables, const PathGroup& group, int strip, int planes,
                          const T* spectra, Maps<T> maps, T* scratch, NextReads next);

  /// A map from the partial maps of all strips.
  void (*write_map)(const Tables<T>& tables, int map, int planes, const T* partials, T* features, T* scratch);

  /// Adds what the gradients of a group's maps give to the gradient of the folded spectra, and to the sums
  /// for that of the wavelets.
  void (*differentiate_paths)(const Tables<T>& tables, const PathGroup& group, int planes, const T* spectra,
                              const T* feature_gradients, T* spectra_gradient, WaveletSums<T> sums,
                              T* scratch, NextReads next);

  /// The gradient of the images, from that of map 0 and those of their folded spectra, of which there are
  /// PathGroups::sums (without order 1, none are read).
  void (*differentiate_planes)(const Tables<T>& tables, int planes, const T* feature_gradients,
                               const T* const* spectra_gradients, T* image_gradients, T* scratch);
};

template <class T>
struct Kernels {
  std::string_view name;    ///< of the target
  int lanes;                ///< values of T in a vector
  Functions<T> of_columns;  ///< lanes are neighbouring columns or rows
  Functions<T> of_planes;   ///< lanes are planes
};

/// Those that this build carries and this processor runs, slowest first.
template <class T>
std::vector<Kernels<T>> available_kernels();

}  // namespace scatlight::cpu
