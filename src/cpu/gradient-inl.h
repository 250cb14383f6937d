// The gradient of the scattering transform of one plane. Included once for each target.
//
// Every linear step is followed back by its adjoint; the modulus u -> |u| by g -> g u / |u|, with u computed
// again. What the wavelets give to the spectrum of their input is added up there and goes back through one
// transform.

#if defined(SCATLIGHT_CPU_GRADIENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_GRADIENT_INL_H_
#undef SCATLIGHT_CPU_GRADIENT_INL_H_
#else
#define SCATLIGHT_CPU_GRADIENT_INL_H_
#endif

#include "cpu/plane-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// exchanged_phase of u.
template <class D>
struct PhaseSink {
  const Real<D>* gradient;        // reals
  const std::ptrdiff_t* offsets;  // of the reals
  PlacedElements<D> elements;

  HWY_INLINE HWY_ATTR void store(D d, int position, int index, Complex<D> u) const {
    const auto g = hn::Load(d, gradient + offsets[position]);
    elements.store(d, position, index, exchanged_phase(d, g, u));
  }
};

// Adds psi^ z^ to the gradient of a spectrum that is not folded, from exchanged elements.
template <class D, int BlockSize>
struct FilteredSink {
  const Real<D>* filter;
  const std::int32_t* filter_positions;  // null if they are those of the spectrum
  const std::int32_t* row_position;
  Real<D>* gradient;

  HWY_INLINE HWY_ATTR void store(D d, int, int index, Complex<D> exchanged) const {
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t position = row_position[index];
    const std::size_t of_filter = filter_positions == nullptr ? position : filter_positions[position];
    Real<D>* at = gradient + position * (2 * lanes);
    const auto psi = load_filter<BlockSize>(d, filter + of_filter * BlockSize);
    store_element(d, add_scaled<D>(load_element(d, at), psi, exchange<D>(exchanged)), at);
  }
};

// The conjugates of exchanged PlacedElements.
template <class D>
struct ConjugateSource {
  const Real<D>* data;
  const std::ptrdiff_t* offsets;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int) const {
    const auto exchanged = load_element(d, data + offsets[position]);
    return {hn::Neg(exchanged.re), exchanged.im};
  }
};

template <class D, int BlockSize>
class PlaneGradient : PlaneTransform<D, BlockSize> {
  using T = Real<D>;
  using Base = PlaneTransform<D, BlockSize>;
  using Base::add_to;
  using Base::block_values;
  using Base::column_step;
  using Base::d_;
  using Base::element;
  using Base::lanes;
  using Base::map_size_;
  using Base::row;
  using Base::scratch_;
  using Base::tables_;

 public:
  HWY_ATTR PlaneGradient(const Tables<T>& tables, int planes, const T* feature_gradients,
                         const Scratch<T>& scratch)
      : Base(tables, planes, nullptr, nullptr, scratch), gradients_(feature_gradients) {}

  HWY_ATTR void paths(const PathGroup& group, const T* spectra, T* spectra_gradient, NextReads next) {
    const auto& options = tables_.options;
    const auto& tiling = tables_.tilings[group.tiling];
    const auto& band = *tiling.image_band;
    const auto& level = this->level_of(group);
    const bool second_order = options.max_order >= 2 && group.scale + 1 < options.scales;
    T* planes = scratch_.plane;
    if (!second_order) this->begin_prefetch(tiling, group, next);
    if constexpr (has_vector_radix<D, BlockSize>()) {
      if (this->by_vector_radix(group))
        return differentiate_by_vector_radix(tiling, group, spectra, spectra_gradient);
    }
    for (int tile = 0; tile < tiling.count(); ++tile) {
      const auto offset = tiling.spectrum_offset(tile);
      this->transform_columns(band, group, spectra + offset, planes);
      if (second_order) second_paths(level, group.scale, group.angle, planes);
      for (int i = 0; i < group.count; ++i) {
        if (tile == 0) load_map(level, tables_.first_map(group) + i);
        differentiate_rows(tiling, tile, level, planes + i * level.plane_size,
                           second_order ? scratch_.modulus_gradient : nullptr);
      }
      differentiate_columns(band, group, planes, spectra_gradient + offset);
    }
  }

