#include "data/coco_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <utility>

#include "data/box_listing.h"
#include "io/display.h"
#include "io/file.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_file = std::uint64_t{1} << 31;
constexpr int deepest = 64;

/// A file, a piece at a time.
class Pieces {
 public:
  explicit Pieces(const fs::path& path) : file_(path) {
    if (file_.size() > largest_file) {
      fail_at(io::display_path(path),
              fmt::format("it has {} bytes, at most {} are accepted", file_.size(), largest_file));
    }
    read_piece();
  }

  bool at_end() const { return next_ == piece_.size(); }
  char current() const { return piece_[next_]; }
  void advance() {
    if (++next_ == piece_.size()) read_piece();
  }

 private:
  void read_piece() {
    constexpr std::uint64_t most = 1 << 16;
    piece_.resize(std::min(most, file_.size() - offset_));
    file_.read(offset_, std::as_writable_bytes(std::span(piece_)));
    offset_ += piece_.size();
    next_ = 0;
  }

  io::ReadOnlyFile file_;
  std::uint64_t offset_ = 0;
  std::vector<char> piece_;
  std::size_t next_ = 0;
};

/// What a reader of JSON wants: an input iterator, of which nothing is the end.
class PieceIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  PieceIterator() = default;
  explicit PieceIterator(Pieces& pieces) : pieces_(&pieces) {}

  char operator*() const { return pieces_->current(); }
  PieceIterator& operator++() {
    pieces_->advance();
    return *this;
  }
  bool operator==(const PieceIterator& other) const { return is_end() == other.is_end(); }
  bool operator!=(const PieceIterator& other) const { return !(*this == other); }

 private:
  bool is_end() const { return pieces_ == nullptr || pieces_->at_end(); }
  Pieces* pieces_ = nullptr;
};

constexpr std::array<std::string_view, 3> section_names = {"images", "annotations", "categories"};
enum Section { Images, Annotations, Categories, Others };

constexpr std::array<std::string_view, 11> field_names = {"id",       "file_name",   "width", "height",
                                                          "image_id", "category_id", "bbox",  "iscrowd",
                                                          "area",     "ignore",      "name"};
enum Field { Id, FileName, Width, Height, ImageId, CategoryId, Bbox, IsCrowd, Area, Ignore, Name, NoField };

/// The place of a name in a list, or one beyond.
template <std::size_t N>
int find(const std::array<std::string_view, N>& names, std::string_view name) {
  return static_cast<int>(std::ranges::find(names, name) - names.begin());
}

/// A value of a record.
struct Value {
  enum class Kind { Absent, Whole, Number, Text, List, Other };
  Kind kind = Kind::Absent;
  std::int64_t whole = 0;
  double number = 0;  ///< Of Whole, too.
  std::string text = {};
  std::vector<double> list = {};
};

/// One object of a section, whatever its values are.
class Record {
 public:
  Record(const fs::path& json, const char* thing, std::size_t place)
      : json_(json), thing_(thing), place_(place) {}

  Value& operator[](Field field) { return values_[field]; }

  bool has(Field field) const { return values_[field].kind != Value::Kind::Absent; }

  std::int64_t whole(Field field) const {
    if (values_[field].kind != Value::Kind::Whole) fail(field, "a whole number");
    return values_[field].whole;
  }

  std::optional<std::int64_t> id() const { return has(Id) ? std::optional(whole(Id)) : std::nullopt; }

  const std::string& text(Field field) const {
    if (values_[field].kind != Value::Kind::Text || values_[field].text.empty()) fail(field, "a text");
    return values_[field].text;
  }

  /// 0 or 1, false or true; false where it is absent.
  bool flag(Field field) const {
    if (!has(field)) return false;
    if (values_[field].kind != Value::Kind::Whole || (whole(field) != 0 && whole(field) != 1))
      fail(field, "0 or 1");
    return whole(field) == 1;
  }

  ImageSize size() const {
    if (!has(Width) && !has(Height)) return {};
    const auto side = [&](Field field) {
      if (whole(field) < 1 || whole(field) > static_cast<std::int64_t>(largest_coordinate))
        fail(field, "a number of pixels");
      return static_cast<int>(whole(field));
    };
    return {.width = side(Width), .height = side(Height)};
  }

