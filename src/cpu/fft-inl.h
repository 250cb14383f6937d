// The stages of an FftPlan on vectors of lanes. Included once for each target.

#if defined(SCATLIGHT_CPU_FFT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_FFT_INL_H_
#undef SCATLIGHT_CPU_FFT_INL_H_
#else
#define SCATLIGHT_CPU_FFT_INL_H_
#endif

#include "cpu/dft-inl.h"
#include "cpu/fft_plan.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// In memory an element is the lanes' real parts, then their imaginary parts.
template <class D>
HWY_INLINE HWY_ATTR Complex<D> load_element(D d, const Real<D>* at) {
  return {hn::Load(d, at), hn::Load(d, at + hn::Lanes(d))};
}
template <class D>
HWY_INLINE HWY_ATTR void store_element(D d, Complex<D> value, Real<D>* at) {
  hn::Store(value.re, d, at);
  hn::Store(value.im, d, at + hn::Lanes(d));
}

// Adds to memory.
template <class D>
HWY_INLINE HWY_ATTR void add_vector(D d, hn::Vec<D> value, Real<D>* at) {
  hn::StoreU(hn::Add(hn::LoadU(d, at), value), d, at);
}
template <class D>
HWY_INLINE HWY_ATTR void add_element(D d, Complex<D> value, Real<D>* at) {
  store_element(d, load_element(d, at) + value, at);
}

// The source of a transform gives its elements one by one in the order of the first stage: load(d, position,
// index) is element `index` = plan.input[position]. The sink takes them in the order of the last stage as
// store(d, position, index, value), with `index` = plan.output[position].

// Elements in memory, one after the other.
template <class D>
struct Elements {
  Real<D>* data;

  HWY_INLINE HWY_ATTR Real<D>* at(D d, int index) const {
    return data + static_cast<std::size_t>(index) * (2 * hn::Lanes(d));
  }
  HWY_INLINE HWY_ATTR Complex<D> load(D d, int, int index) const { return load_element(d, at(d, index)); }
  HWY_INLINE HWY_ATTR void store(D d, int, int index, Complex<D> value) const {
    store_element(d, value, at(d, index));
  }
};

// Elements in memory, the one at `position` with its own offset from the beginning.
template <class D>
struct PlacedElements {
  Real<D>* data;
  const std::ptrdiff_t* offsets;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int) const {
    return load_element(d, data + offsets[position]);
  }
  HWY_INLINE HWY_ATTR void store(D d, int position, int, Complex<D> value) const {
    store_element(d, value, data + offsets[position]);
  }
};

// Elements `stride` reals apart.
template <class D>
struct StridedElements {
  Real<D>* data;
  std::size_t stride;

  HWY_INLINE HWY_ATTR Complex<D> load(D d, int, int index) const {
    return load_element(d, data + index * stride);
  }
  HWY_INLINE HWY_ATTR void store(D d, int, int index, Complex<D> value) const {
    store_element(d, value, data + index * stride);
  }
};

// Outputs k ... k + Count - 1 of prime_dft and their mirror images.
template <int Count, class D>
HWY_INLINE HWY_ATTR void prime_outputs(D d, int radix, int k, Complex<D> origin, const Real<D>* rotation,
                                       const Real<D>* pairs, Real<D>* x) {
  const std::size_t step = 2 * hn::Lanes(d);
  const int half = (radix - 1) / 2;
  Complex<D> even[Count];
  Complex<D> odd[Count];
  unroll<Count>([&](auto i) SCATLIGHT_LAMBDA {
    even[i] = origin;
    odd[i] = zero(d);
  });
  for (int j = 0; j < half; ++j, pairs += 2 * step) {
    const auto sum = load_element(d, pairs);
    const auto difference = load_element(d, pairs + step);
    unroll<Count>([&](auto i) SCATLIGHT_LAMBDA {
      const Real<D>* root = rotation + 2 * (i * half + j);
      even[i] = add_scaled(even[i], hn::Set(d, root[0]), sum);
      odd[i] = add_scaled(odd[i], hn::Set(d, root[1]), difference);
    });
  }
  unroll<Count>([&](auto i) SCATLIGHT_LAMBDA {
    store_element(d, add_i(even[i], odd[i]), x + (k + i + 1) * step);
    store_element(d, sub_i(even[i], odd[i]), x + (radix - 1 - k - i) * step);
  });
}