  HWY_ATTR void image(const T* const* spectra_gradients, T* image_gradient) {
    T* sum = lanes_are_planes<BlockSize> ? scratch_.images : image_gradient;
    std::fill_n(sum, this->image_size() * column_step, T{0});
    for (const auto& tiling : tables_.tilings) {
      const auto& level = tiling.levels[0];
      const bool has_map = &tiling == &tables_.tilings.front();
      if (has_map) load_map(level, 0);
      for (int tile = 0; tile < tiling.count(); ++tile) {
        const auto core = tiling.core(tile, 0);
        const auto gradient_of_map = [&](int y) HWY_ATTR {
          if (has_map && y < core.height) return spread_rows(tiling, tile, level, y);
          std::fill_n(scratch_.row, level.width * lanes, T{0});
          return scratch_.row;
        };
        if (!tiling.image_band) {
          for (int y = 0; y < core.height; y += BlockSize)
            add_image_rows(tiling, tile, y, gradient_of_map(y), sum);
          continue;
        }
        this->spectrum().real_plane(level, *tiling.image_band, spectra_gradients,
                                    tiling.spectrum_offset(tile), [&](int y, const T* values) HWY_ATTR {
                                      T* real = gradient_of_map(y);
                                      add_to_row(level, values, element, real);
                                      add_image_rows(tiling, tile, y, real, sum);
                                    });
      }
    }
    if constexpr (lanes_are_planes<BlockSize>)
      this->unpack(sum, this->image_size(), image_gradient, this->image_size());
  }

 private:
  HWY_INLINE HWY_ATTR void differentiate_by_vector_radix(const Tiling<T>& tiling, const PathGroup& group,
                                                         const T* spectra, T* spectra_gradient) {
    const auto& level = tiling.levels[0];
    const auto& vector_radix = *tiling.vector_radix();
    const auto filter = tiling.image_band->vector_radix_filter(group.scale, group.angle);
    const VectorRadixTransform<D> transform(vector_radix);
    T* plane = scratch_.plane;
    load_map(level, tables_.first_map(group));
    for (int tile = 0; tile < tiling.count(); ++tile) {
      const auto core = tiling.core(tile, 0);
      const auto offset = tiling.spectrum_offset(tile);
      transform.first_half(spectra + offset, filter, plane);
      for (int block = 0; block < vector_radix.rows; ++block) {
        const int y = block * BlockSize;
        if (tiling.is_first(tile))
          spread_averages(level, load_averages(core, vector_radix.rows_of(block), 0), y);
        transform.differentiate(cut_row(tiling, core, level, y), plane, block, this->prefetcher_);
      }
      transform.add_first_half(plane, filter, spectra_gradient + offset);
    }
  }

  // The gradient that order 2 gives to |x * psi|, whose columns are in the plane.
  HWY_NOINLINE HWY_ATTR void second_paths(const Level<T>& level, int scale, int angle, T* plane) {
    const auto& band = tables_.modulus_bands[scale];
    for (int y = 0; y < level.height; y += BlockSize) {
      T* rows = row(level, y, 0);
      this->transform_rows(level, plane, y, rows);
      this->spectrum().keep_rows(level, y, rows);
    }
    T* folded = scratch_.folded;
    this->spectrum().fold(level, band, folded);

    T* gradient = scratch_.folded_gradient;
    band.clear(gradient);
    const auto& tiling = tables_.tilings[0];
    T* second_plane = scratch_.second_plane;
    for (const auto& second : tables_.groups.second[scale]) {
      const auto& second_level = this->level_of(second);
      this->transform_columns(band, second, folded, second_plane);
      load_map(second_level, tables_.second_map(scale, angle, second.scale, second.angle));
      differentiate_rows(tiling, 0, second_level, second_plane, nullptr);
      differentiate_columns(band, second, second_plane, gradient);
    }
    const std::size_t columns = level.blocks * lanes;
    this->spectrum().real_plane(level, band, &gradient, 0, [&](int y, const T* values) HWY_ATTR {
      T* to = scratch_.modulus_gradient + y * columns;
      for (int x = 0; x < level.width; ++x) {
        hn::Store(hn::Load(d_, values + x * element), d_, to + x * lanes);
      }
    });
  }

