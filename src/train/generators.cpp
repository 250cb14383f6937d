#include "train/generators.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <fmt/format.h>

#include <cstring>
#include <string>

namespace scatlight::train {
namespace {

// Odd numbers, so that the seeds of members and steps differ.
constexpr std::uint64_t seeds_between_members = 0x9E3779B97F4A7C15;
constexpr std::uint64_t seeds_between_steps = 0xBF58476D1CE4E5B9;

at::Generator generator() { return at::detail::getDefaultCPUGenerator(); }

std::string name_of(std::size_t rank) {
  return rank == 0 ? std::string("generator") : fmt::format("generator.{}", rank);
}

}  // namespace

void seed_member(const Team& team) {
  if (team.leads()) return;
  at::manual_seed(generator().current_seed() +
                  seeds_between_members * static_cast<std::uint64_t>(team.rank()));
}

NamedTensors gather_generators(const Team& team) {
  const auto own = generator().get_state();
  const std::string bytes(static_cast<const char*>(own.const_data_ptr()), own.nbytes());
  NamedTensors states;
  for (const auto& one : team.gather(bytes)) {
    states.emplace_back(name_of(states.size()), at::empty({std::ssize(one)}, at::kByte));
    std::memcpy(states.back().second.data_ptr(), one.data(), one.size());
  }
  return states;
}

NamedTensors empty_generators(int members) {
  const auto own = generator().get_state();
  NamedTensors states;
  while (std::ssize(states) < members) states.emplace_back(name_of(states.size()), at::empty_like(own));
  return states;
}

void resume_generator(const Team& team, const NamedTensors& states, std::int64_t step) {
  const auto rank = static_cast<std::size_t>(team.rank());
  if (rank < states.size()) {
    generator().set_state(states[rank].second);
  } else {
    at::manual_seed(generator().current_seed() + seeds_between_steps * static_cast<std::uint64_t>(step));
  }
}

}  // namespace scatlight::train
