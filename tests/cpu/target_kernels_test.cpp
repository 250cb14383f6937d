// The kernels on each target of this machine, against plain code. Each check returns its worst error, which
// is compared with a bound below.

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "core/fft.h"
#include "core/filter_bank.h"
#include "cpu/tables.h"
#include "cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/target_kernels_test.cpp"
#include <hwy/foreach_target.h>

#include "cpu/real_spectrum-inl.h"

#ifndef SCATLIGHT_TESTS_CPU_TARGET_KERNELS_TEST_ONCE_
#define SCATLIGHT_TESTS_CPU_TARGET_KERNELS_TEST_ONCE_
namespace scatlight::cpu {

/// The checks of one target and type.
struct Checks {
  std::string name;
  double epsilon;
  double (*dfts)();
  double (*ffts)();
  double (*transposition)();
  double (*modulus_and_phase)();
  double (*low_pass)(int* ways);
  double (*low_pass_adjoint)();
  double (*half_spectrum)();
};

inline std::vector<double> noise(std::size_t size) {
  static std::mt19937 generator(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> values(size);
  for (auto& value : values) value = uniform(generator);
  return values;
}

/// The DFT of a line by sums in long double, with the root exp(sign 2 pi i / length): in float64 core/fft
/// rounds as much as the kernels do.
inline std::vector<std::complex<double>> exact_dft(const std::vector<std::complex<double>>& line, int sign) {
  using Wide = std::complex<long double>;
  const int length = static_cast<int>(line.size());
  std::vector<Wide> roots(length);
  for (int k = 0; k < length; ++k)
    roots[k] = std::polar(1.0L, sign * 2 * std::numbers::pi_v<long double> * k / length);
  std::vector<std::complex<double>> result;
  for (int k = 0; k < length; ++k) {
    Wide sum = 0;
    for (int n = 0; n < length; ++n) sum += Wide(line[n]) * roots[n * k % length];
    result.emplace_back(sum);
  }
  return result;
}

/// The forward DFT of a plane, likewise.
inline void exact_dft_2d(ComplexPlane& plane) {
  const auto transform_line = [](int length, auto&& at) {
    std::vector<std::complex<double>> line;
    for (int n = 0; n < length; ++n) line.push_back(at(n));
    line = exact_dft(line, -1);
    for (int k = 0; k < length; ++k) at(k) = line[k];
  };
  for (int y = 0; y < plane.height; ++y)
    transform_line(plane.width, [&](int x) -> auto& { return plane.at(y, x); });
  for (int x = 0; x < plane.width; ++x)
    transform_line(plane.height, [&](int y) -> auto& { return plane.at(y, x); });
}

/// Runs check(low_pass, length, outputs) for the axes and levels of some plans.
template <class T, class Check>
void for_low_passes(int lanes, const Check& check) {
  for (const int size : {24, 56, 96, 200}) {
    for (int scales = 1; scales <= 4; ++scales) {
      const auto resolved = resolve({.height = size, .width = size, .scales = scales});
      const Geometry geometry(resolved);
      const FilterBank bank(resolved, geometry);
      for (int level = 0; level <= geometry.output_level; ++level) {
        const LowPass<T> low_pass(bank, geometry.rows, geometry, level, lanes,
                                  LowPass<T>::horizontal_tap_cost);
        check(low_pass, geometry.rows.padded >> level, geometry.rows.output);
      }
    }
  }
}

}  // namespace scatlight::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
inline constexpr int lanes_of = hn::MaxLanes(Tag<T>());

template <class T>
AlignedVector<T> noise_of(std::size_t size) {
  const auto values = noise(size);
  return AlignedVector<T>(values.begin(), values.end());
}

// Elements are inputs and outputs of lanes_of<T> transforms; the error is that of all, of the largest output.
template <class T>
double transform_error(int length, const AlignedVector<T>& in, const AlignedVector<T>& out, int sign) {
  constexpr int lanes = lanes_of<T>;
  const auto at = [&](const AlignedVector<T>& elements, int n, int lane) {
    return std::complex<double>(elements[2 * n * lanes + lane], elements[(2 * n + 1) * lanes + lane]);
  };
  double worst = 0;
  double largest = 0;
  for (int lane = 0; lane < lanes; ++lane) {
    std::vector<std::complex<double>> line;
    for (int n = 0; n < length; ++n) line.push_back(at(in, n, lane));
    line = exact_dft(line, sign);
    for (int k = 0; k < length; ++k) {
      worst = std::max(worst, std::abs(line[k] - at(out, k, lane)));
      largest = std::max(largest, std::abs(line[k]));
    }
  }
  return worst / largest;
}

template <class T, int N>
HWY_ATTR double dft_error() {
  const Tag<T> d;
  constexpr int element = 2 * lanes_of<T>;
  const auto in = noise_of<T>(N * element);
  AlignedVector<T> out(in.size());
  Complex<Tag<T>> x[N];
  for (int n = 0; n < N; ++n) x[n] = load_element(d, &in[n * element]);
  Dft<N>::run(d, x);
  for (int n = 0; n < N; ++n) store_element(d, x[n], &out[n * element]);
  return transform_error<T>(N, in, out, 1);
}

template <class T>
double check_dfts() {
  double worst = 0;
  // Of 2 ... 21 elements, whether FFTs use them or not.
  unroll<20>([&](auto i) { worst = std::max(worst, dft_error<T, decltype(i)::value + 2>()); });
  return worst;
}

template <class T, Direction direction>
HWY_ATTR double fft_error(int length) {
  const Tag<T> d;
  constexpr int element = 2 * lanes_of<T>;
  const FftPlan<T> plan(length, lanes_of<T>);
  auto in = noise_of<T>(length * element);
  AlignedVector<T> out(in.size());
  AlignedVector<T> work(plan.work_elements() * element);
  AlignedVector<T> prime(plan.prime_elements() * element);
  transform<direction>(d, plan, Elements<Tag<T>>{in.data()}, Buffer<Tag<T>>{work.data()}, prime.data(),
                       Elements<Tag<T>>{out.data()});
  return transform_error<T>(length, in, out, direction == Direction::Forward ? -1 : 1);
}

template <class T>
double check_ffts() {
  double worst = 0;
  // One stage, two, three; prime-factor and with twiddle factors; primes that are compiled, and 17, 19 and
  // 47, which are not.
  for (const int length : {2, 7, 16, 12, 17, 21, 36, 64, 75, 94, 112, 143, 152, 176, 240, 256, 264, 304}) {
    worst =
        std::max({worst, fft_error<T, Direction::Inverse>(length), fft_error<T, Direction::Forward>(length)});
  }
  return worst;
}

template <class T>
HWY_ATTR double check_transposition() {
  constexpr int lanes = lanes_of<T>;
  constexpr int stride = lanes + 3;
  const auto from = noise_of<T>(lanes * stride);
  AlignedVector<T> to(from.size());
  transpose(Tag<T>(), from.data(), stride, to.data(), stride);
  double worst = 0;
  for (int r = 0; r < lanes; ++r) {
    for (int c = 0; c < lanes; ++c)
      worst = std::max(worst, std::abs(double{from[r * stride + c]} - double{to[c * stride + r]}));
  }
  return worst;
}

// Infinite if 0 does not give exactly 0.
template <class T>
HWY_ATTR double check_modulus_and_phase() {
  const Tag<T> d;
  constexpr int lanes = lanes_of<T>;
  double worst = 0;
  for (const double magnitude : {0.0, 1e-18, 1e-3, 1.0, 1e6, 1e15}) {
    auto z = noise_of<T>(2 * lanes);
    const auto g = noise_of<T>(lanes);
    for (auto& part : z) part = static_cast<T>(part * magnitude);
    AlignedVector<T> moduli(lanes);
    AlignedVector<T> phases(2 * lanes);
    const auto element = load_element(d, z.data());
    hn::Store(modulus(d, element), d, moduli.data());
    store_element(d, phase(d, hn::Load(d, g.data()), element), phases.data());
    for (int lane = 0; lane < lanes; ++lane) {
      const std::complex<double> expected(z[lane], z[lanes + lane]);
      const std::complex<double> got(phases[lane], phases[lanes + lane]);
      if (magnitude == 0) {
        if (moduli[lane] != 0 || got != 0.0) return std::numeric_limits<double>::infinity();
        continue;
      }
      const double exact = std::abs(expected);
      worst = std::max({worst, std::abs(moduli[lane] - exact) / exact,
                        std::abs(got - double{g[lane]} * expected / exact)});
    }
  }
  return worst;
}

// A line of vectors, with halos, its low-pass in all ways that there are, and the memory for these.
template <class T>
struct Line {
  static constexpr int lanes = lanes_of<T>;