  Rect box() const {
    const auto& list = values_[Bbox].list;
    const bool is_sound = values_[Bbox].kind == Value::Kind::List && list.size() == 4 &&
                          std::ranges::all_of(list, [](double x) {
                            return std::abs(x) <= largest_coordinate;  // no NaN is
                          });
    if (!is_sound) fail(Bbox, fmt::format("4 numbers within {}", largest_coordinate));
    if (list[2] <= 0 || list[3] <= 0) {
      fail_at(where(), fmt::format("its bbox is {} wide and {} high", list[2], list[3]));
    }
    return {.left = static_cast<float>(list[0]),
            .top = static_cast<float>(list[1]),
            .right = static_cast<float>(list[0] + list[2]),
            .bottom = static_cast<float>(list[1] + list[3])};
  }

  double area() const {
    if (!has(Area)) return values_[Bbox].list[2] * values_[Bbox].list[3];
    const auto& value = values_[Area];
    const bool is_number = value.kind == Value::Kind::Whole || value.kind == Value::Kind::Number;
    if (!is_number || !(value.number >= 0 && value.number <= largest_coordinate * largest_coordinate))
      fail(Area, "a number from 0 on");
    return value.number;
  }

  std::string where() const {
    const bool is_named = values_[Id].kind == Value::Kind::Whole;
    return fmt::format("{}: {} {}", io::display_path(json_), thing_,
                       is_named ? fmt::format("{}", values_[Id].whole) : fmt::format("at place {}", place_));
  }

 private:
  [[noreturn]] void fail(Field field, std::string_view wanted) const {
    fail_at(where(),
            fmt::format("its {} {}, but must be {}", field_names[field], shown(values_[field]), wanted));
  }

  static std::string shown(const Value& value) {
    switch (value.kind) {
      case Value::Kind::Absent:
        return "is absent";
      case Value::Kind::Whole:
        return fmt::format("is {}", value.whole);
      case Value::Kind::Number:
        return fmt::format("is {}", value.number);
      case Value::Kind::Text:
        return fmt::format("is \"{}\"", io::display(value.text));
      case Value::Kind::List:
        return io::display(fmt::format("is [{}]", fmt::join(value.list, ", ")));
      case Value::Kind::Other:
        break;
    }
    return "is something else";
  }

  const fs::path& json_;
  const char* thing_;
  std::size_t place_;
  std::array<Value, NoField> values_ = {};
};