// A prime radix that is not compiled: the sums of PrimeDft in a loop over memory. `x` holds `radix` elements
// and is followed by scratch for as many.
template <class D>
HWY_NOINLINE HWY_ATTR void prime_dft(D d, int radix, const Real<D>* rotation, Real<D>* x) {
  const std::size_t step = 2 * hn::Lanes(d);
  const int half = (radix - 1) / 2;
  Real<D>* pairs = x + radix * step;  // (half, {sum, difference})
  const auto origin = load_element(d, x);
  auto total = origin;
  for (int j = 0; j < half; ++j) {
    const auto low = load_element(d, x + (j + 1) * step);
    const auto high = load_element(d, x + (radix - 1 - j) * step);
    const auto sum = low + high;
    total = total + sum;
    store_element(d, sum, pairs + 2 * j * step);
    store_element(d, low - high, pairs + (2 * j + 1) * step);
  }
  store_element(d, total, x);
  // Several outputs (and their mirror images) at a time, so that each pair is loaded less often: as many as
  // there are registers for.
  constexpr int together = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON ? 4 : 2;
  int k = 0;
  for (; k + together <= half; k += together, rotation += 2 * together * half)
    prime_outputs<together>(d, radix, k, origin, rotation, pairs, x);
  for (; k < half; ++k, rotation += 2 * half) prime_outputs<1>(d, radix, k, origin, rotation, pairs, x);
}

// A compiled radix, or Radix<0>: a prime known at run time only.
template <int R>
using Radix = std::integral_constant<int, R>;

// body(Radix) with the one of some radices; whether it is one of them.
template <int... Radices, class Body>
HWY_INLINE HWY_ATTR bool with_one_of(std::integer_sequence<int, Radices...>, int radix, const Body& body) {
  return ((radix == Radices && (body(Radix<Radices>{}), true)) || ...);
}

template <std::size_t... Index>
constexpr auto radices_at(std::index_sequence<Index...>) {
  return std::integer_sequence<int, narrow_fft_costs.radices[Index].radix...>{};
}

template <class Body>
HWY_INLINE HWY_ATTR void with_radix(int radix, const Body& body) {
  constexpr auto radices = radices_at(std::make_index_sequence<narrow_fft_costs.radices.size()>{});
  if (!with_one_of(radices, radix, body)) body(Radix<0>{});
}

template <class D>
HWY_INLINE HWY_ATTR Complex<D> twiddle(D d, Complex<D> value, const Real<D>* factor) {
  return rotate(value, hn::Set(d, factor[0]), hn::Set(d, factor[1]));
}

// Whether a DFT has more elements than registers hold, but two factors with few. (13 does not fit either.)
constexpr bool goes_through_memory(int n) { return n >= 15 && first_factor(n) < n; }

// Such a DFT, N = A B: between the two its elements are in memory. (Left to the compiler, they would be
// spilled one by one.)
template <int N, class D, class Load, class Store>
HWY_INLINE HWY_ATTR void composite_dft(D d, const Real<D>* twiddles, const Load& load, const Store& store) {
  constexpr int a = first_factor(N);
  constexpr int b = N / a;
  constexpr bool coprime = std::gcd(a, b) == 1;
  constexpr std::size_t step = 2 * hn::MaxLanes(D());
  HWY_ALIGN Real<D> between[N * step];  // (a, b)
  unroll<b>([&](auto n) SCATLIGHT_LAMBDA {
    Complex<D> x[a];
    unroll<a>([&](auto q) SCATLIGHT_LAMBDA { x[q] = load(coprime ? (b * q + a * n) % N : n + b * q); });
    asm volatile("" ::: "memory");  // the compiler would load each of them twice
    Dft<a>::run(d, x);
    constexpr int column = decltype(n)::value;
    unroll<a>([&](auto k) SCATLIGHT_LAMBDA {
      if constexpr (!coprime) x[k] = multiply_by_root<decltype(k)::value * column, N>(d, x[k]);
      store_element(d, x[k], between + (k * b + n) * step);
    });
  });
  asm volatile("" ::: "memory");  // the compiler would keep some in registers, and spill others for it
  unroll<a>([&](auto k) SCATLIGHT_LAMBDA {
    constexpr int row = decltype(k)::value;
    Complex<D> x[b];
    unroll<b>([&](auto m) SCATLIGHT_LAMBDA { x[m] = load_element(d, between + (k * b + m) * step); });
    asm volatile("" ::: "memory");
    Dft<b>::run(d, x);
    unroll<b>([&](auto m) SCATLIGHT_LAMBDA {
      constexpr int of_a = b * inverse_modulo(b % a, a);
      constexpr int of_b = a * inverse_modulo(a % b, b);
      constexpr int index =
          coprime ? (of_a * row + of_b * decltype(m)::value) % N : row + a * decltype(m)::value;
      store(index, twiddles == nullptr || index == 0 ? x[m] : twiddle(d, x[m], twiddles + 2 * (index - 1)));
    });
  });
}

