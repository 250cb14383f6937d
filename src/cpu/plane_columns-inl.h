// The columns of x * psi from a folded spectrum, and their adjoint. Included once for each target.

#if defined(SCATLIGHT_CPU_PLANE_COLUMNS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_PLANE_COLUMNS_INL_H_
#undef SCATLIGHT_CPU_PLANE_COLUMNS_INL_H_
#else
#define SCATLIGHT_CPU_PLANE_COLUMNS_INL_H_
#endif

#include <algorithm>
#include <span>
#include <type_traits>

#include "cpu/transpose-inl.h"
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

// The same, and adds Re(conj(x^) z^) to sums for the gradient of psi^, where lanes are columns.
template <class D>
struct CorrelatingSink {
  FilteredSink<D, hn::MaxLanes(D())> filtered;
  const Real<D>* spectrum;
  Real<D>* sums;

  HWY_INLINE HWY_ATTR void store(D d, int position, int index, Complex<D> z) const {
    filtered.store(d, position, index, z);
    const std::size_t row = filtered.row_position[index];
    const auto x = load_element(d, spectrum + row * (2 * hn::Lanes(d)));
    add_vector(d, hn::MulAdd(x.re, z.re, hn::Mul(x.im, z.im)), sums + row * hn::Lanes(d));
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
    for_blocks(band, group, planes,
               [&](const Level<T>& level, const Folding& folding, const Block& block, auto mirrored)
                   SCATLIGHT_LAMBDA {
                     using Sink = std::conditional_t<mirrored(), ConjugateElements<D>, PlacedElements<D>>;
                     filter_block(level, folding, block.filter, spectra + block.spectrum,
                                  Sink{block.plane, level.plane_output.data()});
                   });
  }

  // The adjoint: adds what columns give to the gradient of the spectra and, unless they are empty, to the
  // sums of the band.
  HWY_NOINLINE HWY_ATTR void differentiate(const Band<T>& band, const PathGroup& group, const T* spectra,
                                           T* planes, T* gradients, std::span<T> sums) const {
    for_blocks(band, group, planes,
               [&](const Level<T>& level, const Folding& folding, const Block& block, auto mirrored)
                   SCATLIGHT_LAMBDA {
                     using Source = std::conditional_t<mirrored(), ConjugateElements<D>, PlacedElements<D>>;
                     const Source source{block.plane, level.plane_input.data()};
                     T* gradient = gradients + block.spectrum;
                     if (sums.empty())
                       return differentiate_block(level, folding, block.filter, source, gradient);
                     correlate_block(level, folding, block.filter, source, spectra + block.spectrum, gradient,
                                     sums.data() + block.sums);
                   });
  }

 private:
  static constexpr int most_aliases = 8;  // multiplied at a time

  // A block of the plane of a path.
  struct Block {
    FilterBlock<T> filter;
    T* plane;
    std::size_t spectrum;  // where its block of the spectra begins
    std::size_t sums;      // where its sums do, in those of the band
  };

