#include "train/loop.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "io/atomic_file.h"
#include "io/display.h"
#include "io/machine.h"
#include "io/progress.h"
#include "scatlight/error.h"
#include "train/checkpoint.h"
#include "train/json.h"
#include "train/log.h"
#include "train/stopwatch.h"

namespace scatlight::train {
namespace {

constexpr std::int64_t log_lines_per_epoch = 20;

/// Thrown when a stop is asked for; the state is on the disk then.
struct Stopped {};

class Loop {
 public:
  Loop(HeldRunFolder& folder, const LoopOptions& options, Task& task, const std::function<bool()>& stop);
  LoopResult run();

 private:
  void resume();
  void check_data(const CheckpointHeader& header) const;
  void open_folder();

  const TrainingSet& data() const { return task_.training_set(); }
  std::int64_t batches() const { return task_.batches(); }
  bool is_over() const;
  double progress() const;

  void train_epoch();
  void train_batches(Pass& pass, io::Progress& bar);
  void step(const StepLoss& found);
  [[noreturn]] void fail_diverged(double loss) const;

  void report(io::Progress& bar) const;
  bool ends_log_line() const;
  void write_train_line();
  bool has_something_to_show() const;
  void note_skipped(const std::vector<data::SkippedFile>& skipped, io::Progress& bar);

  void end_epoch();
  void evaluate();
  LoopResult finish();
  LoopResult result() const;

  NamedTensors state() const;
  void save();