  // ---- adjoint of the low-pass ----

  // A map's gradient through the vertical low-pass, into the averaged rows.
  HWY_NOINLINE HWY_ATTR void load_map(const Level<T>& level, int map) {
    const std::size_t stride = tables_.scratch.output_stride;
    const int height = tables_.geometry.rows.output;
    const int width = tables_.geometry.columns.output;
    const T* from = gradients_ + map * map_size_;
    T* outputs = scratch_.map;
    if constexpr (lanes_are_planes<BlockSize>) {
      this->pack(from, this->features_size(), map_size_, outputs);
    } else {
      std::fill_n(outputs, height * stride, T{0});
      for (int out = 0; out < height; ++out, from += width) std::copy_n(from, width, outputs + out * stride);
    }
    T* samples = scratch_.average_rows;
    if (level.vertical.spectral) {
      for (std::size_t x = 0; x < stride; x += 2 * lanes) {
        const std::size_t second = std::min(x + lanes, stride - lanes);
        this->low_pass().spread_pair(level.vertical, height, outputs + x, outputs + second, stride,
                                     samples + x, samples + second, stride);
      }
      return;
    }
    T* continued = samples - level.vertical.radius * stride;
    for (std::size_t x = 0; x < stride; x += lanes)
      this->low_pass().spread(level.vertical, level.plane_height, height, outputs + x, stride, continued + x,
                              stride);
  }

  // The gradient of rows [y, y + BlockSize) of a tile, zero beyond the core. Of tiles beside each other, the
  // first one makes it for all; where the low-pass takes two blocks of rows at a time, with the first one.
  HWY_NOINLINE HWY_ATTR T* spread_rows(const Tiling<T>& tiling, int tile, const Level<T>& level, int y) {
    const auto core = tiling.core(tile, level.level);
    if (tiling.is_first(tile)) {
      if (!level.horizontal.spectral) {
        spread_averages(level, load_averages(core, Base::from_row(y), 0), y);
      } else if (y / BlockSize % 2 == 0) {
        const T* averages = load_averages(core, Base::from_row(y), 0);
        const int second_y = y + BlockSize < core.height ? y + BlockSize : y;
        const T* second = second_y == y ? averages : load_averages(core, Base::from_row(second_y), 1);
        this->low_pass().spread_pair(level.horizontal, tables_.geometry.columns.output, averages, second,
                                     lanes, row(level, y, 0), row(level, second_y, 0), lanes);
      }
    }
    return cut_row(tiling, core, level, y);
  }
  // Averaged rows at all columns of the plane, where the low-pass does not take two blocks.
  HWY_INLINE HWY_ATTR void spread_averages(const Level<T>& level, const T* averages, int y) {
    this->low_pass().spread(level.horizontal, level.plane_width, tables_.geometry.columns.output, averages,
                            lanes, row(level, y, -level.horizontal.radius), lanes);
  }

  // What a tile has of rows [y, y + BlockSize) of its strip, and zeros beyond the core.
  HWY_INLINE HWY_ATTR T* cut_row(const Tiling<T>& tiling, const Core& core, const Level<T>& level, int y) {
    T* real = row(level, y, core.left);
    if (tiling.tiles.columns.count > 1) {
      std::copy_n(real, core.width * lanes, scratch_.row);
      real = scratch_.row;
    }
    std::fill_n(real + core.width * lanes, (level.width - core.width) * lanes, T{0});
    return real;
  }