  Line(const LowPass<T>& low_pass, int length)
      : low_pass(low_pass), length(length), samples((length + 2 * low_pass.radius) * lanes) {
    std::size_t elements = 2 * length;
    std::size_t work_elements = 1;
    std::size_t prime_elements = 1;
    if (low_pass.halves) elements += low_pass.halves->scratch_vectors(low_pass.step);
    if (low_pass.spectral) {
      for (const auto* plan : {&low_pass.spectral->line, &low_pass.spectral->outputs}) {
        work_elements = std::max<std::size_t>(work_elements, plan->work_elements());
        prime_elements = std::max<std::size_t>(prime_elements, plan->prime_elements());
      }
    }
    line.resize(elements * 2 * lanes);
    work.resize(work_elements * 2 * lanes);
    prime.resize(prime_elements * 2 * lanes);
  }

  T* first() { return samples.data() + low_pass.radius * lanes; }
  LineLowPass<Tag<T>> kernel() { return {line.data(), work.data(), prime.data()}; }

  const LowPass<T>& low_pass;
  int length;
  AlignedVector<T> samples;
  AlignedVector<T> line;
  AlignedVector<T> work;
  AlignedVector<T> prime;
};

template <class T>
double worst_difference(const AlignedVector<T>& a, const AlignedVector<T>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(double{a[i]} - double{b[i]}));
  return worst;
}

