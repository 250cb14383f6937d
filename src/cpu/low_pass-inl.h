// phi_J along lines of vectors, and its adjoint. Included once for each target.

#if defined(SCATLIGHT_CPU_LOW_PASS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_LOW_PASS_INL_H_
#undef SCATLIGHT_CPU_LOW_PASS_INL_H_
#else
#define SCATLIGHT_CPU_LOW_PASS_INL_H_
#endif

#include <algorithm>

#include "cpu/fft-inl.h"
#include "cpu/low_pass.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// A line is samples `step` values apart, each a vector. A LowPass that takes_whole lines averages one by its
// halves, or two at a time by their spectra. Any other needs a line that is continued by its radius on both
// sides or, for outputs that belong to a section of a line, twice the radius of zeros on both sides of it.
template <class D>
class LineLowPass {
  using T = Real<D>;

 public:
  // `line`, `work` and `prime` as in Scratch.
  LineLowPass(T* line, T* work, T* prime) : line_(line), work_(work), prime_(prime) {}

  // Continues a line by the radius on both sides: before it stands a copy of its end, after it one of
  // its beginning.
  HWY_INLINE HWY_ATTR void continue_periodically(const LowPass<T>& low_pass, int length, T* line,
                                                 std::size_t step) const {
    const std::size_t margin = low_pass.radius * step;
    std::copy_n(line + length * step, margin, line);
    std::copy_n(line + margin, margin, line + length * step + margin);
  }

  // A low-pass at `count` outputs; `line` is the sample in the middle of the first one's weights, and the
  // samples of all weights exist.
  HWY_INLINE HWY_ATTR void average(const LowPass<T>& low_pass, int count, const T* line, std::size_t step,
                                   T* to, std::size_t to_step) const {
    average(Taps{low_pass.weights_from(low_pass.radius), low_pass.radius, low_pass.step, low_pass.level_step},
            count, line, step, to, to_step);
  }

  // A low-pass of a whole line by its halves.
  HWY_NOINLINE HWY_ATTR void average_halves(const LowPass<T>& low_pass, int outputs, const T* line,
                                            std::size_t step, T* to, std::size_t to_step) const {
    constexpr int lanes = hn::MaxLanes(D());
    const auto& halves = *low_pass.halves;
    const int length = halves.length;
    const int radius = halves.radius;
    const int count = length / low_pass.step;
    T* sums = line_ + radius * lanes;
    T* differences = sums + (length + 2 * radius) * lanes;
    T* of_sums = differences + (length + radius) * lanes;
    T* of_differences = of_sums + count * lanes;
    const auto store = [&](int n, hn::Vec<D> sum, hn::Vec<D> difference) HWY_ATTR {
      hn::Store(sum, d_, sums + n * lanes);
      hn::Store(difference, d_, differences + n * lanes);
    };
    for (int n = 0; n < length; ++n) {
      const auto first = hn::Load(d_, line + n * step);
      const auto second = hn::Load(d_, line + (n + length) * step);
      const auto sum = hn::Add(first, second);
      const auto difference = hn::Sub(first, second);
      store(n, sum, difference);
      if (n < radius) store(n + length, sum, hn::Neg(difference));
      if (n >= length - radius) store(n - length, sum, hn::Neg(difference));
    }
    const auto taps = [&](const std::vector<T>& weights) {
      return Taps{weights.data(), radius, low_pass.step, low_pass.level_step};
    };
    average(taps(halves.of_sums), count, sums, lanes, of_sums, lanes);
    average(taps(halves.of_differences), count, differences, lanes, of_differences, lanes);
    for (int out = 0; out < outputs; ++out) {
      const int at = (out + low_pass.border) % count * lanes;
      const auto a = hn::Load(d_, of_sums + at);
      const auto b = hn::Load(d_, of_differences + at);
      hn::Store(out + low_pass.border < count ? hn::Add(a, b) : hn::Sub(a, b), d_, to + out * to_step);
    }
  }

