// The columns of x * psi from a folded spectrum, and their adjoint. Included once for each target.

#if defined(SCATLIGHT_CPU_PLANE_COLUMNS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_PLANE_COLUMNS_INL_H_
#undef SCATLIGHT_CPU_PLANE_COLUMNS_INL_H_
#else
#define SCATLIGHT_CPU_PLANE_COLUMNS_INL_H_
#endif

#include <algorithm>
#include <type_traits>

#include "cpu/workspace-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// The values of a filter at the columns of a block.
template <int BlockSize, class D>
HWY_INLINE HWY_ATTR hn::Vec<D> load_filter(D d, const Real<D>* at) {
  if constexpr (lanes_are_planes<BlockSize>) {
    return hn::Set(d, *at);
  } else {
    return hn::Load(d, at);
  }
}

// Where nothing is folded: a filter at the rows of a spectrum, by their positions in it.
template <class D, int BlockSize>
struct UnfoldedFilter {
  const Real<D>* values;
  const std::int32_t* positions;  // null if they are those of the spectrum

  HWY_INLINE HWY_ATTR hn::Vec<D> load(D d, std::size_t position) const {
    const std::size_t at = positions == nullptr ? position : positions[position];
    return load_filter<BlockSize>(d, values + at * BlockSize);
  }
};

// Columns of x^ psi^.
template <class D, int BlockSize>
struct ProductSource {
  UnfoldedFilter<D, BlockSize> filter;
  const Real<D>* spectrum;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int) const {
    return scale(filter.load(d, position), load_element(d, spectrum + position * (2 * hn::Lanes(d))));
  }
};

// Adds psi^ z^ to the gradient of a spectrum.
template <class D, int BlockSize>
struct FilteredSink {
  UnfoldedFilter<D, BlockSize> filter;
  const std::int32_t* row_position;
  Real<D>* gradient;

  HWY_INLINE HWY_ATTR void store(D d, int, int index, Complex<D> z) const {
    const std::size_t position = row_position[index];
    Real<D>* at = gradient + position * (2 * hn::Lanes(d));
    const auto psi = filter.load(d, position);
    store_element(d, add_scaled(load_element(d, at), psi, z), at);
  }
};

// The conjugates of PlacedElements.
template <class D>
struct ConjugateElements {
  Real<D>* data;
  const std::ptrdiff_t* offsets;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int) const {
    return conj(load_element(d, data + offsets[position]));
  }
  HWY_INLINE HWY_ATTR void store(D d, int position, int, Complex<D> value) const {
    store_element(d, conj(value), data + offsets[position]);
  }
};

template <class D, int BlockSize>
class PlaneColumns {
  using W = Workspace<D, BlockSize>;
  using T = Real<D>;
  static constexpr std::size_t element = W::element;

 public:
  explicit PlaneColumns(const W& workspace) : workspace_(workspace) {}

  // The columns of x * psi for each path of a group, before the transform of rows.
  HWY_NOINLINE HWY_ATTR void transform(const Band<T>& band, const PathGroup& group, const T* spectra,
                                       T* planes) const {
    for_blocks(band, group, spectra, planes,
               [&](const Level<T>& level, const Folding& folding, const FilterBlock<T>& filter, auto mirrored,
                   const T* spectrum, T* plane) SCATLIGHT_LAMBDA {
                 using Sink = std::conditional_t<mirrored(), ConjugateElements<D>, PlacedElements<D>>;
                 filter_block(level, folding, filter, spectrum, Sink{plane, level.plane_output.data()});
               });
  }

  // The adjoint: adds what columns give to the gradient of the spectra.
  HWY_NOINLINE HWY_ATTR void differentiate(const Band<T>& band, const PathGroup& group, T* planes,
                                           T* gradients) const {
    for_blocks(band, group, gradients, planes,
               [&](const Level<T>& level, const Folding& folding, const FilterBlock<T>& filter, auto mirrored,
                   T* gradient, T* plane) SCATLIGHT_LAMBDA {
                 using Source = std::conditional_t<mirrored(), ConjugateElements<D>, PlacedElements<D>>;
                 differentiate_block(level, folding, filter, Source{plane, level.plane_input.data()},
                                     gradient);
               });
  }

 private:
  static constexpr int most_aliases = 8;  // multiplied at a time

  // body(level, folding, filter, whether it is a mirror image, its block of the spectra, its block of a
  // plane) for all blocks of the planes. A stored block is read or written for all paths before the next one.
  template <class Value, class Body>
  HWY_INLINE HWY_ATTR void for_blocks(const Band<T>& band, const PathGroup& group, Value* spectra, T* planes,
                                      const Body& body) const {
    const auto& level = workspace_.tables.level_of(group);
    const auto& folding = band.folding(level.level);
    Value* spectrum = spectra + band.offset(level.level);
    for (int block = 0; block < folding.columns.stored; ++block, spectrum += folding.block_stride()) {
      for (int i = 0; i < group.count; ++i) {
        T* plane = planes + i * level.plane_size;
        const auto do_block = [&](int of_plane, auto mirrored) SCATLIGHT_LAMBDA {
          body(level, folding, band.filter(group.scale, group.angle + i, level.level, of_plane), mirrored,
               spectrum, plane + of_plane * W::block_values);
        };
        do_block(block, std::false_type());
        if (block < folding.columns.pairs) do_block(folding.columns.stored + block, std::true_type());
      }
    }
  }

