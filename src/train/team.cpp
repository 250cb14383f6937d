#include "train/team.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>

#include "io/display.h"
#include "train/shared_error.h"
#include "train/team_group.h"

namespace scatlight::train {
namespace {

/// `length` bytes, the text first.
at::Tensor to_bytes(const std::string& text, std::int64_t length) {
  auto bytes = at::zeros({length}, at::kByte);
  std::memcpy(bytes.data_ptr(), text.data(), text.size());
  return bytes;
}

std::string to_text(const at::Tensor& bytes, std::int64_t length) {
  return {static_cast<const char*>(bytes.const_data_ptr()), static_cast<std::size_t>(length)};
}

/// A stack trace may follow it.
std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

bool has_one_of(std::string_view text, std::initializer_list<const char*> words) {
  return std::ranges::any_of(words, [&](const char* word) { return text.find(word) != text.npos; });
}

/// What went wrong, from the messages of gloo and NCCL, which give no other information.
std::optional<Error> failure_of_team(std::string_view text, std::chrono::milliseconds timeout) {
  if (has_one_of(text, {"Timed out", "timed out", "Timeout", "timeout"})) {
    return Error(
        fmt::format("waited {:.4g} s for the other processes of the team: one of them hangs or is slow "
                    "(SCATLIGHT_TEAM_SECONDS waits longer)",
                    std::chrono::duration<double>(timeout).count()));
  }
  if (has_one_of(text, {"Connection", "connection", "peer", "Broken pipe", "remote process exited"}))
    return Error("another process of the team ended");
  if (has_one_of(text, {"gloo", "NCCL", "nccl"}))
    return Error(fmt::format("the processes of the team cannot communicate: {}", text));
  return std::nullopt;
}

}  // namespace

Team::Team(const std::string& group) {
  try {
    group_ = std::make_shared<Group>(Group{c10d::resolve_process_group(group)});
  } catch (const std::exception& error) {
    throw Error(
        fmt::format("torch.distributed has no process group '{}': {}", group, first_line(error.what())));
  }
  rank_ = group_->processes->getRank();
  size_ = group_->processes->getSize();
}

void Team::communicate(const std::function<void()>& step) const {
  if (!group_) return step();
  try {
    step();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    const auto timeout = group_->processes->getBackend(at::kCPU)->getBackendOptions()->timeout;
    const auto failure = failure_of_team(first_line(error.what()), timeout);
    if (!failure) throw;
    throw Error(*failure);
  }
}

void Team::sum(std::span<double> numbers) const {
  if (!group_) return;
  std::vector<at::Tensor> list = {at::from_blob(numbers.data(), {std::ssize(numbers)}, at::kDouble)};
  communicate([&] { group_->processes->allreduce(list)->wait(); });
}

void Team::sum(std::span<std::int64_t> numbers) const {
  if (!group_) return;
  std::vector<at::Tensor> list = {at::from_blob(numbers.data(), {std::ssize(numbers)}, at::kLong)};
  communicate([&] { group_->processes->allreduce(list)->wait(); });
}

bool Team::any(bool one) const {
  std::int64_t count = one ? 1 : 0;
  sum(std::span(&count, 1));
  return count > 0;
}

void Team::share(const NamedTensors& tensors) const {
  if (!group_) return;
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    // A broadcast wants contiguous memory; what is laid out otherwise gets the values of a copy.
    std::vector<at::Tensor> list = {tensor.detach().contiguous()};
    communicate([&] { group_->processes->broadcast(list)->wait(); });
    if (!tensor.is_contiguous()) tensor.detach().copy_(list.front());
  }
}

std::string Team::share(const std::string& text) const {
  if (!group_) return text;
  std::int64_t length = leads() ? std::ssize(text) : 0;
  sum(std::span(&length, 1));
  if (length == 0) return {};
  std::vector<at::Tensor> list = {leads() ? to_bytes(text, length) : at::empty({length}, at::kByte)};
  communicate([&] { group_->processes->broadcast(list)->wait(); });
  return to_text(list.front(), length);
}

std::vector<std::string> Team::gather(const std::string& text) const {
  if (!group_) return {text};
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(size_));
  lengths[static_cast<std::size_t>(rank_)] = std::ssize(text);
  sum(lengths);
  const auto longest = std::max<std::int64_t>(*std::ranges::max_element(lengths), 1);
  std::vector<std::vector<at::Tensor>> all(1);
  for (int i = 0; i < size_; ++i) all.front().push_back(at::empty({longest}, at::kByte));
  std::vector<at::Tensor> own = {to_bytes(text, longest)};
  communicate([&] { group_->processes->allgather(all, own)->wait(); });
  std::vector<std::string> texts;
  texts.reserve(lengths.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) texts.push_back(to_text(all.front()[i], lengths[i]));
  return texts;
}

void Team::wait() const {
  if (!group_) return;
  c10d::AllreduceOptions options;
  options.timeout = std::chrono::hours(24 * 365);
  std::vector<at::Tensor> list = {at::zeros({1}, at::kLong)};
  communicate([&] { group_->processes->allreduce(list, options)->wait(); });
}

void Team::lead(const std::function<void()>& step) const {
  if (!group_) return step();
  std::optional<std::string> failure;
  if (leads()) {
    try {
      step();
    } catch (const Error& error) {
      failure = error.what();
    }
  }
  if (any(failure.has_value())) throw SharedError(share(failure.value_or("")));
}

void Team::do_alike(const std::function<void()>& step) const {
  if (!group_) return step();
  std::optional<Error> failure;
  try {
    step();
  } catch (const Error& error) {
    failure = error;
  }
  lead([&] {
    if (failure) throw Error(*failure);
  });
  if (failure) throw Error(*failure);
}

void check_same(const Team& team, const std::string& what, const std::string& seen) {
  const auto all = team.gather(seen);
  const auto other = std::ranges::find_if(all, [&](const auto& one) { return one != all.front(); });
  if (other == all.end()) return;
  team.lead([&] {
    throw Error(fmt::format("{}: process 0 of the team sees {}, process {} {}: all need the same", what,
                            all.front(), other - all.begin(), *other));
  });
}

void check_same_data(const Team& team, const std::filesystem::path& root,
                     const std::function<std::string()>& seen) {
  if (team.size() > 1) check_same(team, io::display_path(root), seen());
}

}  // namespace scatlight::train
