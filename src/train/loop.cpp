#include "train/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "data/left_out.h"
#include "io/display.h"
#include "io/machine.h"
#include "io/progress.h"
#include "scatlight/error.h"
#include "train/checkpoint.h"
#include "train/diverged.h"
#include "train/generators.h"
#include "train/gradient_average.h"
#include "train/json.h"
#include "train/run_facts.h"
#include "train/skipped_files.h"
#include "train/stopwatch.h"
#include "train/weight_average.h"

namespace scatlight::train {
namespace {

constexpr std::int64_t log_lines_per_epoch = 20;

/// Thrown when a stop is asked for; the state is on the disk then.
struct Stopped {};

class Loop {
 public:
  Loop(RunRecord& record, const LoopOptions& options, Task& task, const std::function<bool()>& stop,
       const Team& team);
  LoopResult run();

 private:
  void resume();
  void check_data(const CheckpointHeader& header) const;
  void begin_other_length();
  void open_folder();

  const TrainingSet& data() const { return task_.training_set(); }
  std::int64_t batches() const { return task_.batches(); }
  bool is_over() const;
  double progress() const;

  void train_epoch();
  void train_batches(Pass& pass, io::Progress& bar);
  std::optional<StepLoss> backward(Pass& pass) const;
  template <class Act>
  auto or_say_what_is_left(const Act& act) const;
  void step(const StepLoss& found);
  void check_finite(double loss) const;
  void agree(std::span<double> sums);
  void agree() { agree({}); }

  io::ProgressOutput output() const { return {.descriptor = team_.leads() ? 2 : -1}; }
  void report(io::Progress& bar) const;
  bool ends_log_line() const;
  void write_train_line();
  bool has_something_to_show() const;
  void note_skipped(const std::vector<data::SkippedFile>& skipped, io::Progress& bar);

  void end_epoch();
  void evaluate();
  void evaluate_result();
  LoopResult finish();
  LoopResult result() const;

  NamedTensors network_tensors() const;
  NamedTensors trained_tensors() const;
  void with_result(const std::function<void()>& use);
  void save();

