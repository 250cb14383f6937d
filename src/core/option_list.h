#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "scatlight/options.h"

namespace scatlight {

/// What an option is of, so that each reader of the list finds its own.
enum class OptionRole {
  Size,       ///< of the image
  Filters,    ///< of the filter bank
  Transform,  ///< of what is computed with the filters
  Execution,  ///< of how it is computed: the result is the same
};

/// A row of the list: one member of ScatteringOptions.
template <class T>
struct Option {
  std::string_view name;  ///< of the member; that of the flag has - for _
  T ScatteringOptions::* member;
  OptionRole role;
  T lowest = {};                   ///< of a number; an enum's values have names instead
  T highest = {};                  ///< of a number
  std::string_view zero = {};      ///< what 0 means, where it is not a number like the others
  std::string_view unit = {};      ///< with a space before it
  std::string_view symbol = "it";  ///< how errors refer to it
  std::string_view help = {};      ///< of the flag
};

/// All options but parallel_for. The checks of ranges, the flags and descriptions of the command line,
/// Python's options, the arguments of torch's operator and the keys of its plans are made from this list.
inline constexpr std::tuple option_list{
    // Far beyond use, and small enough that no index overflows 32 bits along an axis and 64 bits over a
    // plane.
    Option<int>{.name = "height",
                .member = &ScatteringOptions::height,
                .role = OptionRole::Size,
                .lowest = 1,
                .highest = 1 << 16},
    Option<int>{.name = "width",
                .member = &ScatteringOptions::width,
                .role = OptionRole::Size,
                .lowest = 1,
                .highest = 1 << 16},
    Option<int>{.name = "scales",
                .member = &ScatteringOptions::scales,
                .role = OptionRole::Filters,
                .lowest = 1,
                .highest = 16,
                .symbol = "J",
                .help = "J: the transform averages over 2^J pixels."},
    Option<int>{.name = "angles",
                .member = &ScatteringOptions::angles,
                .role = OptionRole::Filters,
                .lowest = 1,
                .highest = 256,
                .symbol = "L",
                .help = "L: the number of directions of the wavelets."},
    Option<int>{.name = "max_order",
                .member = &ScatteringOptions::max_order,
                .role = OptionRole::Transform,
                .lowest = 0,
                .highest = 2,
                .help = "How many wavelets follow each other at most; 0 gives the average alone."},
    // That it is a power of two up to 2^J is checked in resolve().
    Option<int>{.name = "stride",
                .member = &ScatteringOptions::stride,
                .role = OptionRole::Transform,
                .lowest = 1,
                .highest = 1 << 16,
                .zero = "2^J",
                .help = "Pixels between output samples: a power of two up to 2^J; 0 means 2^J."},
    Option<Wavelet>{.name = "wavelet",
                    .member = &ScatteringOptions::wavelet,
                    .role = OptionRole::Filters,
                    .help = "Morlet wavelets have a zero mean; Gabor's do not."},
    Option<Boundary>{.name = "boundary",
                     .member = &ScatteringOptions::boundary,
                     .role = OptionRole::Transform,
                     .help = "How an image is continued beyond its edges; padded: its outer 2^J pixels are "
                             "context already."},
    Option<Normalization>{
        .name = "normalization",
        .member = &ScatteringOptions::normalization,
        .role = OptionRole::Filters,
        .help = "How the wavelets are scaled: as in kymatio, where pi is 3.1415, or exactly."},
    Option<double>{.name = "sigma",
                   .member = &ScatteringOptions::sigma,
                   .role = OptionRole::Filters,
                   .lowest = 0.1,
                   .highest = 100,
                   .unit = " samples",
                   .help = "Width of the finest wavelet, in pixels."},
    Option<double>{.name = "center_frequency",
                   .member = &ScatteringOptions::center_frequency,
                   .role = OptionRole::Filters,
                   .lowest = 0.01,
                   .highest = 100,
                   .unit = " radians per sample",
                   .help = "Centre frequency of the finest wavelet, in radians per pixel: 3/4 pi."},
    // A wavelet much narrower than a sample would have a spectrum of millions of periods.
    Option<double>{.name = "slant",
                   .member = &ScatteringOptions::slant,
                   .role = OptionRole::Filters,
                   .lowest = 0.01,
                   .highest = 10,
                   .zero = "4 / L",
                   .help = "Ratio of a wavelet's two widths; 0 means 4 / L."},
    Option<int>{.name = "threads",
                .member = &ScatteringOptions::threads,
                .role = OptionRole::Execution,
                .lowest = 1,
                .highest = 1024,
                .zero = "one per core"},
    Option<std::int64_t>{.name = "memory_limit",
                         .member = &ScatteringOptions::memory_limit,
                         .role = OptionRole::Execution,
                         .lowest = 0,
                         .highest = std::numeric_limits<std::int64_t>::max(),
                         .unit = " bytes"},
};

/// Calls visit(option) with each row, in order.
template <class Visit>
constexpr void for_each_option(const Visit& visit) {
  std::apply([&](const auto&... options) { (visit(options), ...); }, option_list);
}

/// The row of a member.
template <class T>
constexpr const Option<T>& option_of(T ScatteringOptions::* member) {
  const Option<T>* found = nullptr;
  for_each_option([&]<class U>(const Option<U>& option) {
    if constexpr (std::is_same_v<T, U>) {
      if (option.member == member) found = &option;
    }
  });
  return *found;
}

/// Whether two sets of options are the same but for parallel_for, which cannot be compared.
inline bool same_options(const ScatteringOptions& a, const ScatteringOptions& b) {
  return std::apply([&](const auto&... options) { return (... && (a.*options.member == b.*options.member)); },
                    option_list);
}

}  // namespace scatlight
