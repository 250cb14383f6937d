#include "scatlight/scattering.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <utility>

#include "core/filter_bank.h"
#include "core/given_wavelets.h"
#include "core/parallel_for.h"
#include "core/reference_engine.h"
#include "core/translate_bad_alloc.h"
#include "cpu/engine.h"

namespace scatlight {
namespace {

constexpr std::string_view reference_name = "reference";

// The name of an engine, if one was asked for.
std::optional<std::string> forced_engine() {
  const char* forced = std::getenv("SCATLIGHT_ENGINE");
  if (forced == nullptr || *forced == '\0') return std::nullopt;
  const auto available = Scattering::available_engines();
  if (std::find(available.begin(), available.end(), forced) == available.end()) {
    throw Error(
        fmt::format("SCATLIGHT_ENGINE is '{}'; this machine has {}", forced, fmt::join(available, ", ")));
  }
  return forced;
}

// An engine of one precision, made when it is first used: most plans only ever see one.
template <class T>
class LazyEngine {
 public:
  template <class Make>
  const Engine<T>& get(const Make& make) const {
    std::call_once(once_, [&] { engine_ = make(); });
    return *engine_;
  }

 private:
  mutable std::once_flag once_;
  mutable std::unique_ptr<Engine<T>> engine_;
};

std::string describe_bytes(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.1f} MB", bytes / 1e6) : fmt::format("{:.1f} GB", bytes / 1e9);
}

// Above what the filters of a vector engine take: all of them whole.
template <class T>
double most_memory(const ScatteringOptions& resolved, const Geometry& geometry) {
  double filters = resolved.scales;
  for (int scale = 0; scale + 1 < resolved.scales && resolved.max_order >= 2; ++scale)
    filters += (resolved.scales - 1 - scale) * std::exp2(-2 * geometry.level(scale));
  return filters * resolved.angles * geometry.rows.padded * geometry.columns.padded * sizeof(T);
}

}  // namespace

struct Scattering::Plan {
  explicit Plan(const ScatteringOptions& given)
      : options(resolve(given)),
        geometry(options),
        bank(options, geometry),
        paths(make_paths(options)),
        forced(forced_engine()),
        engine_name(forced.value_or(available_engines().back())),
        run(choose_threads(options)) {
    require_memory<float>(false);
  }

  // The same with the wavelets of another bank.
  Plan(std::shared_ptr<const Plan> fixed_plan, FilterBank given)
      : options(fixed_plan->options),
        geometry(fixed_plan->geometry),
        bank(std::move(given)),
        paths(fixed_plan->paths),
        forced(fixed_plan->forced),
        engine_name(fixed_plan->engine_name),
        run(fixed_plan->run),
        fixed(std::move(fixed_plan)) {
    require_memory<float>(true);
  }

  template <class T>
  const Engine<T>& engine() const {
    const auto make = [this] {
      require_memory<T>(fixed != nullptr);
      if (fixed) return fixed->engine<T>().with_wavelets(bank);
      return engine_name == reference_name
                 ? make_reference_engine<T>(options, geometry, bank)
                 : cpu::make_engine<T>(engine_name, forced.has_value(), options, geometry, bank);
    };
    if constexpr (std::is_same_v<T, float>) {
      return float_engine.get(make);
    } else {
      return double_engine.get(make);
    }
  }

  // `whole`: of wavelets whose spectra may be negligible nowhere.
  template <class T>
  void require_memory(bool whole) const {
    const auto limit = static_cast<double>(options.memory_limit);
    const auto of_vectors = [&] {
      const double most = most_memory<T>(options, geometry);
      return whole || most <= limit
                 ? most
                 : cpu::engine_memory<T>(engine_name, forced.has_value(), options, geometry);
    };
    const double needed =
        engine_name == reference_name ? reference_engine_memory(options, geometry) : of_vectors();
    if (needed <= limit) return;
    throw Error(
        fmt::format("the filters for {} x {} with J = {}, L = {} and order {} take about {} as float{}; "
                    "memory_limit is {}",
                    options.height, options.width, options.scales, options.angles, options.max_order,
                    describe_bytes(needed), 8 * sizeof(T), describe_bytes(limit)));
  }

  template <class T>
  void forward(std::span<const T> images, std::span<T> features) const {
    const auto planes = count_planes(geometry, paths.size(), images.size(), features.size(), "features");
    translate_bad_alloc("transform planes of", options, [&] {
      const auto& made = engine<T>();
      if (planes > 0) made.forward(images.data(), planes, features.data(), run);
    });
  }

  // `more`: the wavelet gradients, if they are asked for.
  template <class T, class... More>
  void backward(std::span<const T> images, std::span<const T> feature_gradients, std::span<T> gradients,
                More*... more) const {
    const auto planes =
        count_planes(geometry, paths.size(), images.size(), feature_gradients.size(), "feature_gradients");
    if (gradients.size() != images.size()) {
      throw Error(
          fmt::format("image_gradients hold {} values; the images have {}", gradients.size(), images.size()));
    }
    translate_bad_alloc("transform planes of", options, [&] {
      const auto& made = engine<T>();
      if (planes > 0 || sizeof...(more) > 0)
        made.backward(images.data(), feature_gradients.data(), planes, gradients.data(), more..., run);
    });
  }