  RunRecord& record_;
  const LoopOptions& options_;
  Task& task_;
  const std::function<bool()>& stop_;
  const Team& team_;
  Optimizer optimizer_;
  std::optional<WeightAverage> weight_average_;  ///< Of a training that asks for it.
  GradientAverage average_;
  Position position_;      ///< The same for all members.
  Stopwatch clock_;        ///< Of the leading member; the others follow it.
  bool stopping_ = false;  ///< A member was asked to stop.
  double waited_ = 0;      ///< Seconds for which this member waited for images since the last log line.
  double rate_ = 0;        ///< Of the last step.
  std::int64_t saved_step_ = -1;      ///< Of the last checkpoint that this process wrote.
  std::int64_t evaluated_step_ = -1;  ///< Of the last evaluation in this process.
  double saved_seconds_ = 0;
  std::vector<data::SkippedFile> skipped_;  ///< By any member, named from the data's root on.
};

Loop::Loop(RunRecord& record, const LoopOptions& options, Task& task, const std::function<bool()>& stop,
           const Team& team)
    : record_(record),
      options_(options),
      task_(task),
      stop_(stop),
      team_(team),
      optimizer_(task.parameters(), options.optimizer),
      average_(team, task.parameters()) {
  // Processors of other kinds may have drawn weights with other last bits.
  team_.share(task_.parameters());
  team_.share(task_.buffers());
  seed_member(team_);
  if (options_.weight_average > 0) weight_average_.emplace(network_tensors(), options_.weight_average);
  if (options_.mode == RunMode::Resume) resume();
  open_folder();
}

void Loop::resume() {
  const auto header = record_.read_header();
  team_.lead([&] {
    check_data(header);
    if (header.samples == data().samples && header.position.batch > batches()) {
      throw Error(fmt::format("{}: its training state is damaged: batch {} of {}",
                              io::display_path(RunFolder{options_.run}.checkpoint()), header.position.batch,
                              batches()));
    }
  });
  position_ = header.position;
  position_.batch = std::min(position_.batch, batches());
  if (options_.other_length) begin_other_length();
  if (!position_.ended && header.evaluation != data().evaluation) {
    position_.best.reset();  // scores on other images say nothing
    position_.stale = 0;
  }
  const auto generators = empty_generators(header.members);
  auto tensors = trained_tensors();
  tensors.insert(tensors.end(), generators.begin(), generators.end());
  record_.read_tensors(tensors);
  resume_generator(team_, generators, position_.step);
  clock_ = Stopwatch(position_.seconds);
  saved_seconds_ = position_.seconds;
}

/// Other classes never go on; other images of the same classes do if the user says so.
void Loop::check_data(const CheckpointHeader& header) const {
  const auto name = io::display_path(data().root);
  const auto run = io::display_path(options_.run);
  if (header.classes != data().classes) {
    throw Error(
        fmt::format("{} has {} classes, but the run in {} was trained on {}{}: a resume needs the same", name,
                    data().classes.size(), run, header.classes.size(),
                    header.classes.size() == data().classes.size() ? " others" : ""));
  }
  if (header.data == data().fingerprint || options_.accept_changed_data) return;
  throw Error(fmt::format(
      "the images in {} are not those that the run in {} was trained on ({} then, {} now; other names "
      "or sizes): --data-changed resumes with them",
      name, run, header.samples, data().samples));
}

/// Evaluations that were no better are counted anew: they belong to another length.
void Loop::begin_other_length() {
  position_.ended = false;
  position_.stale = 0;
  const auto epochs = position_.epoch + (position_.batch == batches() ? 1 : 0);
  const bool is_longer =
      options_.seconds > 0 ? options_.seconds > position_.seconds : options_.epochs > epochs;
  if (is_longer) return;
  team_.lead([&] {
    throw Error(fmt::format(
        "the run in {} has been trained for {} already: give a longer --epochs or --minutes to train it on",
        io::display_path(options_.run),
        options_.seconds > 0 ? io::format_duration(position_.seconds) : data::count(epochs, "epoch")));
  });
}

void Loop::open_folder() {
  record_.open(position_.log_bytes);
  if (options_.mode == RunMode::Resume) return;
  auto facts = task_.facts();
  if (team_.group() != nullptr)
    facts["team"] = facts_of_team(team_, options_.call_id, task_.parameters().front().second.device());
  record_.write_facts(facts);
}

bool Loop::is_over() const {
  if (options_.patience > 0 && position_.stale >= options_.patience) return true;
  return options_.seconds > 0 ? position_.seconds >= options_.seconds : position_.epoch >= options_.epochs;
}

/// Share of the training that is done.
double Loop::progress() const {
  if (options_.seconds > 0) return position_.seconds / options_.seconds;
  const auto share_of_epoch = static_cast<double>(position_.batch) / static_cast<double>(batches());
  return (static_cast<double>(position_.epoch) + share_of_epoch) / static_cast<double>(options_.epochs);
}

LoopResult Loop::run() {
  if (position_.ended) return result();
  try {
    if (options_.other_length) {
      save();
      record_.change_flags(options_.flags);
    }
    while (!is_over()) {
      train_epoch();
      end_epoch();
    }
    return finish();
  } catch (const Stopped&) {
    return result();
  }
}

void Loop::train_epoch() {
  const auto of_all = options_.seconds > 0 ? std::string() : fmt::format("/{}", options_.epochs);
  io::Progress bar(fmt::format("epoch {}{}", position_.epoch + 1, of_all), task_.images_from(position_.batch),
                   "images", output());
  clock_.start();
  {
    const auto pass = task_.begin_pass(position_.epoch, position_.batch, average_);
    train_batches(*pass, bar);
    auto skipped = pass->finish();
    for (auto& one : skipped) one.file = name_from_root(one.file, data().root);
    note_skipped(skipped_of_team(skipped, team_), bar);
  }
  clock_.stop();
  agree();
  if (!stopping_ && !skipped_.empty() && position_.batch == batches())
    team_.lead([&] { task_.check_skipped(skipped_); });
  if (saved_step_ != position_.step && has_something_to_show()) save();
  if (stopping_) throw Stopped{};
  bar.finish();
}

void Loop::train_batches(Pass& pass, io::Progress& bar) {
  agree();
  while (!is_over() && !stopping_) {
    const auto found = backward(pass);
    if (!found) {
      position_.batch = batches();  // also where the last batches had no image that could be read
      break;
    }
    step(*found);
    position_.batch = found->batch + 1;
    bar.advance(found->images);
    report(bar);
    if (ends_log_line()) write_train_line();
    if (position_.seconds - saved_seconds_ >= options_.checkpoint_seconds) save();
  }
  // A stop leaves the line open, for the resume to go on with.
  if (!stopping_ && position_.line_images > 0) write_train_line();
}

/// A Diverged gets what a resume would have.
template <class Act>
auto Loop::or_say_what_is_left(const Act& act) const try {
  return act();
} catch (const Diverged& error) {
  if (!team_.leads()) throw;
  throw Error(fmt::format("{} ({})", error.what(), record_.describe_checkpoint()));
}

std::optional<StepLoss> Loop::backward(Pass& pass) const {
  return or_say_what_is_left([&] { return pass.backward(); });
}

/// One step of the optimizer with the gradient that the task left.
void Loop::step(const StepLoss& found) {
  std::vector<double> means = {found.loss};
  for (const auto& [name, mean] : found.means) means.push_back(mean);
  agree(means);
  check_finite(means.front());
  rate_ = learning_rate_at(options_.schedule, progress());
  optimizer_.step(rate_);
  or_say_what_is_left([&] { task_.after_step(); });
  const auto images = static_cast<double>(found.images);
  ++position_.step;
  if (weight_average_) weight_average_->update(position_.step);
  position_.images += found.images;
  position_.line_images += found.images;
  position_.line_loss += means.front() * images;
  for (std::size_t i = 0; i < found.means.size(); ++i)
    position_.line_sums[found.means[i].first] += means[i + 1] * images;
  waited_ += found.waited;
}

void Loop::check_finite(double loss) const {
  if (std::isfinite(loss)) return;
  team_.lead([&] {
    throw Error(
        fmt::format("training diverged: the loss of step {} (epoch {}) is {}; try a lower --lr than {} or a "
                    "--warmup ({})",
                    position_.step + 1, position_.epoch + 1, loss, options_.schedule.learning_rate,
                    record_.describe_checkpoint()));
  });
}

/// Makes the same for all members what they must agree in: these sums over them, the time, and whether one of
/// them was asked to stop.
void Loop::agree(std::span<double> sums) {
  std::vector<double> all(sums.begin(), sums.end());
  all.push_back(team_.leads() ? clock_.seconds() : 0);
  all.push_back(stopping_ || stop_() ? 1 : 0);
  team_.sum(all);
  std::copy_n(all.begin(), sums.size(), sums.begin());
  position_.seconds = all[sums.size()];
  stopping_ = all.back() > 0;
}

void Loop::report(io::Progress& bar) const {
  const auto share = std::min(progress(), 1.0);
  const auto left = share > 0 ? position_.seconds * (1 - share) / share : 0;
  bar.note(fmt::format("loss {:.3f}  rate {:.2g}  {} of training left",
                       position_.line_loss / static_cast<double>(position_.line_images), rate_,
                       io::format_duration(left)));
}

/// True after about each twentieth of an epoch; a matter of the batch's number, so that a resume agrees.
bool Loop::ends_log_line() const {
  const auto line = [&](std::int64_t batch) { return log_lines_per_epoch * batch / batches(); };
  return line(position_.batch) != line(position_.batch - 1);
}

void Loop::write_train_line() {
  const auto images = static_cast<double>(position_.line_images);
  const auto seconds = position_.seconds - position_.line_seconds;
  Json line = {{"kind", "train"},
               {"epoch", position_.epoch + 1},
               {"step", position_.step},
               {"images", position_.images},
               {"seconds", position_.seconds},
               {"loss", position_.line_loss / images},
               {"learning_rate", rate_},
               {"images_per_second", images / seconds}};
  for (const auto& [name, sum] : position_.line_sums) line[name] = sum / images;
  if (team_.size() > 1) {
    std::vector<double> waited(static_cast<std::size_t>(team_.size()));
    waited[static_cast<std::size_t>(team_.rank())] = waited_;
    team_.sum(waited);
    line["processes"] = team_.size();
    line["waited_for_images"] = waited;
  }
  record_.write_line(line);
  waited_ = 0;
  position_.line_images = 0;
  position_.line_loss = 0;
  position_.line_sums.clear();
  position_.line_seconds = position_.seconds;
}

/// False for an overwrite that has made no step: the earlier run is better than none.
bool Loop::has_something_to_show() const { return position_.step > 0 || options_.mode != RunMode::Overwrite; }

/// Names each file once, although every epoch meets it again.
void Loop::note_skipped(const std::vector<data::SkippedFile>& skipped, io::Progress& bar) {
  for (const auto& file : skipped) {
    if (std::ranges::find(skipped_, file.file, &data::SkippedFile::file) != skipped_.end()) continue;
    skipped_.push_back(file);
    bar.say(fmt::format("left out: {}", file.reason));
  }
}

void Loop::end_epoch() {
  if (position_.batch < batches()) return;  // the time was over within it
  ++position_.epoch;
  position_.batch = 0;
  if (!is_over() && position_.epoch % options_.eval_every == 0) evaluate();
}

void Loop::evaluate() {
  if (task_.evaluation_images() == 0) return;
  team_.share(task_.buffers());  // statistics of batch norms, of which each member has its own
  if (weight_average_) team_.share(weight_average_->averages());
  with_result([&] { evaluate_result(); });
}

void Loop::evaluate_result() {
  io::Progress bar("evaluate", task_.evaluation_images(), "images", output());
  const auto evaluation = task_.evaluate([&](std::int64_t images) {
    bar.advance(images);
    stopping_ = team_.any(stop_());
    if (stopping_) throw Stopped{};
  });
  bar.note(evaluation.note);
  bar.finish();
  evaluated_step_ = position_.step;
  ++position_.stale;
  if (!position_.best || evaluation.score > position_.best->score) {
    position_.best = {.score = evaluation.score, .epoch = position_.epoch};
    position_.stale = 0;
    record_.save_best([&](const std::filesystem::path& path) { task_.save_model(path); });
  }
  Json line = {{"kind", "eval"}, {"epoch", position_.epoch}, {"seconds", position_.seconds}};
  line.update(evaluation.numbers);
  line["best_epoch"] = position_.best->epoch;
  record_.write_line(line);
}

LoopResult Loop::finish() {
  if (position_.step == 0) {
    team_.lead([&] {
      throw Error(fmt::format("no image of {} was trained on{}", io::display_path(data().root),
                              skipped_.empty() ? std::string(": the time was over before the first step")
                                               : fmt::format("; {} could not be read, the first: {}",
                                                             skipped_.size(), skipped_.front().reason)));
    });
  }
  if (task_.evaluation_images() > 0) {
    if (evaluated_step_ != position_.step) evaluate();
    record_.write_evaluation([&](const RunFolder& folder) { return task_.evaluation_json(folder); });
  }
  record_.write_line({{"kind", "end"},
                      {"epoch", position_.epoch},
                      {"seconds", position_.seconds},
                      {"peak_memory_bytes", io::peak_memory_bytes()}});
  position_.ended = true;
  save();
  return result();
}

LoopResult Loop::result() const {
  return {.finished = position_.ended,
          .epochs = position_.epoch,
          .steps = position_.step,
          .seconds = position_.seconds,
          .best = position_.best,
          .skipped = skipped_};
}

NamedTensors Loop::network_tensors() const {
  auto tensors = task_.parameters();
  const auto buffers = task_.buffers();
  tensors.insert(tensors.end(), buffers.begin(), buffers.end());
  return tensors;
}

/// All tensors that training changes; they share its memory.
NamedTensors Loop::trained_tensors() const {
  NamedTensors tensors;
  for (const auto& [name, tensor] : network_tensors()) tensors.emplace_back("model." + name, tensor);
  for (const auto& entry : optimizer_.state()) tensors.push_back(entry);
  if (!weight_average_) return tensors;
  for (const auto& [name, tensor] : weight_average_->averages())
    tensors.emplace_back("average." + name, tensor);
  return tensors;
}

/// Calls `use` while the network is the one that is evaluated and saved.
void Loop::with_result(const std::function<void()>& use) {
  std::optional<WeightAverage::Use> averaged;
  if (weight_average_) averaged.emplace(*weight_average_);
  use();
}

void Loop::save() {
  auto tensors = trained_tensors();
  const auto generators = gather_generators(team_);
  tensors.insert(tensors.end(), generators.begin(), generators.end());
  record_.save({.position = position_,
                .options = options_.flags,
                .classes = data().classes,
                .samples = data().samples,
                .data = data().fingerprint,
                .evaluation = data().evaluation,
                .members = team_.size()},
               tensors,
               [&](const std::filesystem::path& path) { with_result([&] { task_.save_model(path); }); });
  saved_step_ = position_.step;
  saved_seconds_ = position_.seconds;
}

}  // namespace

void check(const LoopOptions& options) {
  const auto fail = [](const char* what, auto value, const char* accepted) {
    throw Error(fmt::format("{} {}: {} is accepted", what, value, accepted));
  };
  const auto& schedule = options.schedule;
  if (options.epochs < 1) fail("epochs", options.epochs, "at least 1");
  if (!(options.seconds >= 0)) fail("seconds of training", options.seconds, "at least 0");
  if (!(schedule.learning_rate > 0)) fail("learning rate", schedule.learning_rate, "above 0");
  if (!(schedule.warmup >= 0 && schedule.warmup < 1))
    fail("warm-up", schedule.warmup, "a share of the training, 0 to below 1,");
  if (!(options.weight_average >= 0 && options.weight_average < 1))
    fail("decay of the average of the weights", options.weight_average, "0 to below 1");
  check(options.optimizer);
  if (options.eval_every < 1) fail("epochs between evaluations", options.eval_every, "at least 1");
  if (options.patience < 0) fail("patience", options.patience, "at least 0");
}

LoopResult run_training(RunRecord& record, const LoopOptions& options, Task& task,
                        const std::function<bool()>& stop, const Team& team) {
  return Loop(record, options, task, stop, team).run();
}

}  // namespace scatlight::train
