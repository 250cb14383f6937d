#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "train/checkpoint.h"

namespace scatlight::train {

/// The processes that train or measure one network together. Each has a part of every batch; the first one
/// leads: it reads and writes the run folder, and speaks to the user. A single process is a team of one that
/// leads itself, for which every call is free.
///
/// All calls but rank(), size() and leads() are collective: every member makes them, in the same order, on
/// one thread. When a member is gone or does not answer in time, they throw Error.
class Team {
 public:
  /// The team of a single process.
  Team() = default;

  /// The team of torch.distributed's process group of this name. Numbers and text go through its backend for
  /// the CPU, tensors through that of their device, also where the group has one member. Throws Error when
  /// there is no such group.
  explicit Team(const std::string& group);

  int rank() const { return rank_; }  ///< From 0.
  int size() const { return size_; }
  bool leads() const { return rank_ == 0; }

  void sum(std::span<double> numbers) const;        ///< In place, over the members.
  void sum(std::span<std::int64_t> numbers) const;  ///< The same.
  bool any(bool one) const;                         ///< Whether it is true of any member.

  /// The leading member's values become everybody's, in the tensors' own memory.
  void share(const NamedTensors& tensors) const;
  std::string share(const std::string& text) const;  ///< The leading member's text.

  /// Everybody's texts, by rank. They may hold any bytes.
  std::vector<std::string> gather(const std::string& text) const;

  /// Waits until all members call it, however long they work apart. One that ends is noticed, one that hangs
  /// is not.
  void wait() const;

  /// Runs a step on the leading member alone. If it throws an Error there, every member throws it as
  /// SharedError.
  void lead(const std::function<void()>& step) const;

  /// Runs a step that does the same on all members. An Error of the leading one is thrown by all, as
  /// SharedError.
  void do_alike(const std::function<void()>& step) const;

  /// Runs a step in which torch communicates, and turns what it throws when that fails into Error.
  void communicate(const std::function<void()>& step) const;

  struct Group;  ///< Private to train: train/team_group.h.

  /// Null for a single process.
  const Group* group() const { return group_.get(); }

 private:
  std::shared_ptr<const Group> group_;
  int rank_ = 0;
  int size_ = 1;
};

/// Returns the result of a step that does the same on all members; an Error is thrown as by Team::do_alike().
template <class Make>
auto make_alike(const Team& team, const Make& make) {
  std::optional<decltype(make())> made;
  team.do_alike([&] { made.emplace(make()); });
  return *std::move(made);
}

/// Throws Error when a member sees something else than the leading one, where all need the same. `what` names
/// it, `seen` describes in words and numbers what this member sees. Collective, as the next function.
void check_same(const Team& team, const std::string& what, const std::string& seen);

/// Does the same for a data set, in the place where this member has it. A single process does not compute
/// what it sees.
void check_same_data(const Team& team, const std::filesystem::path& root,
                     const std::function<std::string()>& seen);

}  // namespace scatlight::train