  // body(level, folding, block, whether it is a mirror image) for all blocks of the planes. A stored block is
  // read or written for all paths before the next one.
  template <class Body>
  HWY_INLINE HWY_ATTR void for_blocks(const Band<T>& band, const PathGroup& group, T* planes,
                                      const Body& body) const {
    const auto& level = workspace_.tables.level_of(group);
    const auto& folding = band.folding(level.level);
    const std::size_t block_sums = sums_of_block(folding);
    std::size_t spectrum = band.offset(level.level);
    for (int block = 0; block < folding.columns.stored; ++block, spectrum += folding.block_stride()) {
      for (int i = 0; i < group.count; ++i) {
        T* plane = planes + i * level.plane_size;
        const std::size_t sums = band.sums_begin(group.scale, group.angle + i);
        const auto do_block = [&](int of_plane, auto mirrored) SCATLIGHT_LAMBDA {
          body(level, folding,
               Block{band.filter(group.scale, group.angle + i, level.level, of_plane),
                     plane + of_plane * W::block_values, spectrum, sums + of_plane * block_sums},
               mirrored);
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
    spread_line(level, folding, filter, line, gradient);
  }

  // The same, and adds to the sums, which a filter has where it is negligible too.
  template <class Source>
  HWY_INLINE HWY_ATTR void correlate_block(const Level<T>& level, const Folding& folding,
                                           const FilterBlock<T>& filter, const Source& source,
                                           const T* spectrum, T* gradient, T* sums) const {
    if constexpr (!lanes_are_planes<BlockSize>) {
      if (folding.aliases() == 1 && !filter.segments.empty()) {
        workspace_.forward_fft(
            level.along_columns, source,
            CorrelatingSink<D>{
                {unfolded(level, filter), level.row_position.data(), gradient}, spectrum, sums});
        return;
      }
    }
    T* line = workspace_.scratch.line;
    workspace_.forward_fft(level.along_columns, source, Elements<D>{line});
    spread_line(level, folding, filter, line, gradient);
    add_correlation(folding, spectrum, line, sums);
  }

  // Adds psi^ z^ to the gradient, for a line z^ in the natural order of rows.
  HWY_INLINE HWY_ATTR void spread_line(const Level<T>& level, const Folding& folding,
                                       const FilterBlock<T>& filter, const T* line, T* gradient) const {
    if (folding.aliases() == 1) {
      if (filter.segments.empty()) return;
      const FilteredSink<D, BlockSize> sink{unfolded(level, filter), level.row_position.data(), gradient};
      for (int y = 0; y < level.height; ++y) sink.store(d_, y, y, load_element(d_, line + y * element));
      return;
    }
    for (const auto& segment : filter.segments) {
      for (int alias = 0; alias < segment.aliases; alias += most_aliases) {
        with_count<most_aliases>(segment.aliases - alias, [&](auto count) HWY_ATTR {
          spread_products<decltype(count)::value>(filter, segment, alias, line, folding.alias_size(),
                                                  gradient);
        });
      }
    }
  }

  // Sums of a block of a plane, for each value of psi^ that there could be.
  static HWY_INLINE std::size_t sums_of_block(const Folding& folding) {
    return std::size_t(folding.aliases()) * folding.height * BlockSize;
  }

  // Adds Re(conj(x^) z^) to the sums of a block, for all aliases that z^ is the gradient of.
  HWY_NOINLINE HWY_ATTR void add_correlation(const Folding& folding, const T* spectrum, const T* line,
                                             T* sums) const {
    const std::int32_t* rows = folding.rows.data();
    const int height = folding.height;
    for (int alias = 0; alias < folding.aliases(); ++alias) {
      const auto product = [&](int position) SCATLIGHT_LAMBDA {
        const auto x = load_element(d_, spectrum + position * element);
        const auto z = load_element(d_, line + rows[position] * element);
        return hn::MulAdd(x.re, z.re, hn::Mul(x.im, z.im));
      };
      int position = 0;
      if constexpr (lanes_are_planes<BlockSize> && W::lanes > 1) {
        // The sums are over the lanes too: of as many rows at once as there are lanes.
        constexpr int lanes = W::lanes;
        HWY_ALIGN T products[lanes * lanes];
        HWY_ALIGN T transposed[lanes * lanes];
        for (; position < height; position += lanes) {
          const int count = std::min(lanes, height - position);
          for (int i = 0; i < count; ++i) hn::Store(product(position + i), d_, products + i * lanes);
          for (int i = count; i < lanes; ++i) hn::Store(hn::Zero(d_), d_, products + i * lanes);
          transpose(d_, products, lanes, transposed, lanes);
          auto sum = hn::Load(d_, transposed);
          for (int i = 1; i < lanes; ++i) sum = hn::Add(sum, hn::Load(d_, transposed + i * lanes));
          if (count == lanes) {
            hn::StoreU(hn::Add(hn::LoadU(d_, sums + position), sum), d_, sums + position);
          } else {
            hn::Store(sum, d_, transposed);
            for (int i = 0; i < count; ++i) sums[position + i] += transposed[i];
          }
        }
      } else {
        for (; position < height; ++position) add_vector(d_, product(position), sums + position * BlockSize);
      }
      spectrum += folding.alias_size();
      sums += height * BlockSize;
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
