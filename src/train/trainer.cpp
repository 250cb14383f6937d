#include "train/trainer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "data/fingerprint.h"
#include "io/atomic_file.h"
#include "io/display.h"
#include "io/machine.h"
#include "io/progress.h"
#include "nets/weights.h"
#include "scatlight/error.h"
#include "train/checkpoint.h"
#include "train/json.h"
#include "train/log.h"
#include "train/map_stream.h"
#include "train/model.h"
#include "train/run_facts.h"
#include "train/stopwatch.h"
#include "train/threads.h"

namespace scatlight::train {
namespace {

constexpr std::int64_t log_lines_per_epoch = 20;

/// Thrown when a stop is asked for; the state is on the disk then.
struct Stopped {};

nets::Network make_network(const TrainOptions& options) {
  at::manual_seed(options.seed);  // of the first weights, and of what the network draws while it trains
  nets::Network network(network_options(options));
  if (!options.weights.empty()) nets::load_body(network, options.weights);
  network.to(options.device);
  return network;
}

class Trainer {
 public:
  Trainer(const TrainOptions& options, const std::function<bool()>& stop);
  TrainResult run();

 private:
  void resume();
  void check_data(const CheckpointHeader& header) const;
  void open_folder();

  const data::ImageFolder& data() const { return options_.train_data; }
  std::int64_t samples() const { return std::ssize(data().samples); }
  std::int64_t batches() const { return data::part_count(samples(), options_.batch); }
  data::LoaderOptions loader_options() const;
  bool is_over() const;
  double progress() const;

  void train_epoch();
  void train_batches(MapStream& stream, io::Progress& bar);
  void step(const MappedBatch& batch);
  double backward(const at::Tensor& maps, const at::Tensor& labels, double share);
  [[noreturn]] void fail_diverged(double loss) const;

  void report(io::Progress& bar) const;
  bool ends_log_line() const;
  void write_train_line();
  bool has_something_to_show() const;
  void check_classes() const;
  void note_skipped(const std::vector<data::SkippedFile>& skipped, io::Progress& bar);

  void end_epoch();
  Evaluation evaluate();
  TrainResult finish();
  TrainResult result() const;

  NamedTensors state() const;
  void save();

