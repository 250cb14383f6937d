#include "core/reference_engine.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <map>

#include "core/fft.h"

namespace scatlight {
namespace {

using Spectrum = ComplexPlane;

// Lowers the sampling rate of a signal by 2^levels each way: the mean of the folded blocks of its spectrum.
Spectrum subsample(const Spectrum& spectrum, int levels) {
  Spectrum low{spectrum.height >> levels, spectrum.width >> levels, {}};
  low.values.resize(static_cast<std::size_t>(low.height) * low.width);
  const double share = std::exp2(-2 * levels);
  for (int row = 0; row < spectrum.height; ++row) {
    for (int column = 0; column < spectrum.width; ++column) {
      low.at(row % low.height, column % low.width) += spectrum.at(row, column) * share;
    }
  }
  return low;
}

// The adjoint of subsample() up to the number of samples, which the inverse transforms around the two account
// for: repeats a spectrum over the blocks of a finer one.
Spectrum repeat(const Spectrum& low, int levels) {
  Spectrum spectrum{low.height << levels, low.width << levels, {}};
  spectrum.values.resize(static_cast<std::size_t>(spectrum.height) * spectrum.width);
  for (int row = 0; row < spectrum.height; ++row) {
    for (int column = 0; column < spectrum.width; ++column) {
      spectrum.at(row, column) = low.at(row % low.height, column % low.width);
    }
  }
  return spectrum;
}

void add(const Spectrum& term, Spectrum& sum) {
  for (std::size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += term.values[i];
}

Spectrum multiply(Spectrum spectrum, const std::vector<double>& filter) {
  for (std::size_t i = 0; i < filter.size(); ++i) spectrum.values[i] *= filter[i];
  return spectrum;
}

template <class T>
class ReferenceEngine final : public Engine<T> {
 public:
  ReferenceEngine(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank)
      : options_(resolved),
        geometry_(geometry),
        row_sources_(geometry.rows.sources(resolved.boundary)),
        column_sources_(geometry.columns.sources(resolved.boundary)),
        maps_(count_maps(resolved)) {
    for (int level = 0; level <= geometry.output_level; ++level) phi_.push_back(bank.phi(level));
    make_wavelets(bank);
  }

  void forward(const T* images, std::int64_t planes, T* features, const ParallelFor& run) const override {
    run(planes, [&](std::int64_t plane) {
      transform_plane(images + plane * image_size(), features + plane * maps_ * map_size());
    });
  }

  void backward(const T* images, const T* feature_gradients, std::int64_t planes, T* image_gradients,
                const ParallelFor& run) const override {
    run(planes, [&](std::int64_t plane) {
      differentiate_plane(images + plane * image_size(), feature_gradients + plane * maps_ * map_size(),
                          image_gradients + plane * image_size(), [](auto&&...) {});
    });
  }

  // Plane after plane, so that the sums do not depend on the threads.
  void backward(const T* images, const T* feature_gradients, std::int64_t planes, T* image_gradients,
                double* wavelet_gradients, const ParallelFor&) const override {
    std::fill_n(wavelet_gradients, options_.scales * options_.angles * padded_size(), 0.0);
    for (std::int64_t plane = 0; plane < planes; ++plane) {
      differentiate_plane(images + plane * image_size(), feature_gradients + plane * maps_ * map_size(),
                          image_gradients + plane * image_size(),
                          [&](const Spectrum& u, int level, int j, int theta, const Spectrum& gradient) {
                            add_correlation(
                                u, level, gradient,
                                wavelet_gradients + (j * options_.angles + theta) * padded_size());
                          });
    }
  }

  std::unique_ptr<Engine<T>> with_wavelets(const FilterBank& bank) const override {
    auto engine = std::make_unique<ReferenceEngine>(*this);
    engine->make_wavelets(bank);
    return engine;
  }

 private:
  void make_wavelets(const FilterBank& bank) {
    for (int j = 0; j < options_.scales; ++j) {
      for (int theta = 0; theta < options_.angles; ++theta) {
        for (int level = 0; level <= geometry_.level(j); ++level)
          psi_[{j, theta, level}] = bank.psi(j, theta, level);
      }
    }
  }

  std::int64_t padded_size() const { return std::int64_t{geometry_.rows.padded} * geometry_.columns.padded; }
  std::int64_t image_size() const { return std::int64_t{options_.height} * options_.width; }
  std::int64_t map_size() const { return std::int64_t{geometry_.rows.output} * geometry_.columns.output; }

  // Writes the maps of one plane in the order of paths_of().
  void transform_plane(const T* image, T* features) const {
    T* next = features;
    const auto write_low_pass = [&](const Spectrum& u, int level) {
      low_pass(u, level, next);
      next += map_size();
    };

    Spectrum x = pad(image);
    fft_2d(x);
    write_low_pass(x, 0);
    if (options_.max_order < 1) return;

    std::vector<std::pair<int, Spectrum>> first_order;  // (j1, spectrum of |x * psi_{j1,theta1}|)
    for (int j = 0; j < options_.scales; ++j) {
      for (int theta = 0; theta < options_.angles; ++theta) {
        auto u = modulus(x, 0, j, theta);
        write_low_pass(u, geometry_.level(j));
        if (options_.max_order >= 2) first_order.emplace_back(j, std::move(u));
      }
    }
    for (const auto& [j1, u] : first_order) {
      for (int j2 = j1 + 1; j2 < options_.scales; ++j2) {
        for (int theta = 0; theta < options_.angles; ++theta) {
          write_low_pass(modulus(u, geometry_.level(j1), j2, theta), geometry_.level(j2));
        }
      }
    }
  }

  // The adjoint of transform_plane() at this image. Gradients are planes in space, real ones. correlate(u,
  // level, j, theta, gradient) is called for each product u^ psi_{j,theta}^ at a level, with the spectrum of
  // its gradient.
  template <class Correlate>
  void differentiate_plane(const T* image, const T* gradients, T* image_gradient,
                           const Correlate& correlate) const {
    const T* next = gradients + map_size();
    auto total = low_pass_adjoint(gradients, 0);
    Spectrum x = pad(image);
    fft_2d(x);
    if (options_.max_order >= 1) {
      const T* next_second = next + std::int64_t{options_.scales} * options_.angles * map_size();
      for (int j = 0; j < options_.scales; ++j) {
        const int level = geometry_.level(j);
        for (int theta = 0; theta < options_.angles; ++theta) {
          auto u_gradient = low_pass_adjoint(next, level);
          next += map_size();
          if (options_.max_order >= 2 && j + 1 < options_.scales) {
            const auto u = modulus(x, 0, j, theta);
            for (int j2 = j + 1; j2 < options_.scales; ++j2) {
              for (int theta2 = 0; theta2 < options_.angles; ++theta2) {
                const auto u2_gradient = low_pass_adjoint(next_second, geometry_.level(j2));
                add(modulus_adjoint(u, level, j2, theta2, u2_gradient, correlate), u_gradient);
                next_second += map_size();
              }
            }
          }
          add(modulus_adjoint(x, 0, j, theta, u_gradient, correlate), total);
        }
      }
    }
    std::vector<double> sums(image_size(), 0.0);
    for (int row = 0; row < total.height; ++row) {
      for (int column = 0; column < total.width; ++column) {
        const int source_row = row_sources_[row];
        const int source_column = column_sources_[column];
        if (source_row < 0 || source_column < 0) continue;
        sums[std::int64_t{source_row} * options_.width + source_column] += total.at(row, column).real();
      }
    }
    std::transform(sums.begin(), sums.end(), image_gradient, [](double sum) { return static_cast<T>(sum); });
  }

  // From the gradient of a map to that of the real plane u at `level` that low_pass() made it of.
  Spectrum low_pass_adjoint(const T* map_gradient, int level) const {
    Spectrum low{geometry_.rows.padded >> geometry_.output_level,
                 geometry_.columns.padded >> geometry_.output_level,
                 {}};
    low.values.resize(static_cast<std::size_t>(low.height) * low.width);
    const int border = geometry_.output_border;
    for (int row = 0; row < geometry_.rows.output; ++row) {
      for (int column = 0; column < geometry_.columns.output; ++column) {
        low.at(row + border, column + border) = static_cast<double>(*map_gradient++);
      }
    }
    fft_2d(low);
    return real_part_of_inverse(multiply(repeat(low, geometry_.output_level - level), phi_[level]));
  }

  // From the gradient of |u * psi_{j,theta}| to that of the real plane with the spectrum u at `level`.
  template <class Correlate>
  Spectrum modulus_adjoint(const Spectrum& u, int level, int j, int theta, const Spectrum& gradient,
                           const Correlate& correlate) const {
    const auto& psi = psi_.at({j, theta, level});
    const int levels = geometry_.level(j) - level;
    auto filtered = subsample(multiply(u, psi), levels);
    inverse_fft_2d(filtered);
    for (std::size_t i = 0; i < filtered.values.size(); ++i) {
      auto& value = filtered.values[i];
      const double modulus = std::abs(value);
      // The quotient first: one by a modulus near the smallest number is infinite.
      value = modulus == 0 ? 0 : value / modulus * gradient.values[i].real();  // NaN stays
    }
    fft_2d(filtered);
    const auto of_product = repeat(filtered, levels);
    correlate(u, level, j, theta, of_product);
    return real_part_of_inverse(multiply(of_product, psi));
  }

  // Adds what the gradient of a product u^ psi^ at `level` gives to that of the whole psi^:
  // Re(conj(u^) gradient), divided by the samples that the inverse transforms divide by.
  void add_correlation(const Spectrum& u, int level, const Spectrum& gradient, double* of_wavelet) const {
    const double share = 1.0 / static_cast<double>(u.values.size());
    for (int row = 0; row < u.height; ++row) {
      const int to_row = FilterBank::source_of(row, geometry_.rows.padded, level);
      for (int column = 0; column < u.width; ++column) {
        const int to_column = FilterBank::source_of(column, geometry_.columns.padded, level);
        if (to_row < 0 || to_column < 0) continue;
        of_wavelet[std::int64_t{to_row} * geometry_.columns.padded + to_column] +=
            (std::conj(u.at(row, column)) * gradient.at(row, column)).real() * share;
      }
    }
  }

  static Spectrum real_part_of_inverse(Spectrum spectrum) {
    inverse_fft_2d(spectrum);
    for (auto& value : spectrum.values) value = value.real();
    return spectrum;
  }

  Spectrum pad(const T* image) const {
    Spectrum padded{geometry_.rows.padded, geometry_.columns.padded, {}};
    padded.values.reserve(row_sources_.size() * column_sources_.size());
    for (int row : row_sources_) {
      for (int column : column_sources_) {
        const bool inside = row >= 0 && column >= 0;
        padded.values.emplace_back(
            inside ? static_cast<double>(image[static_cast<std::int64_t>(row) * options_.width + column])
                   : 0.0);
      }
    }
    return padded;
  }

  // The spectrum of |u * psi_{j,theta}|, at the level of scale j. u is a spectrum at `level`.
  Spectrum modulus(const Spectrum& u, int level, int j, int theta) const {
    auto filtered = subsample(multiply(u, psi_.at({j, theta, level})), geometry_.level(j) - level);
    inverse_fft_2d(filtered);
    for (auto& value : filtered.values) value = std::abs(value);
    fft_2d(filtered);
    return filtered;
  }

  // u * phi_J at the output stride, without the border. u is a spectrum at `level`.
  void low_pass(const Spectrum& u, int level, T* map) const {
    auto averaged = subsample(multiply(u, phi_[level]), geometry_.output_level - level);
    inverse_fft_2d(averaged);
    const int border = geometry_.output_border;
    for (int row = 0; row < geometry_.rows.output; ++row) {
      for (int column = 0; column < geometry_.columns.output; ++column) {
        *map++ = static_cast<T>(averaged.at(row + border, column + border).real());
      }
    }
  }

  struct FilterKey {
    int scale, angle, level;
    auto operator<=>(const FilterKey&) const = default;
  };

  ScatteringOptions options_;
  Geometry geometry_;
  std::vector<int> row_sources_;
  std::vector<int> column_sources_;
  std::int64_t maps_;
  std::vector<std::vector<double>> phi_;  // by level
  std::map<FilterKey, std::vector<double>> psi_;
};

}  // namespace

template <class T>
std::unique_ptr<Engine<T>> make_reference_engine(const ScatteringOptions& resolved, const Geometry& geometry,
                                                 const FilterBank& bank) {
  return std::make_unique<ReferenceEngine<T>>(resolved, geometry, bank);
}

double reference_engine_memory(const ScatteringOptions& resolved, const Geometry& geometry) {
  const auto values = [&](int last_level) {
    double sum = 0;
    for (int level = 0; level <= last_level; ++level) sum += std::exp2(-2 * level);
    return sum * geometry.rows.padded * geometry.columns.padded;
  };
  double sum = values(geometry.output_level);
  for (int j = 0; j < resolved.scales; ++j) sum += resolved.angles * values(geometry.level(j));
  return sum * sizeof(double);
}

template std::unique_ptr<Engine<float>> make_reference_engine<float>(const ScatteringOptions&,
                                                                     const Geometry&, const FilterBank&);
template std::unique_ptr<Engine<double>> make_reference_engine<double>(const ScatteringOptions&,
                                                                       const Geometry&, const FilterBank&);

}  // namespace scatlight