  template <class T>
  void backward_to_wavelets(std::span<const T> images, std::span<const T> feature_gradients,
                            std::span<T> gradients, std::span<double> wavelet_gradients) const {
    check_wavelet_values("wavelet_gradients", wavelet_gradients.size(), options, geometry);
    require_memory<T>(true);
    backward(images, feature_gradients, gradients, wavelet_gradients.data());
  }

  static void check(const char* what, int index, int count) {
    if (index < 0 || index >= count)
      throw Error(fmt::format("{} is {}; it must be between 0 and {}", what, index, count - 1));
  }

  ScatteringOptions options;
  Geometry geometry;
  FilterBank bank;
  std::vector<Path> paths;
  std::optional<std::string> forced;
  std::string engine_name;
  ParallelFor run;
  std::shared_ptr<const Plan> fixed;  // of the options' wavelets, if these are others
  LazyEngine<float> float_engine;
  LazyEngine<double> double_engine;
};

Scattering::Scattering(const ScatteringOptions& options)
    : plan_(translate_bad_alloc(to_plan, options, [&] { return std::make_shared<const Plan>(options); })) {}

Scattering::Scattering(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}

Scattering Scattering::with_wavelets(std::span<const WaveletShape> shapes) const {
  check_shapes(shapes, plan_->options);
  const auto& fixed = plan_->fixed ? plan_->fixed : plan_;
  if (std::ranges::equal(shapes, FilterBank::shapes_of(plan_->options))) return Scattering(fixed);
  return Scattering(translate_bad_alloc(to_plan, plan_->options, [&] {
    return std::make_shared<const Plan>(fixed, fixed->bank.with(std::vector(shapes.begin(), shapes.end())));
  }));
}

Scattering Scattering::with_wavelets(std::span<const double> spectra) const {
  check_spectra(spectra, plan_->options, plan_->geometry);
  const auto& fixed = plan_->fixed ? plan_->fixed : plan_;
  return Scattering(translate_bad_alloc(to_plan, plan_->options, [&] {
    return std::make_shared<const Plan>(fixed, fixed->bank.with(std::vector(spectra.begin(), spectra.end())));
  }));
}

const ScatteringOptions& Scattering::options() const { return plan_->options; }
const std::vector<Path>& Scattering::paths() const { return plan_->paths; }
double Scattering::theta(int angle) const {
  plan_->check("angle", angle, plan_->options.angles);
  return plan_->bank.theta(angle);
}

std::vector<double> Scattering::low_pass(int level) const {
  plan_->check("level", level, plan_->options.scales);
  return plan_->bank.phi(level);
}

std::vector<double> Scattering::wavelet(int scale, int angle, int level) const {
  plan_->check("scale", scale, plan_->options.scales);
  plan_->check("angle", angle, plan_->options.angles);
  plan_->check("level", level, scale + 1);
  return plan_->bank.psi(scale, angle, level);
}

int Scattering::padded_height() const { return plan_->geometry.rows.padded; }
int Scattering::padded_width() const { return plan_->geometry.columns.padded; }
int Scattering::output_height() const { return plan_->geometry.rows.output; }
int Scattering::output_width() const { return plan_->geometry.columns.output; }
std::string_view Scattering::engine() const { return plan_->engine_name; }

void Scattering::forward(std::span<const float> images, std::span<float> features) const {
  plan_->forward(images, features);
}

void Scattering::forward(std::span<const double> images, std::span<double> features) const {
  plan_->forward(images, features);
}

void Scattering::backward(std::span<const float> images, std::span<const float> feature_gradients,
                          std::span<float> image_gradients) const {
  plan_->backward(images, feature_gradients, image_gradients);
}

void Scattering::backward(std::span<const double> images, std::span<const double> feature_gradients,
                          std::span<double> image_gradients) const {
  plan_->backward(images, feature_gradients, image_gradients);
}

void Scattering::backward(std::span<const float> images, std::span<const float> feature_gradients,
                          std::span<float> image_gradients, std::span<double> wavelet_gradients) const {
  plan_->backward_to_wavelets(images, feature_gradients, image_gradients, wavelet_gradients);
}

void Scattering::backward(std::span<const double> images, std::span<const double> feature_gradients,
                          std::span<double> image_gradients, std::span<double> wavelet_gradients) const {
  plan_->backward_to_wavelets(images, feature_gradients, image_gradients, wavelet_gradients);
}

std::vector<std::string> Scattering::available_engines() {
  std::vector<std::string> names = {std::string(reference_name)};
  for (const auto target : cpu::available_targets()) names.emplace_back(target);
  return names;
}

}  // namespace scatlight