// The weights at each output against plain code, and the other ways against that one. Samples are at most 1
// and weights add up to 1. Counts how often each way was there.
template <class T>
HWY_ATTR double check_low_pass(int* ways) {
  constexpr int lanes = lanes_of<T>;
  double worst = 0;
  for_low_passes<T>(lanes, [&](const LowPass<T>& low_pass, int length, int outputs) HWY_ATTR {
    Line<T> line(low_pass, length);
    const auto samples = noise_of<T>(length * lanes);
    std::copy(samples.begin(), samples.end(), line.first());
    AlignedVector<T> expected(outputs * lanes);
    for (int out = 0; out < outputs; ++out) {
      for (int lane = 0; lane < lanes; ++lane) {
        double sum = 0;
        for (int tap = -low_pass.radius; tap <= low_pass.radius; ++tap) {
          const int at = ((out + low_pass.border) * low_pass.step + tap + 2 * length) % length;
          sum += double{*low_pass.weights_from(low_pass.radius + tap)} * samples[at * lanes + lane];
        }
        expected[out * lanes + lane] = static_cast<T>(sum);
      }
    }
    AlignedVector<T> averages(outputs * lanes);
    auto kernel = line.kernel();
    if (low_pass.halves) {
      kernel.average_halves(low_pass, outputs, line.first(), lanes, averages.data(), lanes);
      worst = std::max(worst, worst_difference(averages, expected));
      ++ways[1];
    }
    if (low_pass.spectral) {
      AlignedVector<T> second(outputs * lanes);
      kernel.average_pair(low_pass, outputs, line.first(), line.first(), lanes, averages.data(),
                          second.data(), lanes);
      worst = std::max({worst, worst_difference(averages, expected), worst_difference(second, expected)});
      ++ways[2];
    }
    kernel.continue_periodically(low_pass, length, line.samples.data(), lanes);
    kernel.average(low_pass, outputs,
                   line.samples.data() + low_pass.center(0) * lanes + low_pass.radius * lanes, lanes,
                   averages.data(), lanes);
    worst = std::max(worst, worst_difference(averages, expected));
    ++ways[0];
  });
  return worst;
}