// The DFT of R elements from load(q), to store(k, value) after the twiddle factors (null: none).
template <int R, class D, class Load, class Store>
HWY_INLINE HWY_ATTR void compiled_dft(D d, const Real<D>* twiddles, const Load& load, const Store& store) {
  if constexpr (goes_through_memory(R)) {
    composite_dft<R>(d, twiddles, load, store);
  } else {
    Complex<D> x[R];
    unroll<R>([&](auto q) SCATLIGHT_LAMBDA { x[q] = load(q); });
    Dft<R>::run(d, x);
    if (twiddles != nullptr) {
      unroll<R - 1>([&](auto k) SCATLIGHT_LAMBDA { x[k + 1] = twiddle(d, x[k + 1], twiddles + 2 * k); });
    }
    unroll<R>([&](auto k) SCATLIGHT_LAMBDA { store(k, x[k]); });
  }
}

// One small DFT of a stage. `prime_scratch` holds 2 x radix elements and is used by Radix<0> only.
template <int R, class D, class Load, class Store>
HWY_INLINE HWY_ATTR void small_dft(D d, const typename FftPlan<Real<D>>::Stage& stage,
                                   const Real<D>* twiddles, Real<D>* prime_scratch, const Load& load,
                                   const Store& store) {
  if constexpr (R == 0) {
    const std::size_t step = 2 * hn::Lanes(d);
    for (int q = 0; q < stage.radix; ++q) store_element(d, load(q), prime_scratch + q * step);
    prime_dft(d, stage.radix, stage.rotation.data(), prime_scratch);
    for (int k = 0; k < stage.radix; ++k) {
      const auto value = load_element(d, prime_scratch + k * step);
      store(k, twiddles == nullptr || k == 0 ? value : twiddle(d, value, twiddles + 2 * (k - 1)));
    }
  } else {
    compiled_dft<R>(d, twiddles, load, store);
  }
}

// Null for a stage without.
template <class D>
HWY_INLINE const Real<D>* twiddles_of(const typename FftPlan<Real<D>>::Stage& stage) {
  return stage.twiddles.empty() ? nullptr : stage.twiddles.data();
}

// Where the stages meet. Output k of small DFT p of the first stage goes to at_first(d, p + k * stride,
// position + k); later stages know elements by their indices. Both count the plan's gaps.

// Memory of its own.
template <class D>
struct Buffer {
  Real<D>* data;

  HWY_INLINE HWY_ATTR Real<D>* at_first(D d, int index, int) const { return at(d, index); }
  HWY_INLINE HWY_ATTR Real<D>* at(D d, int index) const {
    return data + static_cast<std::size_t>(index) * (2 * hn::Lanes(d));
  }
};

// The memory of the source, which is PlacedElements of the same data and `input`.
template <class D>
struct InPlace {
  Real<D>* data;
  const std::ptrdiff_t* input;
  const std::ptrdiff_t* work;

  HWY_INLINE HWY_ATTR Real<D>* at_first(D, int, int position) const { return data + input[position]; }
  HWY_INLINE HWY_ATTR Real<D>* at(D, int index) const { return data + work[index]; }
};

template <int R, class D, class Source, class Work>
HWY_NOINLINE HWY_ATTR void first_stage(D d, const FftPlan<Real<D>>& plan, const Source given_source,
                                       const Work given_work, Real<D>* prime_scratch) {
  const Source source = given_source;
  const Work work = given_work;
  const auto& stage = plan.stages.front();
  const int radix = R == 0 ? stage.radix : R;
  const int stride = stage.stride;
  const int work_stride = stride + plan.work_gap;
  const std::int32_t* input = plan.input.data();
  const Real<D>* twiddles = twiddles_of<D>(stage);
  const std::size_t twiddle_step = twiddles == nullptr ? 0 : 2 * (radix - 1);
  for (int p = 0, position = 0; p < stride; ++p, position += radix, twiddles += twiddle_step) {
    small_dft<R>(
        d, stage, twiddles, prime_scratch,
        [&](int q) SCATLIGHT_LAMBDA { return source.load(d, position + q, input[position + q]); },
        [&](int k, Complex<D> value) SCATLIGHT_LAMBDA {
          store_element(d, value, work.at_first(d, p + k * work_stride, position + k));
        });
  }
}