/// Takes the events of a JSON reader. Depth 1 is in the file's object, 2 in the list of a section, 3 in a
/// record, 4 in a list of a record; what lies deeper, such as the outlines of objects, passes by.
class Handler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Handler(const fs::path& json) : json_(json) {}

  CocoRecords finish() {
    for (std::size_t i = 0; i < section_names.size(); ++i) {
      if (!seen_[i]) fail(fmt::format("it has no {}, so it is no COCO file", section_names[i]));
    }
    return std::move(records_);
  }

  bool null() override { return take({.kind = Value::Kind::Other}); }
  bool boolean(bool value) override {
    return take({.kind = Value::Kind::Whole, .whole = value ? 1 : 0, .number = value ? 1.0 : 0.0});
  }
  bool number_integer(std::int64_t value) override {
    return take({.kind = Value::Kind::Whole, .whole = value, .number = static_cast<double>(value)});
  }
  bool number_unsigned(std::uint64_t value) override {
    if (value <= INT64_MAX) return number_integer(static_cast<std::int64_t>(value));
    return number_float(static_cast<double>(value), {});
  }
  bool number_float(double value, const std::string&) override {
    constexpr double exact = 0x1p53;
    if (value == std::floor(value) && std::abs(value) <= exact)
      return number_integer(static_cast<std::int64_t>(value));
    return take({.kind = Value::Kind::Number, .number = value});
  }
  bool string(std::string& value) override {
    if (depth_ > 3) return take({.kind = Value::Kind::Other});
    return take({.kind = Value::Kind::Text, .text = std::move(value)});
  }
  bool binary(binary_t&) override { return true; }  // JSON has none

  bool key(std::string& name) override {
    if (depth_ == 1) section_ = static_cast<Section>(find(section_names, name));
    if (depth_ == 1 && section_ != Others && std::exchange(seen_[section_], true)) {
      fail(fmt::format("it has {} twice", name));
    }
    if (depth_ == 3) field_ = static_cast<Field>(find(field_names, name));
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ == 2 && section_ != Others) {
      record_.emplace(json_, things[section_], ++places_[section_]);
    } else {
      take({.kind = Value::Kind::Other});
    }
    return descend();
  }
  bool end_object() override {
    --depth_;
    if (depth_ == 2 && section_ != Others) finish_record();
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 1) take({.kind = Value::Kind::List});
    return descend();
  }
  bool end_array() override {
    --depth_;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    const std::string_view text = error.what();
    fail(fmt::format("it is cut or broken ({})", io::display(text.substr(0, text.find('\n')))));
  }

 private:
  static constexpr std::array<const char*, 3> things = {"image", "annotation", "category"};

  [[noreturn]] void fail(std::string_view reason) const { fail_at(io::display_path(json_), reason); }

  bool descend() {
    if (++depth_ > deepest) fail(fmt::format("it is nested deeper than {}", deepest));
    return true;
  }

  /// A value, or the start of a list or an object that is no record.
  bool take(Value value) {
    if (depth_ == 0 && value.kind != Value::Kind::Other) fail("it holds no object, so it is no COCO file");
    if (section_ == Others) return true;
    if (depth_ == 1) fail(fmt::format("its {} are no list", section_names[section_]));
    if (depth_ == 2) fail(fmt::format("its {} hold something that is no object", section_names[section_]));
    if (field_ == NoField) return true;
    auto& target = (*record_)[field_];
    if (depth_ == 3) {
      target = std::move(value);
    } else if (depth_ == 4 && target.kind == Value::Kind::List) {
      const bool is_number = value.kind == Value::Kind::Whole || value.kind == Value::Kind::Number;
      // No list that is wanted is longer than a box.
      if (is_number && target.list.size() <= 4) {
        target.list.push_back(value.number);
      } else {
        target = {.kind = Value::Kind::Other};
      }
    }
    return true;
  }

  void finish_record() {
    if (section_ == Categories) {
      records_.categories.push_back({.id = record_->whole(Id), .name = record_->text(Name)});
      return;
    }
    try {
      section_ == Images ? finish_image() : finish_annotation();
    } catch (const Error& error) {
      const auto& image = (*record_)[section_ == Images ? Id : ImageId];
      records_.bad.push_back(
          {.image = image.kind == Value::Kind::Whole ? std::optional(image.whole) : std::nullopt,
           .reason = error.what()});
    }
  }

  void finish_image() {
    const auto id = record_->whole(Id);
    check_relative(record_->text(FileName), record_->where());
    records_.images.push_back({.id = id, .file_name = record_->text(FileName), .size = record_->size()});
  }

  void finish_annotation() {
    const auto box = record_->box();
    records_.annotations.push_back({.id = record_->id(),
                                    .place = places_[Annotations],
                                    .image = record_->whole(ImageId),
                                    .category = record_->whole(CategoryId),
                                    .object = {.box = box,
                                               .difficult = record_->flag(Ignore),
                                               .crowd = record_->flag(IsCrowd),
                                               .area = record_->area()}});
  }

  const fs::path& json_;
  CocoRecords records_;
  std::array<bool, 3> seen_ = {};
  std::array<std::size_t, 3> places_ = {};
  int depth_ = 0;
  Section section_ = Others;
  Field field_ = NoField;
  std::optional<Record> record_;
};

}  // namespace

CocoRecords read_coco_records(const fs::path& json) {
  Pieces pieces(json);
  Handler handler(json);
  nlohmann::json::sax_parse(PieceIterator(pieces), PieceIterator(), &handler);
  return handler.finish();
}

}  // namespace scatlight::data