// <average x, y> = <x, spread y>, of the two ways that have an adjoint.
template <class T>
HWY_ATTR double check_low_pass_adjoint() {
  constexpr int lanes = lanes_of<T>;
  double worst = 0;
  for_low_passes<T>(lanes, [&](const LowPass<T>& low_pass, int length, int outputs) HWY_ATTR {
    Line<T> line(low_pass, length);
    const auto x = noise_of<T>(length * lanes);
    const auto y = noise_of<T>(outputs * lanes);
    AlignedVector<T> averages(outputs * lanes);
    auto kernel = line.kernel();
    const auto product = [](const AlignedVector<T>& a, const T* b) {
      double sum = 0;
      for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
      return sum;
    };
    const auto compare = [&] {
      const double scale = std::sqrt(product(x, x.data()) * product(y, y.data()));
      worst = std::max(worst, std::abs(product(averages, y.data()) - product(x, line.first())) / scale);
    };
    std::copy(x.begin(), x.end(), line.first());
    kernel.continue_periodically(low_pass, length, line.samples.data(), lanes);
    kernel.average(low_pass, outputs, line.first() + low_pass.center(0) * lanes, lanes, averages.data(),
                   lanes);
    kernel.spread(low_pass, length, outputs, y.data(), lanes, line.samples.data(), lanes);
    compare();
    if (!low_pass.spectral) return;
    AlignedVector<T> second(length * lanes);
    kernel.spread_pair(low_pass, outputs, y.data(), y.data(), lanes, line.first(), second.data(), lanes);
    compare();
  });
  return worst;
}

// The folded spectra of a plane against its DFT. Relative to the largest sample.
template <class T, int BlockSize>
HWY_ATTR double half_spectrum_error(int height, int width) {
  constexpr int lanes = lanes_of<T>;
  constexpr int column_step = lanes / BlockSize;  // lanes that are planes all have the same one
  const auto resolved = resolve({.height = height, .width = width, .scales = 2, .angles = 2, .max_order = 2});
  const Geometry geometry(resolved);
  const Tables<T> tables(resolved, geometry, FilterBank(resolved, geometry),
                         {.lanes = lanes, .block_size = BlockSize});
  const auto& level = tables.tilings[0].levels[0];
  const auto& band = *tables.tilings[0].image_band;
  AlignedVector<T> memory(scratch_size(tables.scratch, Pass::Forward));
  const Workspace<Tag<T>, BlockSize> workspace{
      tables, make_scratch(tables.scratch, Pass::Forward, memory.data()), column_step};
  const RealSpectrum<Tag<T>, BlockSize> spectrum(workspace);

  ComplexPlane expected{level.height, level.width, {}};
  for (const double value : noise(std::size_t(level.height) * level.width))
    expected.values.emplace_back(static_cast<double>(static_cast<T>(value)));
  for (int y = 0; y < level.height; y += BlockSize) {
    T* row = workspace.row(level, y, 0);
    for (int x = 0; x < level.width; ++x) {
      for (int lane = 0; lane < lanes; ++lane)
        row[x * lanes + lane] =
            static_cast<T>(expected.at(std::min(y + lane / column_step, level.height - 1), x).real());
    }
    spectrum.keep_rows(level, y, row);
  }
  AlignedVector<T> folded(band.size);
  spectrum.fold(level, band, folded.data());
  exact_dft_2d(expected);

  double worst = 0;
  double largest = 0;
  for (const auto& value : expected.values) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < band.foldings.size(); ++i) {
    const auto& folding = band.foldings[i];
    for (const auto& block : folding.alias_blocks) {
      const T* element = folded.data() + band.offsets[i] + block.begin;
      for (const int row : folding.rows) {
        for (int lane = 0; lane < block.used * column_step; ++lane) {
          const bool lone = block.lone >= 0 && lane == 0;
          const int column = lone ? block.lone : block.column + lane / column_step;
          const std::complex<double> got(element[lane], element[lanes + lane]);
          worst = std::max(worst, std::abs(got - expected.at(block.row + row, column)));
        }
        element += 2 * lanes;
      }
    }
  }
  return worst / largest;
}