template <int R, class D, class Work>
HWY_NOINLINE HWY_ATTR void middle_stage(D d, const FftPlan<Real<D>>& plan,
                                        const typename FftPlan<Real<D>>::Stage& stage, const Work given_work,
                                        Real<D>* prime_scratch) {
  const Work work = given_work;
  const int radix = R == 0 ? stage.radix : R;
  const int stride = stage.stride;
  const Real<D>* of_stage = twiddles_of<D>(stage);
  const std::size_t twiddle_step = of_stage == nullptr ? 0 : 2 * (radix - 1);
  const int groups = plan.stages.front().radix;
  for (int group = 0, first = 0; group < groups; ++group, first += plan.work_gap) {
    for (int i = 0; i < stage.outer / groups; ++i, first += radix * stride) {
      const Real<D>* twiddles = of_stage;
      for (int p = first; p < first + stride; ++p, twiddles += twiddle_step) {
        small_dft<R>(
            d, stage, twiddles, prime_scratch,
            [&](int q) SCATLIGHT_LAMBDA { return load_element(d, work.at(d, p + q * stride)); },
            [&](int k, Complex<D> value)
                SCATLIGHT_LAMBDA { store_element(d, value, work.at(d, p + k * stride)); });
      }
    }
  }
}

template <int R, class D, class Work, class Sink>
HWY_NOINLINE HWY_ATTR void last_stage(D d, const FftPlan<Real<D>>& plan, const Work given_work,
                                      Real<D>* prime_scratch, const Sink given_sink) {
  const Work work = given_work;
  const Sink sink = given_sink;
  const auto& stage = plan.stages.back();
  const int radix = R == 0 ? stage.radix : R;
  const std::int32_t* output = plan.output.data();
  const int groups = std::min(plan.stages.front().radix, stage.outer);
  const int group_size = stage.outer / groups * radix;
  for (int group = 0, first = 0, position = 0; group < groups; ++group, first += plan.work_gap) {
    for (const int end = position + group_size; position < end; position += radix, first += radix) {
      small_dft<R>(
          d, stage, nullptr, prime_scratch,
          [&](int q) SCATLIGHT_LAMBDA { return load_element(d, work.at(d, first + q)); },
          [&](int k, Complex<D> value)
              SCATLIGHT_LAMBDA { sink.store(d, position + k, output[position + k], value); });
    }
  }
}

enum class Direction { Forward, Inverse };  // exp(-2 pi i n k / length), or exp(+...). Neither has a factor.

// A source or sink with real and imaginary parts exchanged on the way, which turns an inverse transform into
// a forward one.
template <class Inner>
struct Exchanged {
  Inner inner;

  template <class D>
  HWY_INLINE HWY_ATTR Complex<D> load(D d, int position, int index) const {
    return exchange(inner.load(d, position, index));
  }
  template <class D>
  HWY_INLINE HWY_ATTR void store(D d, int position, int index, Complex<D> value) const {
    inner.store(d, position, index, exchange(value));
  }
};

// The DFT of the source's elements, given to the sink, which may be the same memory if the work is not.
// `prime_scratch` is plan.prime_elements() elements.
template <Direction direction, class D, class Source, class Work, class Sink>
HWY_INLINE HWY_ATTR void transform(D d, const FftPlan<Real<D>>& plan, const Source& source, const Work& work,
                                   Real<D>* prime_scratch, const Sink& sink) {
  if constexpr (direction == Direction::Forward) {
    return transform<Direction::Inverse>(d, plan, Exchanged<Source>{source}, work, prime_scratch,
                                         Exchanged<Sink>{sink});
  }
  if (plan.stages.size() == 1) {
    for (int n = 0; n < plan.length; ++n) store_element(d, source.load(d, n, plan.input[n]), work.at(d, n));
  } else {
    with_radix(plan.stages.front().radix, [&](auto radix) SCATLIGHT_LAMBDA {
      first_stage<decltype(radix)::value>(d, plan, source, work, prime_scratch);
    });
    for (std::size_t s = 1; s + 1 < plan.stages.size(); ++s) {
      with_radix(plan.stages[s].radix, [&](auto radix) SCATLIGHT_LAMBDA {
        middle_stage<decltype(radix)::value>(d, plan, plan.stages[s], work, prime_scratch);
      });
    }
  }
  with_radix(plan.stages.back().radix, [&](auto radix) SCATLIGHT_LAMBDA {
    last_stage<decltype(radix)::value>(d, plan, work, prime_scratch, sink);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