  template <class Sink>
  HWY_INLINE HWY_ATTR void filter_block(const Level<T>& level, const Folding& folding,
                                        const FilterBlock<T>& filter, const T* spectrum,
                                        const Sink& sink) const {
    if (filter.segments.empty()) {
      for (int y = 0; y < level.height; ++y) sink.store(d_, y, y, zero(d_));
      return;
    }
    if (folding.aliases() == 1) {
      workspace_.inverse_fft(level.along_columns,
                             ProductSource<D, BlockSize>{unfolded(level, filter), spectrum}, sink);
      return;
    }
    T* line = workspace_.scratch.line;
    for (const auto& segment : filter.segments) {
      int alias = 0;
      do {  // also if none is kept
        with_count<most_aliases>(segment.aliases - alias, [&](auto count) HWY_ATTR {
          add_products<decltype(count)::value>(filter, segment, alias, spectrum, folding.alias_size(), line);
        });
        alias += most_aliases;
      } while (alias < segment.aliases);
    }
    workspace_.inverse_fft(level.along_columns, Elements<D>{line}, sink);
  }

  template <class Source>
  HWY_INLINE HWY_ATTR void differentiate_block(const Level<T>& level, const Folding& folding,
                                               const FilterBlock<T>& filter, const Source& source,
                                               T* gradient) const {
    if (filter.segments.empty()) return;
    if (folding.aliases() == 1) {
      workspace_.forward_fft(
          level.along_columns, source,
          FilteredSink<D, BlockSize>{unfolded(level, filter), level.row_position.data(), gradient});
      return;
    }
    T* line = workspace_.scratch.line;
    workspace_.forward_fft(level.along_columns, source, Elements<D>{line});
    for (const auto& segment : filter.segments) {
      for (int alias = 0; alias < segment.aliases; alias += most_aliases) {
        with_count<most_aliases>(segment.aliases - alias, [&](auto count) HWY_ATTR {
          spread_products<decltype(count)::value>(filter, segment, alias, line, folding.alias_size(),
                                                  gradient);
        });
      }
    }
  }

  static HWY_INLINE UnfoldedFilter<D, BlockSize> unfolded(const Level<T>& level,
                                                          const FilterBlock<T>& filter) {
    return {filter.values + filter.segments.front().values,
            filter.flipped ? level.flipped_position.data() : nullptr};
  }

  // By rows, the sum of the products of the kept aliases [first, first + Count) of a segment: added to the
  // line or, of the first ones, stored there.
  template <int Count>
  HWY_NOINLINE HWY_ATTR void add_products(const FilterBlock<T>& filter, const FilterSegment& segment,
                                          int first, const T* spectrum, std::size_t alias_size,
                                          T* line) const {
    for_rows<Count>(filter, segment, first, alias_size,
                    [&](std::size_t row, const std::ptrdiff_t* offsets, const T* values) SCATLIGHT_LAMBDA {
                      T* to = line + row;
                      const T* samples = spectrum + row;
                      Complex<D> sum = zero(d_);
                      if (first > 0) sum = load_element(d_, to);
                      unroll<Count>([&](auto p) SCATLIGHT_LAMBDA {
                        sum = add_scaled(sum, load_filter<BlockSize>(d_, values + p * BlockSize),
                                         load_element(d_, samples + offsets[p]));
                      });
                      store_element(d_, sum, to);
                    });
  }

  // The adjoint: adds the products of the line's elements to the gradient.
  template <int Count>
  HWY_NOINLINE HWY_ATTR void spread_products(const FilterBlock<T>& filter, const FilterSegment& segment,
                                             int first, const T* line, std::size_t alias_size,
                                             T* gradient) const {
    for_rows<Count>(
        filter, segment, first, alias_size,
        [&](std::size_t row, const std::ptrdiff_t* offsets, const T* values) SCATLIGHT_LAMBDA {
          const auto z = load_element(d_, line + row);
          T* samples = gradient + row;
          unroll<Count>([&](auto p) SCATLIGHT_LAMBDA {
            T* to = samples + offsets[p];
            store_element(
                d_, add_scaled(load_element(d_, to), load_filter<BlockSize>(d_, values + p * BlockSize), z),
                to);
          });
        });
  }

  // body(offset of the row, offsets of the aliases, their filters) for the rows of a segment.
  template <int Count, class Body>
  HWY_INLINE HWY_ATTR void for_rows(const FilterBlock<T>& filter, const FilterSegment& segment, int first,
                                    std::size_t alias_size, const Body& body) const {
    std::ptrdiff_t offsets[std::max(Count, 1)];
    for (int p = 0; p < Count; ++p)
      offsets[p] = filter.aliases[segment.first_alias + first + p] * static_cast<std::ptrdiff_t>(alias_size);
    const std::size_t row_values = segment.aliases * BlockSize;
    const auto [begin, end] = filter.used_rows(segment);
    const T* values =
        filter.values + segment.values + (begin - segment.begin) * row_values + first * BlockSize;
    for (int of_filter = begin; of_filter < end; ++of_filter, values += row_values)
      body(filter.row(of_filter) * element, offsets, values);
  }

  const D d_ = {};
  const W& workspace_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