  HeldRunFolder& folder_;
  const LoopOptions& options_;
  Task& task_;
  const std::function<bool()>& stop_;
  Sgd sgd_;
  std::optional<RunLog> log_;
  Position position_;
  Stopwatch clock_;
  double rate_ = 0;               ///< Of the last step.
  std::int64_t saved_step_ = -1;  ///< Of the last checkpoint that this process wrote.
  double saved_seconds_ = 0;
  std::vector<data::SkippedFile> skipped_;
};

Loop::Loop(HeldRunFolder& folder, const LoopOptions& options, Task& task, const std::function<bool()>& stop)
    : folder_(folder), options_(options), task_(task), stop_(stop), sgd_(task.parameters(), options.sgd) {
  if (options_.mode == RunMode::Resume) resume();
  open_folder();
}

void Loop::resume() {
  const auto path = folder_.files().checkpoint();
  const auto header = read_checkpoint_header(path);
  check_data(header);
  position_ = header.position;
  if (header.samples != data().samples) position_.batch = std::min(position_.batch, batches());
  if (position_.batch > batches()) {
    throw Error(fmt::format("{}: its training state is damaged: batch {} of {}", io::display_path(path),
                            position_.batch, batches()));
  }
  const auto tensors = state();
  read_checkpoint_tensors(path, tensors);
  auto generator = at::detail::getDefaultCPUGenerator();
  generator.set_state(tensors.back().second);
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

void Loop::open_folder() {
  folder_.open();
  log_.emplace(folder_.files().log(), position_.log_bytes);
  if (options_.mode != RunMode::Resume) io::write_file(folder_.files().facts(), task_.facts_json());
}

bool Loop::is_over() const {
  return options_.seconds > 0 ? clock_.seconds() >= options_.seconds : position_.epoch >= options_.epochs;
}

/// Share of the training that is done.
double Loop::progress() const {
  if (options_.seconds > 0) return clock_.seconds() / options_.seconds;
  const auto share_of_epoch = static_cast<double>(position_.batch) / static_cast<double>(batches());
  return (static_cast<double>(position_.epoch) + share_of_epoch) / static_cast<double>(options_.epochs);
}

LoopResult Loop::run() {
  try {
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
  io::Progress bar(fmt::format("epoch {}{}", position_.epoch + 1, of_all),
                   task_.images_from(position_.batch));
  clock_.start();
  {
    const auto pass = task_.begin_pass(position_.epoch, position_.batch);
    train_batches(*pass, bar);
    note_skipped(pass->finish(), bar);
  }
  clock_.stop();
  position_.seconds = clock_.seconds();
  if (!stop_() && !skipped_.empty() && position_.batch == batches()) task_.check_skipped(skipped_);
  if (saved_step_ != position_.step && has_something_to_show()) save();
  if (stop_()) throw Stopped{};
  bar.finish();
}

void Loop::train_batches(Pass& pass, io::Progress& bar) {
  while (!is_over() && !stop_()) {
    const auto found = pass.backward();
    if (!found) {
      position_.batch = batches();  // also where the last batches had no image that could be read
      break;
    }
    step(*found);
    position_.batch = found->batch + 1;
    position_.seconds = clock_.seconds();
    bar.advance(found->images);
    report(bar);
    if (ends_log_line()) write_train_line();
    if (position_.seconds - saved_seconds_ >= options_.checkpoint_seconds) save();
  }
  // A stop leaves the line open, for the resume to go on with.
  if (!stop_() && position_.line_images > 0) write_train_line();
}

/// One step of the optimizer with the gradient that the task left.
void Loop::step(const StepLoss& found) {
  if (!std::isfinite(found.loss)) fail_diverged(found.loss);
  rate_ = learning_rate_at(options_.schedule, progress());
  sgd_.step(rate_);
  const auto images = static_cast<double>(found.images);
  ++position_.step;
  position_.images += found.images;
  position_.line_images += found.images;
  position_.line_loss += found.loss * images;
  for (const auto& [name, mean] : found.means) position_.line_sums[name] += mean * images;
}

void Loop::fail_diverged(double loss) const {
  const auto checkpoint = folder_.files().checkpoint();
  const auto saved = std::filesystem::exists(checkpoint)
                         ? fmt::format("{} keeps the last good state", io::display_path(checkpoint))
                         : std::string("no checkpoint was written yet");
  throw Error(
      fmt::format("training diverged: the loss of step {} (epoch {}) is {}; try a lower --lr than {} or a "
                  "--warmup ({})",
                  position_.step + 1, position_.epoch + 1, loss, options_.schedule.learning_rate, saved));
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
  log_->write(to_line(line));
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
  io::Progress bar("evaluate", task_.evaluation_images());
  const auto evaluation = task_.evaluate([&](std::int64_t images) {
    bar.advance(images);
    if (stop_()) throw Stopped{};
  });
  bar.note(evaluation.note);
  bar.finish();
  Json line = {{"kind", "eval"}, {"epoch", position_.epoch}, {"seconds", position_.seconds}};
  line.update(evaluation.numbers);
  log_->write(to_line(line));
}

LoopResult Loop::finish() {
  if (position_.step == 0) {
    throw Error(fmt::format("no image of {} was trained on{}", io::display_path(data().root),
                            skipped_.empty() ? std::string(": the time was over before the first step")
                                             : fmt::format("; {} could not be read, the first: {}",
                                                           skipped_.size(), skipped_.front().reason)));
  }
  if (saved_step_ != position_.step) save();  // a resume of a training that was over
  auto all = result();
  all.finished = true;
  if (task_.evaluation_images() > 0) {
    evaluate();
    io::write_file(folder_.files().evaluation(), task_.evaluation_json(folder_.files()));
  }
  log_->write(to_line({{"kind", "end"},
                       {"epoch", position_.epoch},
                       {"seconds", position_.seconds},
                       {"peak_memory_bytes", io::peak_memory_bytes()}}));
  return all;
}

LoopResult Loop::result() const {
  return {.finished = false,
          .epochs = position_.epoch,
          .steps = position_.step,
          .seconds = position_.seconds,
          .skipped = skipped_};
}

/// All tensors of the training; they share its memory, but the last one, the generator's state, is a copy.
NamedTensors Loop::state() const {
  NamedTensors tensors;
  for (const auto& [name, tensor] : task_.parameters()) tensors.emplace_back("model." + name, tensor);
  for (const auto& [name, tensor] : task_.buffers()) tensors.emplace_back("model." + name, tensor);
  for (const auto& [name, tensor] : sgd_.velocities()) tensors.emplace_back("velocity." + name, tensor);
  tensors.emplace_back("generator", at::detail::getDefaultCPUGenerator().get_state());
  return tensors;
}

void Loop::save() {
  log_->sync();
  position_.log_bytes = log_->bytes();
  write_checkpoint(folder_.files().checkpoint(),
                   {.position = position_,
                    .options = options_.flags,
                    .classes = data().classes,
                    .samples = data().samples,
                    .data = data().fingerprint},
                   state());
  task_.save_model(folder_.files().model());
  folder_.publish();
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
  if (!(options.sgd.momentum >= 0 && options.sgd.momentum < 1))
    fail("momentum", options.sgd.momentum, "0 to below 1");
  if (!(options.sgd.weight_decay >= 0 && options.sgd.weight_decay <= 1))
    fail("weight decay", options.sgd.weight_decay, "0 to 1");
  if (options.eval_every < 1) fail("epochs between evaluations", options.eval_every, "at least 1");
}

LoopResult run_training(HeldRunFolder& folder, const LoopOptions& options, Task& task,
                        const std::function<bool()>& stop) {
  return Loop(folder, options, task, stop).run();
}

}  // namespace scatlight::train