template <class T>
double check_half_spectrum() {
  return std::max({half_spectrum_error<T, lanes_of<T>>(40, 56), half_spectrum_error<T, lanes_of<T>>(61, 33),
                   half_spectrum_error<T, 1>(24, 36)});
}

template <class T>
Checks checks(const std::string& target) {
  return {.name = target + (sizeof(T) == 4 ? ", float32" : ", float64"),
          .epsilon = std::numeric_limits<T>::epsilon(),
          .dfts = check_dfts<T>,
          .ffts = check_ffts<T>,
          .transposition = check_transposition<T>,
          .modulus_and_phase = check_modulus_and_phase<T>,
          .low_pass = check_low_pass<T>,
          .low_pass_adjoint = check_low_pass_adjoint<T>,
          .half_spectrum = check_half_spectrum<T>};
}

void add_checks(const std::string& target, std::vector<Checks>& list) {
  list.push_back(checks<float>(target));
  list.push_back(checks<double>(target));
}

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <gtest/gtest.h>

#include "cpu/plans.h"

namespace scatlight::cpu {
namespace {

// As available_kernels() asks the processor.
std::vector<Checks> all_checks() {
  std::vector<Checks> list;
  for (const auto& target : test::fast_engines()) {
#if HWY_TARGETS & HWY_SCALAR
    if (target == "baseline") N_SCALAR::add_checks(target, list);
#elif HWY_TARGETS & HWY_EMU128
    if (target == "baseline") N_EMU128::add_checks(target, list);
#endif
#if HWY_TARGETS & HWY_NEON
    if (target == "neon") N_NEON::add_checks(target, list);
#endif
#if HWY_TARGETS & HWY_SSE4
    if (target == "sse4") N_SSE4::add_checks(target, list);
#endif
#if HWY_TARGETS & HWY_AVX2
    if (target == "avx2") N_AVX2::add_checks(target, list);
#endif
#if HWY_TARGETS & HWY_AVX3
    if (target == "avx512") N_AVX3::add_checks(target, list);
#endif
  }
  EXPECT_FALSE(list.empty());
  return list;
}

TEST(Kernels, DftsOfAllSmallLengths) {
  for (const auto& of : all_checks()) EXPECT_LT(of.dfts(), 4 * of.epsilon) << of.name;
}

TEST(Kernels, FftsInBothDirections) {
  for (const auto& of : all_checks()) EXPECT_LT(of.ffts(), 8 * of.epsilon) << of.name;
}

TEST(Kernels, Transposition) {
  for (const auto& of : all_checks()) EXPECT_EQ(of.transposition(), 0) << of.name;
}

TEST(Kernels, ModulusAndPhase) {
  for (const auto& of : all_checks()) EXPECT_LT(of.modulus_and_phase(), 4 * of.epsilon) << of.name;
}

TEST(Kernels, LowPassInAllWays) {
  for (const auto& of : all_checks()) {
    int ways[3] = {};
    EXPECT_LT(of.low_pass(ways), 16 * of.epsilon) << of.name;
    for (const int count : ways) EXPECT_GT(count, 0) << of.name;
  }
}

TEST(Kernels, LowPassHasItsAdjoint) {
  for (const auto& of : all_checks()) EXPECT_LT(of.low_pass_adjoint(), 4 * of.epsilon) << of.name;
}

TEST(Kernels, HalfSpectrumIsTheDft) {
  for (const auto& of : all_checks()) EXPECT_LT(of.half_spectrum(), 4 * of.epsilon) << of.name;
}

}  // namespace
}  // namespace scatlight::cpu

#endif