  // Rows number(0) ... number(BlockSize - 1) of a core's averaged rows as lanes, or zeros for rows beyond it.
  // `place` says which of the two Scratch::averages they go to.
  template <class Number>
  HWY_INLINE HWY_ATTR const T* load_averages(const Core& core, const Number& number, int place) {
    const std::size_t stride = tables_.scratch.output_stride;
    const T* from = scratch_.average_rows + core.top * stride;
    if constexpr (lanes_are_planes<BlockSize>) return from + number(0) * stride;
    const T* rows[BlockSize];
    for (int r = 0; r < BlockSize; ++r)
      rows[r] = number(r) < core.height ? from + number(r) * stride : tables_.zero_row.data();
    T* averages = scratch_.averages + place * tables_.scratch.averages;
    for (std::size_t out = 0; out < stride; out += lanes) {
      transpose_lines(
          d_, [&](int r) SCATLIGHT_LAMBDA { return rows[r] + out; },
          [&](int x) SCATLIGHT_LAMBDA { return averages + (out + x) * lanes; });
    }
    return averages;
  }

  HWY_INLINE HWY_ATTR void add_to_row(const Level<T>& level, const T* values, std::size_t step, T* real) {
    for (int x = 0; x < level.width; ++x) {
      hn::Store(hn::Add(hn::Load(d_, real + x * lanes), hn::Load(d_, values + x * step)), d_,
                real + x * lanes);
    }
  }

  // ---- adjoint of modulus and inverse transform ----

  // The plane holds columns of u on entry, those of the transform of g u / |u| (exchanged) on return. `more`
  // is added to the gradient of |u|, by blocks of rows; null for none.
  HWY_NOINLINE HWY_ATTR void differentiate_rows(const Tiling<T>& tiling, int tile, const Level<T>& level,
                                                T* plane, const T* more) {
    const int core_height = tiling.core(tile, level.level).height;
    T* turned = scratch_.pair;  // a line too
    for (int y = 0; y < level.height; y += BlockSize) {
      T* to = plane + y / BlockSize * level.row_block_stride;
      if (y >= core_height) {
        std::fill_n(to, level.blocks * block_values, T{0});
        continue;
      }
      T* real = spread_rows(tiling, tile, level, y);
      if (more != nullptr) add_to_row(level, more + y * std::size_t(level.blocks) * lanes, lanes, real);
      T* line = this->load_rows(level, plane, y);
      this->fft_of_line(level, line,
                        PhaseSink<D>{real, level.row_output.data(), {turned, level.line_output.data()}});
      this->fft_of_line(level, turned, PlacedElements<D>{line, level.line_output.data()});
      if constexpr (lanes_are_planes<BlockSize>) continue;
      const T* from = line;
      for (int block = 0; block < level.blocks;
           ++block, from += level.line_block_stride, to += block_values) {
        transpose(d_, from, element, to, element);
        transpose(d_, from + lanes, element, to + lanes, element);
      }
    }
  }

  HWY_NOINLINE HWY_ATTR void differentiate_columns(const Band<T>& band, const PathGroup& group, T* planes,
                                                   T* gradients) {
    const int to = tables_.geometry.level(group.scale);
    const auto& level = this->level_of(group);
    const auto& folding = band.folding(to);
    T* gradient = gradients + band.offset(to);
    for (int block = 0; block < folding.columns.stored; ++block, gradient += folding.block_stride()) {
      for (int i = 0; i < group.count; ++i) {
        const auto filter_at = [&](int plane_block) {
          return band.filter(group.scale, group.angle + i, to, plane_block);
        };
        T* plane = planes + i * level.plane_size;
        differentiate_block(level, folding, filter_at(block),
                            PlacedElements<D>{plane + block * block_values, level.plane_input.data()},
                            gradient);
        if (block >= folding.columns.pairs) continue;
        const int mirrored = folding.columns.stored + block;
        differentiate_block(level, folding, filter_at(mirrored),
                            ConjugateSource<D>{plane + mirrored * block_values, level.plane_input.data()},
                            gradient);
      }
    }
  }

