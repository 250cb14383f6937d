#pragma once

// DFTs of lines by the threads of a block. A kernel says where the samples of a line come from and where its
// frequencies go:
//
//   fft.transform<Direction, Order>(block, scratch, source, sink);
//
//   source(line, n, stride, x)   samples n, n + stride ... of a line into the array x
//   sink(line, k, value)         takes frequency k of a line
//
// A block has fft.lines() lines and fft.threads() threads. `scratch` is shared memory of
// shared_elements<Order>(). All threads of the block call it; after it they have met at a barrier. The
// samples of every line are asked for before the first frequency is given away.

#include <bit>

#include "cuda/dft.h"

namespace scatlight::cuda {

enum class Direction { Forward, Inverse };  ///< exp(-2 pi i n k / N), or exp(+...). Neither has a factor.

/// Which samples neighbouring threads have, so that what they read together is contiguous in memory:
/// the same one of neighbouring lines, or neighbours on the same line.
enum class Order { AcrossLines, AlongLines };

// Where number `item` of (line, of a line) is, if the first or the second runs faster.
template <Order order>
struct Item {
  SCATLIGHT_HD Item(int item, int lines, int per_line)
      : line(order == Order::AcrossLines ? item % lines : item / per_line),
        of_line(order == Order::AcrossLines ? item / lines : item % per_line) {}
  int line;
  int of_line;
};

template <class T, int R>
SCATLIGHT_HD void exchange(Complex<T> (&x)[R]) {
  unroll<R>([&](auto k) { x[k] = exchanged(x[k]); });
}

/// x[k] = from[k * step]
template <class T, int R>
SCATLIGHT_HD void load(const Complex<T>* from, int step, Complex<T> (&x)[R]) {
  unroll<R>([&](auto k) { x[k] = from[k * step]; });
}

/// A length of two small factors, known to the compiler: R1 numbers are in the registers of a thread, then
/// R2; between them they are in shared memory once. The decomposition is Cooley and Tukey's, in place.
template <class T, int R1, int R2>
struct StaticFft {
  using Real = T;
  SCATLIGHT_HD static constexpr int length() { return R1 * R2; }
  SCATLIGHT_HD static constexpr int lines() {
    return static_cast<int>(std::bit_floor(256U / threads_per_line));
  }
  SCATLIGHT_HD static constexpr int threads() { return lines() * threads_per_line; }

  const Complex<T>* twiddles;  ///< (R1, R2): exp(2 pi i k p / length)

  template <Order order>
  SCATLIGHT_HD static constexpr int shared_elements() {
    return lines() * line_elements<order>();
  }

  template <Direction direction, Order order, class Block, class Source, class Sink>
  SCATLIGHT_HD void transform(Block& block, Complex<T>* scratch, const Source& source,
                              const Sink& sink) const {
    block.for_each_once(lines() * R2, [&](int index) {
      const Item<order> item(index, lines(), R2);
      Complex<T> x[R1];
      source(item.line, item.of_line, std::integral_constant<int, R2>{}, x);
      if constexpr (direction == Direction::Forward) exchange(x);
      dft<R1>(x);
      unroll<R1>([&](auto k) {
        if (k > 0) x[k] = twiddles[k * R2 + item.of_line] * x[k];
        scratch[address<order>(item.line, k, item.of_line)] = x[k];
      });
    });
    block.for_each_once(lines() * R1, [&](int index) {
      const Item<order> item(index, lines(), R1);
      Complex<T> x[R2];
      unroll<R2>([&](auto k) { x[k] = scratch[address<order>(item.line, item.of_line, k)]; });
      dft<R2>(x);
      unroll<R2>([&](auto k) {
        sink(item.line, item.of_line + R1 * k, direction == Direction::Forward ? exchanged(x[k]) : x[k]);
      });
    });
  }

 private:
  static constexpr int threads_per_line = R1 > R2 ? R1 : R2;

  // Along lines, threads of the second stage are R2 elements apart: an even number of them would share banks.
  static constexpr int gap = R2 % 2 == 0 ? 1 : 0;

  template <Order order>
  SCATLIGHT_HD static constexpr int line_elements() {
    return order == Order::AcrossLines ? R1 * R2 : R1 * (R2 + gap);
  }

  template <Order order>
  SCATLIGHT_HD static int address(int line, int first, int second) {
    return order == Order::AcrossLines ? (first * R2 + second) * lines() + line
                                       : line * line_elements<order>() + first * (R2 + gap) + second;
  }
};

constexpr int largest_register_radix = 16;

/// The radices that AnyFft has in registers. Primes take long to compile; in float64, which few need, they
/// are left out.
template <class T>
constexpr bool is_register_radix(int r) {
  const bool is_smooth = r == 2 || r == 3 || r == 4 || r == 5 || r == 7 || r == 8 || r == 16;
  return is_smooth || (sizeof(T) == sizeof(float) && (r == 11 || r == 13 || r == 15));
}

/// Any even length, in stages: the first has its samples from where they come from, the last gives its
/// frequencies where they go, those between are in place.
template <class T>
struct AnyFft {
  using Real = T;
  static constexpr int most_stages = 16;  // 2^16 is the largest side

  int points;
  int lines_per_block;
  int stages;               ///< at least 2
  int radix[most_stages];   ///< register radices, then larger primes
  int buffers;              ///< in shared memory: 2 if there are several larger primes, else 1
  const Complex<T>* roots;  ///< (points): exp(2 pi i k / points)
  const int* frequencies;   ///< (points / last radix): the first that a DFT of the last stage gives