  TrainOptions options_;
  const std::function<bool()>& stop_;
  HeldRunFolder folder_;
  std::string fingerprint_;  ///< Of the training data.
  data::Recipe recipe_;
  nets::Network network_;
  Sgd sgd_;
  std::optional<Evaluator> evaluator_;
  std::optional<RunLog> log_;
  Position position_;
  Stopwatch clock_;
  double rate_ = 0;               ///< Of the last step.
  std::int64_t saved_step_ = -1;  ///< Of the last checkpoint that this process wrote.
  double saved_seconds_ = 0;
  std::vector<data::SkippedFile> skipped_;
};

Trainer::Trainer(const TrainOptions& options, const std::function<bool()>& stop)
    : options_(options),
      stop_(stop),
      folder_({options.run}, options.mode),
      fingerprint_(data::fingerprint(options.train_data)),
      recipe_(options.recipe),
      network_(make_network(options)),
      sgd_(network_.parameters(), options.sgd) {
  if (options_.val_data) {
    const bool repeats = options_.seconds > 0 || options_.epochs > options_.eval_every;
    evaluator_.emplace(*options_.val_data, recipe_,
                       EvaluateOptions{.threads = options_.threads,
                                       .skip_bad = options_.skip_bad,
                                       .max_pixels = options_.max_pixels,
                                       .cache_bytes = repeats ? options_.cache_bytes : 0});
  }
  if (options_.mode == RunMode::Resume) resume();
  open_folder();
}

void Trainer::resume() {
  const auto path = folder_.files().checkpoint();
  const auto header = read_checkpoint_header(path);
  check_data(header);
  position_ = header.position;
  if (header.samples != samples()) position_.batch = std::min(position_.batch, batches());
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
void Trainer::check_data(const CheckpointHeader& header) const {
  const auto name = io::display_path(data().root);
  const auto run = io::display_path(options_.run);
  if (header.classes != data().classes) {
    throw Error(
        fmt::format("{} has {} classes, but the run in {} was trained on {}{}: a resume needs the same", name,
                    data().classes.size(), run, header.classes.size(),
                    header.classes.size() == data().classes.size() ? " others" : ""));
  }
  if (header.data == fingerprint_ || options_.accept_changed_data) return;
  throw Error(fmt::format(
      "the images in {} are not those that the run in {} was trained on ({} then, {} now; other names "
      "or sizes): --data-changed resumes with them",
      name, run, header.samples, samples()));
}

void Trainer::open_folder() {
  folder_.open();
  log_.emplace(folder_.files().log(), position_.log_bytes);
  if (options_.mode == RunMode::Resume) return;
  io::write_file(folder_.files().facts(), run_facts_json(options_, network_));
}

data::LoaderOptions Trainer::loader_options() const {
  return {.batch_size = options_.batch,
          .threads = options_.threads,
          .seed = options_.seed,
          .epoch = position_.epoch,
          .augment = options_.augment,
          .shuffle = true,
          .skip_bad = options_.skip_bad,
          .max_pixels = options_.max_pixels,
          .start_batch = position_.batch};
}

bool Trainer::is_over() const {
  return options_.seconds > 0 ? clock_.seconds() >= options_.seconds : position_.epoch >= options_.epochs;
}

/// Share of the training that is done.
double Trainer::progress() const {
  if (options_.seconds > 0) return clock_.seconds() / options_.seconds;
  const auto share_of_epoch = static_cast<double>(position_.batch) / static_cast<double>(batches());
  return (static_cast<double>(position_.epoch) + share_of_epoch) / static_cast<double>(options_.epochs);
}

TrainResult Trainer::run() {
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

void Trainer::train_epoch() {
  const auto images = position_.batch < batches()
                          ? samples() - data::even_part(samples(), options_.batch, position_.batch).first
                          : 0;
  const auto of_all = options_.seconds > 0 ? std::string() : fmt::format("/{}", options_.epochs);
  io::Progress bar(fmt::format("epoch {}{}", position_.epoch + 1, of_all), images);
  network_.train(true);
  clock_.start();
  data::Loader loader(data(), recipe_, loader_options());
  {
    MapStream stream(loader, network_);
    train_batches(stream, bar);
  }
  clock_.stop();
  position_.seconds = clock_.seconds();
  note_skipped(loader.skipped(), bar);
  if (!stop_()) check_classes();
  if (saved_step_ != position_.step && has_something_to_show()) save();
  if (stop_()) throw Stopped{};
  bar.finish();
}

void Trainer::train_batches(MapStream& stream, io::Progress& bar) {
  while (!is_over() && !stop_()) {
    const auto mapped = stream.next();
    if (!mapped) {
      position_.batch = batches();  // also where the last batches had no image that could be read
      break;
    }
    step(*mapped);
    position_.batch = mapped->batch.number + 1;
    position_.seconds = clock_.seconds();
    bar.advance(mapped->batch.count);
    report(bar);
    if (ends_log_line()) write_train_line();
    if (position_.seconds - saved_seconds_ >= options_.checkpoint_seconds) save();
  }
  // A stop leaves the line open, for the resume to go on with.
  if (!stop_() && position_.line_images > 0) write_train_line();
}

/// One step of the optimizer with the gradient of the mean loss over the batch, in parts where memory is
/// short.
void Trainer::step(const MappedBatch& mapped) {
  const auto& batch = mapped.batch;
  rate_ = learning_rate_at(options_.schedule, progress());
  const auto labels = at::tensor(batch.labels).to(options_.device);
  double loss = 0;
  for (std::int64_t i = 0; i < data::part_count(batch.count, options_.micro_batch); ++i) {
    const auto [first, count] = data::even_part(batch.count, options_.micro_batch, i);
    const auto share = static_cast<double>(count) / static_cast<double>(batch.count);
    loss += share * backward(mapped.maps.narrow(0, first, count), labels.narrow(0, first, count), share);
  }
  if (!std::isfinite(loss)) fail_diverged(loss);
  sgd_.step(rate_);
  ++position_.step;
  position_.images += batch.count;
  position_.line_images += batch.count;
  position_.line_loss += loss * static_cast<double>(batch.count);
}

/// Adds the gradient of share * (mean loss) and returns the mean loss.
double Trainer::backward(const at::Tensor& maps, const at::Tensor& labels, double share) {
  const auto scores = network_.classify(maps);
  const auto loss =
      at::cross_entropy_loss(scores, labels, {}, at::Reduction::Mean, -100, options_.label_smoothing);
  loss.mul(share).backward();
  return loss.item<double>();
}

void Trainer::fail_diverged(double loss) const {
  const auto checkpoint = folder_.files().checkpoint();
  const auto saved = std::filesystem::exists(checkpoint)
                         ? fmt::format("{} keeps the last good state", io::display_path(checkpoint))
                         : std::string("no checkpoint was written yet");
  throw Error(
      fmt::format("training diverged: the loss of step {} (epoch {}) is {}; try a lower --lr than {} or a "
                  "--warmup ({})",
                  position_.step + 1, position_.epoch + 1, loss, options_.schedule.learning_rate, saved));
}

void Trainer::report(io::Progress& bar) const {
  const auto share = std::min(progress(), 1.0);
  const auto left = share > 0 ? position_.seconds * (1 - share) / share : 0;
  bar.note(fmt::format("loss {:.3f}  rate {:.2g}  {} of training left",
                       position_.line_loss / static_cast<double>(position_.line_images), rate_,
                       io::format_duration(left)));
}

/// True after about each twentieth of an epoch; a matter of the batch's number, so that a resume agrees.
bool Trainer::ends_log_line() const {
  const auto line = [&](std::int64_t batch) { return log_lines_per_epoch * batch / batches(); };
  return line(position_.batch) != line(position_.batch - 1);
}

void Trainer::write_train_line() {
  const auto images = static_cast<double>(position_.line_images);
  const auto seconds = position_.seconds - position_.line_seconds;
  log_->write(to_line({{"kind", "train"},
                       {"epoch", position_.epoch + 1},
                       {"step", position_.step},
                       {"images", position_.images},
                       {"seconds", position_.seconds},
                       {"loss", position_.line_loss / images},
                       {"learning_rate", rate_},
                       {"images_per_second", images / seconds}}));
  position_.line_images = 0;
  position_.line_loss = 0;
  position_.line_seconds = position_.seconds;
}

/// False for an overwrite that has made no step: the earlier run is better than none.
bool Trainer::has_something_to_show() const {
  return position_.step > 0 || options_.mode != RunMode::Overwrite;
}

/// After a whole pass, with bad files left out: a class of which nothing is left cannot be learnt.
void Trainer::check_classes() const {
  if (skipped_.empty() || position_.batch < batches()) return;
  std::vector<std::int64_t> left(data().classes.size());
  std::unordered_map<std::string_view, std::int64_t> label_of;
  for (const auto& [file, label] : data().samples) {
    ++left[static_cast<std::size_t>(label)];
    label_of.emplace(file.native(), label);
  }
  for (const auto& skipped : skipped_) --left[static_cast<std::size_t>(label_of.at(skipped.file))];
  const auto empty = std::ranges::find(left, 0) - left.begin();
  if (empty == std::ssize(left)) return;
  const auto first =
      std::ranges::find(skipped_, empty, [&](const auto& skipped) { return label_of.at(skipped.file); });
  throw Error(fmt::format("no image of the class '{}' could be read; the first: {}",
                          io::display(data().classes[static_cast<std::size_t>(empty)]), first->reason));
}

/// Names each file once, although every epoch meets it again.
void Trainer::note_skipped(const std::vector<data::SkippedFile>& skipped, io::Progress& bar) {
  for (const auto& file : skipped) {
    if (std::ranges::find(skipped_, file.file, &data::SkippedFile::file) != skipped_.end()) continue;
    skipped_.push_back(file);
    bar.say(fmt::format("left out: {}", file.reason));
  }
}

void Trainer::end_epoch() {
  if (position_.batch < batches()) return;  // the time was over within it
  ++position_.epoch;
  position_.batch = 0;
  if (evaluator_ && !is_over() && position_.epoch % options_.eval_every == 0) evaluate();
}

Evaluation Trainer::evaluate() {
  io::Progress bar("evaluate", std::ssize(options_.val_data->samples));
  auto evaluation = evaluator_->evaluate(network_, [&](std::int64_t images) {
    bar.advance(images);
    if (stop_()) throw Stopped{};
  });
  const auto& metrics = evaluation.metrics;
  bar.note(fmt::format("top-1 {:.2f} %  top-5 {:.2f} %  loss {:.3f}", metrics.top1(), metrics.top5(),
                       metrics.loss()));
  bar.finish();
  log_->write(to_line({{"kind", "eval"},
                       {"epoch", position_.epoch},
                       {"seconds", position_.seconds},
                       {"images", metrics.images()},
                       {"loss", metrics.loss()},
                       {"top1", metrics.top1()},
                       {"top5", metrics.top5()}}));
  return evaluation;
}

TrainResult Trainer::finish() {
  if (position_.step == 0) {
    throw Error(fmt::format("no image of {} was trained on{}", io::display_path(data().root),
                            skipped_.empty() ? std::string(": the time was over before the first step")
                                             : fmt::format("; {} could not be read, the first: {}",
                                                           skipped_.size(), skipped_.front().reason)));
  }
  if (saved_step_ != position_.step) save();  // a resume of a training that was over
  auto all = result();
  all.finished = true;
  if (evaluator_) {
    all.evaluation = evaluate();
    io::write_file(folder_.files().evaluation(),
                   evaluation_json(*all.evaluation, {.weights = folder_.files().model().string(),
                                                     .data = options_.val_data->root.string(),
                                                     .network = network_.options().name,
                                                     .classes = data().classes}));
  }
  log_->write(to_line({{"kind", "end"},
                       {"epoch", position_.epoch},
                       {"seconds", position_.seconds},
                       {"peak_memory_bytes", io::peak_memory_bytes()}}));
  return all;
}

TrainResult Trainer::result() const {
  return {.finished = false,
          .epochs = position_.epoch,
          .steps = position_.step,
          .seconds = position_.seconds,
          .evaluation = std::nullopt,
          .skipped = skipped_};
}

/// All tensors of the training; they share its memory, but the last one, the generator's state, is a copy.
NamedTensors Trainer::state() const {
  NamedTensors tensors;
  for (const auto& [name, tensor] : network_.parameters()) tensors.emplace_back("model." + name, tensor);
  for (const auto& [name, tensor] : network_.buffers()) tensors.emplace_back("model." + name, tensor);
  for (const auto& [name, tensor] : sgd_.velocities()) tensors.emplace_back("velocity." + name, tensor);
  tensors.emplace_back("generator", at::detail::getDefaultCPUGenerator().get_state());
  return tensors;
}

void Trainer::save() {
  log_->sync();
  position_.log_bytes = log_->bytes();
  write_checkpoint(folder_.files().checkpoint(),
                   {.position = position_,
                    .options = options_.flags,
                    .classes = data().classes,
                    .samples = samples(),
                    .data = fingerprint_},
                   state());
  save_model(folder_.files().model(), network_, data().classes, recipe_.options());
  folder_.publish();
  saved_step_ = position_.step;
  saved_seconds_ = position_.seconds;
}

/// With the defaults resolved that depend on others or on the machine.
TrainOptions resolve(TrainOptions options) {
  check(options);
  if (options.micro_batch == 0) options.micro_batch = options.batch;
  options.threads = use_threads(options.threads);
  return options;
}

}  // namespace

TrainResult train(const TrainOptions& options, const std::function<bool()>& stop) {
  return Trainer(resolve(options), stop).run();
}

}  // namespace scatlight::train