  // A low-pass by its spectrum, of two lines that travel as real and imaginary parts; of each sample, the
  // first vector. (Two inverse transforms turn a line around.)
  HWY_NOINLINE HWY_ATTR void average_pair(const LowPass<T>& low_pass, int outputs, const T* first,
                                          const T* second, std::size_t step, T* first_to, T* second_to,
                                          std::size_t to_step) const {
    const auto& spectral = *low_pass.spectral;
    const int length = spectral.line.length;
    const int kept = spectral.outputs.length;
    const Elements<D> elements{line_};
    for (int x = 0; x < length; ++x) {
      store_element(d_, Complex<D>{hn::Load(d_, first + x * step), hn::Load(d_, second + x * step)},
                    line_ + x * element);
    }
    fft(spectral.line, elements, elements);
    for (int k = 0; k < kept; ++k) {
      Complex<D> sum = zero(d_);
      for (int from = k; from < length; from += kept) {
        sum = add_scaled(sum, hn::Set(d_, spectral.factors[from]), load_element(d_, line_ + from * element));
      }
      store_element(d_, sum, line_ + k * element);
    }
    fft(spectral.outputs, elements, elements);
    for (int out = 0; out < outputs; ++out) {
      const auto value = load_element(d_, line_ + (kept - low_pass.border - out) % kept * element);
      hn::Store(value.re, d_, first_to + out * to_step);
      hn::Store(value.im, d_, second_to + out * to_step);
    }
  }

  // The adjoint of average and of what continues the line.
  HWY_INLINE HWY_ATTR void spread(const LowPass<T>& low_pass, int length, int outputs, const T* from,
                                  std::size_t from_step, T* line, std::size_t step) const {
    const int end = length + 2 * low_pass.radius;
    constexpr int together = LowPass<T>::together;
    if (end < together) {
      for (int x = 0; x < end; ++x) spread_to<1>(low_pass, x, outputs, from, from_step, line, step);
    } else {
      for (int x = 0; x < end; x += together) {
        spread_to<together>(low_pass, std::min(x, end - together), outputs, from, from_step, line, step);
      }
    }
    T* samples = line + low_pass.radius * step;
    for (int i = 0; i < low_pass.radius; ++i) {
      add_vector(d_, hn::Load(d_, line + i * step), samples + (length - low_pass.radius + i) * step);
      add_vector(d_, hn::Load(d_, samples + (length + i) * step), samples + i * step);
    }
  }

  // The adjoint of average_pair.
  HWY_NOINLINE HWY_ATTR void spread_pair(const LowPass<T>& low_pass, int outputs, const T* first,
                                         const T* second, std::size_t from_step, T* first_to, T* second_to,
                                         std::size_t step) const {
    const auto& spectral = *low_pass.spectral;
    const int length = spectral.line.length;
    const int kept = spectral.outputs.length;
    const Elements<D> elements{line_};
    std::fill_n(line_, kept * element, T{0});
    for (int out = 0; out < outputs; ++out) {
      store_element(d_,
                    Complex<D>{hn::Load(d_, first + out * from_step), hn::Load(d_, second + out * from_step)},
                    line_ + (kept - low_pass.border - out) % kept * element);
    }
    fft(spectral.outputs, elements, elements);
    for (int first_k = 0; first_k < kept; ++first_k) {
      const auto value = load_element(d_, line_ + first_k * element);
      for (int k = first_k; k < length; k += kept) {
        const auto factor = hn::Set(d_, spectral.factors[k]);
        store_element(d_, scale(factor, value), line_ + k * element);
      }
    }
    fft(spectral.line, elements, elements);
    for (int x = 0; x < length; ++x) {
      const auto value = load_element(d_, line_ + x * element);
      hn::Store(value.re, d_, first_to + x * step);
      hn::Store(value.im, d_, second_to + x * step);
    }
  }

 private:
  static constexpr std::size_t element = 2 * hn::MaxLanes(D());

  HWY_INLINE HWY_ATTR void fft(const FftPlan<T>& plan, const Elements<D>& source,
                               const Elements<D>& sink) const {
    transform<Direction::Inverse>(d_, plan, source, Buffer<D>{work_}, prime_, sink);
  }

  // Symmetric weights, from the middle on.
  struct Taps {
    const T* weights;
    int radius;
    int step;  // of outputs, 2^level_step
    int level_step;
  };

  HWY_NOINLINE HWY_ATTR void average(const Taps& taps, int count, const T* line, std::size_t step, T* to,
                                     std::size_t to_step) const {
    // Known to the compiler where samples stand one after the other.
    constexpr int lanes = hn::MaxLanes(D());
    using Known = std::integer_sequence<int, 2 * lanes, 4 * lanes, 8 * lanes>;
    const auto average_with = [&](auto next)
                                  HWY_ATTR { average(taps, count, line, step, next, to, to_step); };
    const std::size_t next = taps.step * step;
    if (!with_one_of(Known{}, static_cast<int>(next), average_with)) average_with(next);
  }
  // `Next`: what is between the samples of neighbouring outputs, a number or a constant.
  template <class Next>
  HWY_INLINE HWY_ATTR void average(const Taps& taps, int count, const T* line, std::size_t step, Next next,
                                   T* to, std::size_t to_step) const {
    constexpr int most = hn::MaxLanes(D()) * sizeof(T) >= 64 ? 8 : 4;  // that registers hold
    const auto outputs = [&](auto together, int out) SCATLIGHT_LAMBDA {
      average_outputs<decltype(together)::value>(taps, line + out * next, step, next, to + out * to_step,
                                                 to_step);
    };
    int out = 0;
    for (; out + most <= count; out += most) outputs(Radix<most>{}, out);
    if (out == count) return;
    if (count < most) {
      for (; out < count; ++out) outputs(Radix<1>{}, out);
    } else if (count - out > most / 2) {
      outputs(Radix<most>{}, count - most);
    } else {
      outputs(Radix<most / 2>{}, count - most / 2);
    }
  }