  template <class Source>
  HWY_INLINE HWY_ATTR void differentiate_block(const Level<T>& level, const Folding& folding,
                                               const FilterBlock<T>& filter, const Source& source,
                                               T* gradient) {
    if (filter.segments.empty()) return;
    if (folding.aliases() == 1) {
      this->fft(
          level.along_columns, source,
          FilteredSink<D, BlockSize>{filter.values + filter.segments.front().values,
                                     Base::positions(level, filter), level.row_position.data(), gradient});
      return;
    }
    T* line = scratch_.line;
    this->fft(level.along_columns, source, Elements<D>{line});
    for (const auto& segment : filter.segments) {
      for (int alias = 0; alias < segment.aliases; alias += Base::most_aliases) {
        with_count<Base::most_aliases>(segment.aliases - alias, [&](auto count) HWY_ATTR {
          spread_products<decltype(count)::value>(filter, segment, alias, line, folding.alias_size(),
                                                  gradient);
        });
      }
    }
  }

  // The adjoint of add_products: adds the products of the line's exchanged elements to the gradient.
  template <int Count>
  HWY_NOINLINE HWY_ATTR void spread_products(const FilterBlock<T>& filter, const FilterSegment& segment,
                                             int first, const T* line, std::size_t alias_size, T* gradient) {
    std::ptrdiff_t offsets[std::max(Count, 1)];
    for (int p = 0; p < Count; ++p)
      offsets[p] = filter.aliases[segment.first_alias + first + p] * static_cast<std::ptrdiff_t>(alias_size);
    const std::size_t row_values = segment.aliases * BlockSize;
    const auto [begin, end] = filter.used_rows(segment);
    const T* values =
        filter.values + segment.values + (begin - segment.begin) * row_values + first * BlockSize;
    for (int of_filter = begin; of_filter < end; ++of_filter, values += row_values) {
      const std::size_t row = filter.row(of_filter);
      const auto z = exchange<D>(load_element(d_, line + row * element));
      T* samples = gradient + row * element;
      unroll<Count>([&](auto p) SCATLIGHT_LAMBDA {
        T* to = samples + offsets[p];
        store_element(
            d_, add_scaled<D>(load_element(d_, to), load_filter<BlockSize>(d_, values + p * BlockSize), z),
            to);
      });
    }
  }

  // ---- adjoint of the padding ----

  // Adds the gradient of rows [y, y + BlockSize) of a tile to that of the samples of the image that they are.
  // In `real`, that of repeated columns is added up.
  HWY_NOINLINE HWY_ATTR void add_image_rows(const Tiling<T>& tiling, int tile, int y, T* real,
                                            T* image_gradient) {
    const auto& level = tiling.levels[0];
    const auto& row_sources = tiling.rows_of(tile);
    const auto& columns = tiling.columns_of(tile);
    for (const auto& repeat : columns.repeats)
      add_to(real + repeat.of * lanes, hn::Load(d_, real + repeat.column * lanes));
    const std::size_t stride = level.blocks * lanes;
    const T* rows = real;
    if constexpr (!lanes_are_planes<BlockSize>) {
      T* transposed = scratch_.line;
      for (int block = 0; block < level.blocks; ++block)
        transpose(d_, real + block * lanes * lanes, lanes, transposed + block * lanes, stride);
      rows = transposed;
    }
    for (int r = 0; r < std::min(BlockSize, level.height - y); ++r) {
      if (row_sources[y + r] < 0) continue;
      const T* from = rows + r * stride;
      T* to = image_gradient + std::int64_t{row_sources[y + r]} * tables_.options.width * column_step;
      for (const auto& run : columns.runs) {
        for (int i = 0; i < run.length * column_step; ++i)
          to[run.source * column_step + i] += from[run.begin * column_step + i];
      }
    }
  }

  const T* const gradients_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