  SCATLIGHT_HD int length() const { return points; }
  SCATLIGHT_HD int lines() const { return lines_per_block; }
  SCATLIGHT_HD static constexpr int threads() { return 256; }

  template <Order order>
  SCATLIGHT_HD int shared_elements() const {
    return buffers * buffer_elements();
  }

  template <Direction direction, Order order, class Block, class Source, class Sink>
  SCATLIGHT_HD void transform(Block& block, Complex<T>* scratch, const Source& source,
                              const Sink& sink) const {
    Complex<T>* values = scratch;
    int blocks = radix[0];
    with_radix(radix[0], [&](auto r) { first_stage<r(), direction, order>(block, values, source); });
    for (int stage = 1; stage < stages - 1; ++stage) {
      if (is_register_radix<T>(radix[stage])) {
        with_radix(radix[stage], [&](auto r) { middle_stage<r(), order>(block, values, blocks); });
      } else {
        Complex<T>* const to = values == scratch ? scratch + buffer_elements() : scratch;
        large_stage<order>(block, values, radix[stage], blocks,
                           [&](int line, int first, int k, int part, Complex<T> value) {
                             to[address<order>(line, first + k * part)] = value;
                           });
        values = to;
      }
      blocks *= radix[stage];
    }
    const int last = radix[stages - 1];
    if (is_register_radix<T>(last)) {
      with_radix(last, [&](auto r) { last_stage<r(), direction, order>(block, values, sink); });
    } else {
      large_stage<order>(block, values, last, blocks, [&](int line, int first, int k, int, Complex<T> value) {
        sink(line, frequencies[first / last] + k * blocks,
             direction == Direction::Forward ? exchanged(value) : value);
      });
    }
  }

 private:
  SCATLIGHT_HD int line_elements() const { return (points + (points >> 4)) | 1; }
  SCATLIGHT_HD int buffer_elements() const { return lines() * line_elements(); }

  // Along lines, threads of a stage are often an even number of elements apart; gaps put them in different
  // banks.
  template <Order order>
  SCATLIGHT_HD int address(int line, int place) const {
    return order == Order::AcrossLines ? place * lines() + line
                                       : line * line_elements() + place + (place >> 4);
  }

  // body(r as a constant), for a register radix.
  template <int R = 2, class Body>
  SCATLIGHT_HD static void with_radix(int r, const Body& body) {
    if constexpr (R <= largest_register_radix) {
      if constexpr (is_register_radix<T>(R)) {
        if (r == R) return body(std::integral_constant<int, R>{});
      }
      with_radix<R + 1>(r, body);
    }
  }

  // Element k of DFT p of a block of `part` of them, before and after it, is k * part + p behind the block's
  // first.
  template <int R, Direction direction, Order order, class Block, class Source>
  SCATLIGHT_HD void first_stage(Block& block, Complex<T>* values, const Source& source) const {
    const int part = points / R;
    block.for_each(lines() * part, [&](int index) {
      const Item<order> item(index, lines(), part);
      Complex<T> x[R];
      source(item.line, item.of_line, part, x);
      if constexpr (direction == Direction::Forward) exchange(x);
      dft<R>(x);
      unroll<R>([&](auto k) {
        values[address<order>(item.line, item.of_line + part * k)] =
            k == 0 ? x[k] : roots[item.of_line * k] * x[k];
      });
    });
  }

  template <int R, Order order, class Block>
  SCATLIGHT_HD void middle_stage(Block& block, Complex<T>* values, int blocks) const {
    const int part = points / blocks / R;
    block.for_each(lines() * (points / R), [&](int index) {
      const Item<order> item(index, lines(), points / R);
      const int p = item.of_line % part;
      const int first = (item.of_line - p) * R + p;
      Complex<T> x[R];
      unroll<R>([&](auto k) { x[k] = values[address<order>(item.line, first + k * part)]; });
      dft<R>(x);
      unroll<R>([&](auto k) {
        values[address<order>(item.line, first + k * part)] = k == 0 ? x[k] : roots[p * k * blocks] * x[k];
      });
    });
  }

  template <int R, Direction direction, Order order, class Block, class Sink>
  SCATLIGHT_HD void last_stage(Block& block, const Complex<T>* values, const Sink& sink) const {
    const int dfts = points / R;
    block.for_each(lines() * dfts, [&](int index) {
      const Item<order> item(index, lines(), dfts);
      const int frequency = frequencies[item.of_line];
      Complex<T> x[R];
      unroll<R>([&](auto k) { x[k] = values[address<order>(item.line, item.of_line * R + k)]; });
      dft<R>(x);
      unroll<R>([&](auto k) {
        sink(item.line, frequency + k * dfts, direction == Direction::Forward ? exchanged(x[k]) : x[k]);
      });
    });
  }

  // A prime without registers for it: each output is a sum of its own.
  template <Order order, class Block, class Store>
  SCATLIGHT_HD void large_stage(Block& block, const Complex<T>* values, int r, int blocks,
                                const Store& store) const {
    const int part = points / blocks / r;
    block.for_each(lines() * points, [&](int index) {
      const Item<order> item(index, lines(), points);
      const int p = item.of_line % part;
      const int k = item.of_line / part % r;
      const int first = item.of_line - k * part;
      Complex<T> sum = {0, 0};
      int turn = 0;  // n k mod r
      for (int n = 0; n < r; ++n) {
        sum += roots[turn * (points / r)] * values[address<order>(item.line, first + n * part)];
        turn += k;
        if (turn >= r) turn -= r;
      }
      store(item.line, first, k, part, roots[p * k * blocks] * sum);
    });
  }
};

}  // namespace scatlight::cuda
