#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace scatlight::cpu {

/// Linear filters of real planes of one size, which is continued periodically (after a row or column of zeros
/// where it is odd): symmetric in space and positive where their response is. It is the engine's transform of
/// a plane, with other factors than wavelets between the two ways.
class PlaneFilters {
 public:
  PlaneFilters(int height, int width);
  ~PlaneFilters();
  PlaneFilters(const PlaneFilters&) = delete;
  PlaneFilters& operator=(const PlaneFilters&) = delete;

  /// Of the distance from frequency zero, in cycles a sample (up to sqrt(1/2)).
  using Response = std::function<double(double frequency)>;
  using Filter = std::vector<float>;
  Filter make(const Response& response) const;

  /// plane: (height, width), replaced. One thread at a time.
  void apply(const Filter& filter, std::span<float> plane);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace scatlight::cpu
