#include "data/hold_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/display.h"
#include "io/hash.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

/// The places of samples in an order that their names give, and nothing else; those of equal names as they
/// are.
class RandomOrder {
 public:
  void add(std::size_t place, std::string_view name) {
    io::Hash hash;
    hash.add(name);
    keys_.emplace_back(hash.text(), place);
  }

  std::vector<std::size_t> places() && {
    std::ranges::sort(keys_);
    std::vector<std::size_t> places;
    places.reserve(keys_.size());
    for (const auto& [key, place] : keys_) places.push_back(place);
    return places;
  }

 private:
  std::vector<std::pair<std::string, std::size_t>> keys_;
};

/// "b.jpg" of a/b.jpg and of class.tar:a/b.jpg.
std::string_view file_name(const Sample& sample) {
  std::string_view name = sample.name;
  if (sample.part) name.remove_prefix(sample.part->archive->path().native().size() + 1);
  return name.substr(name.rfind('/') + 1);  // npos + 1 is 0
}

std::size_t count_of_share(double share, std::size_t count) {
  const auto wanted = static_cast<std::size_t>(std::llround(share * static_cast<double>(count)));
  return std::clamp<std::size_t>(wanted, 1, count - 1);
}

/// By label: whether an object of the class is trained on.
std::vector<bool> classes_of(const BoxSample& sample, std::size_t classes) {
  std::vector<bool> has(classes);
  for (const auto& object : sample.objects) {
    if (!object.crowd) has[static_cast<std::size_t>(object.label)] = true;
  }
  return has;
}

/// Chooses pictures so that no class loses its last one.
class PictureChoice {
 public:
  explicit PictureChoice(const BoxFolder& folder)
      : is_taken_(folder.samples.size()), left_(folder.classes.size()), taken_(folder.classes.size()) {
    RandomOrder order;
    for (std::size_t place = 0; place < folder.samples.size(); ++place) {
      order.add(place, folder.samples[place].file.filename().native());
      const auto& has = has_.emplace_back(classes_of(folder.samples[place], left_.size()));
      for (std::size_t label = 0; label < left_.size(); ++label) left_[label] += has[label] ? 1 : 0;
    }
    order_ = std::move(order).places();
  }

  std::int64_t pictures_with(std::size_t label) const { return left_[label] + taken_[label]; }

  /// One more picture with an object of the class, unless there is one; false where there cannot be.
  bool take_one_of(std::size_t label) {
    return taken_[label] > 0 ||
           std::ranges::any_of(order_, [&](std::size_t place) { return has_[place][label] && take(place); });
  }

  void take_until(std::size_t count) {
    for (const auto place : order_) {
      if (count_ >= count) return;
      take(place);
    }
  }

  const std::vector<bool>& is_taken() const { return is_taken_; }

 private:
  bool take(std::size_t place) {
    if (is_taken_[place]) return false;
    const auto& has = has_[place];
    for (std::size_t label = 0; label < left_.size(); ++label) {
      if (has[label] && left_[label] == 1) return false;
    }
    for (std::size_t label = 0; label < left_.size(); ++label) {
      left_[label] -= has[label] ? 1 : 0;
      taken_[label] += has[label] ? 1 : 0;
    }
    is_taken_[place] = true;
    ++count_;
    return true;
  }

  std::vector<std::size_t> order_;
  std::vector<std::vector<bool>> has_;  ///< (pictures, classes)
  std::vector<bool> is_taken_;
  std::size_t count_ = 0;            ///< That are taken.
  std::vector<std::int64_t> left_;   ///< By label: pictures with an object of the class that are not taken,
  std::vector<std::int64_t> taken_;  ///< and that are.
};

}  // namespace

ImageFolder hold_out(ImageFolder& folder, double share) {
  std::vector<RandomOrder> orders(folder.classes.size());
  for (std::size_t place = 0; place < folder.samples.size(); ++place) {
    const auto& sample = folder.samples[place];
    orders[static_cast<std::size_t>(sample.label)].add(place, file_name(sample));
  }
  std::vector<bool> is_held_out(folder.samples.size());
  for (std::size_t label = 0; label < orders.size(); ++label) {
    const auto places = std::move(orders[label]).places();
    if (places.size() < 2) {
      throw Error(fmt::format("{}: the class '{}' has {}, so none can be held out for evaluation",
                              io::display_path(folder.root), io::display(folder.classes[label]),
                              count(std::ssize(places), "image")));
    }
    for (std::size_t i = 0; i < count_of_share(share, places.size()); ++i) is_held_out[places[i]] = true;
  }
  ImageFolder held_out{.root = folder.root, .classes = folder.classes, .held_out = share};
  std::vector<Sample> rest;
  for (std::size_t place = 0; place < folder.samples.size(); ++place)
    (is_held_out[place] ? held_out.samples : rest).push_back(std::move(folder.samples[place]));
  folder.samples = std::move(rest);
  return held_out;
}

BoxFolder hold_out(BoxFolder& folder, double share) {
  PictureChoice choice(folder);
  for (std::size_t label = 0; label < folder.classes.size(); ++label) {
    if (choice.take_one_of(label)) continue;
    throw Error(fmt::format("{}: '{}' is in {}, so it cannot be both trained on and held out for evaluation",
                            io::display_path(folder.roots.front()), io::display(folder.classes[label]),
                            count(choice.pictures_with(label), "image")));
  }
  choice.take_until(count_of_share(share, folder.samples.size()));
  auto held_out = take_out(folder, choice.is_taken());
  held_out.held_out = share;
  return held_out;
}

}  // namespace scatlight::data