  // Several outputs at once. Two samples at the same distance of an output have the same weight, and weights
  // a step apart share most samples of neighbouring outputs.
  template <int Count, class Next>
  HWY_INLINE HWY_ATTR void average_outputs(const Taps& taps, const T* middle, std::size_t step, Next next,
                                           T* to, std::size_t to_step) const {
    const T* weight = taps.weights;
    hn::Vec<D> sums[Count];
    const T* at = middle;
    unroll<Count>([&](auto i) SCATLIGHT_LAMBDA {
      sums[i] = hn::Mul(hn::Set(d_, *weight), hn::Load(d_, at));
      at += next;
    });
    const auto add_distances = [&](auto distances, int first) SCATLIGHT_LAMBDA {
      constexpr int count = decltype(distances)::value;  // a step apart
      const T* after = middle + first * step;
      const T* before = middle - first * step - (count - 1) * next;
      hn::Vec<D> factors[count];
      hn::Vec<D> x[Count + count - 1];
      hn::Vec<D> y[Count + count - 1];
      const auto load = [&](auto i) SCATLIGHT_LAMBDA {
        x[i] = hn::Load(d_, after);
        y[i] = hn::Load(d_, before);
        after += next;
        before += next;
        asm volatile("" ::: "memory");  // the compiler would load them again for each weight
      };
      unroll<count>([&](auto k)
                        SCATLIGHT_LAMBDA { factors[k] = hn::Set(d_, weight[first + k * taps.step]); });
      unroll<count - 1>(load);
      unroll<Count>([&](auto i) SCATLIGHT_LAMBDA {
        load(Radix<i + count - 1>{});
        unroll<count>([&](auto k) SCATLIGHT_LAMBDA {
          sums[i] = hn::MulAdd(factors[k], hn::Add(x[i + k], y[i + count - 1 - k]), sums[i]);
        });
      });
    };
    constexpr int most_distances = 4;
    for (int first = 1; first <= taps.radius; first += most_distances * taps.step) {
      const int end = std::min(first + taps.step, taps.radius + 1);
      for (int distance = first; distance < end; ++distance) {
        with_count<most_distances>(((taps.radius - distance) >> taps.level_step) + 1,
                                   [&](auto distances) SCATLIGHT_LAMBDA {
                                     if constexpr (decltype(distances)::value > 0)
                                       add_distances(distances, distance);
                                   });
      }
    }
    unroll<Count>([&](auto i) SCATLIGHT_LAMBDA { hn::Store(sums[i], d_, to + i * to_step); });
  }

  // Samples [x, x + Count) of a continued line, which share the loads of the outputs that reach them.
  template <int Count>
  HWY_INLINE HWY_ATTR void spread_to(const LowPass<T>& low_pass, int x, int outputs, const T* from,
                                     std::size_t from_step, T* line, std::size_t step) const {
    const auto [first, last] = low_pass.reaching(x, x + Count, outputs);
    hn::Vec<D> sums[Count];
    unroll<Count>([&](auto i) SCATLIGHT_LAMBDA { sums[i] = hn::Zero(d_); });
    const T* weight = low_pass.weights_from(x - low_pass.center(first));
    from += first * from_step;
    for (int out = first; out < last; ++out, from += from_step, weight -= low_pass.step) {
      const auto value = hn::Load(d_, from);
      unroll<Count>([&](auto i)
                        SCATLIGHT_LAMBDA { sums[i] = hn::MulAdd(hn::Set(d_, weight[i]), value, sums[i]); });
    }
    line += x * step;
    unroll<Count>([&](auto i) SCATLIGHT_LAMBDA { hn::Store(sums[i], d_, line + i * step); });
  }

  const D d_ = {};
  T* const line_;
  T* const work_;
  T* const prime_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
