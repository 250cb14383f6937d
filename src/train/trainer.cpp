#include "train/trainer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/atomic_file.h"
#include "io/display.h"
#include "io/machine.h"
#include "io/progress.h"
#include "nets/cost.h"
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

data::ImageFolder list_train_data(const TrainOptions& options) {
  auto folder = data::list_image_folder(options.train_data);
  if (folder.classes.size() < 2) {
    throw Error(fmt::format("{} has {} class folder: a classifier needs at least 2",
                            io::display_path(options.train_data), folder.classes.size()));
  }
  try {
    static_cast<void>(Json(folder.classes).dump());
  } catch (const Json::exception&) {
    throw Error(fmt::format("a class folder of {} has a name that is not UTF-8",
                            io::display_path(options.train_data)));
  }
  return folder;
}

std::optional<data::ImageFolder> list_val_data(const TrainOptions& options,
                                               const std::vector<std::string>& classes) {
  if (options.val_data.empty()) return std::nullopt;
  return data::list_image_folder(options.val_data, classes);
}

nets::NetworkOptions network_options(const TrainOptions& options, std::size_t classes) {
  auto network = options.network;
  network.classes = static_cast<int>(classes);
  network.height = network.width = options.recipe.size;
  return network;
}

nets::Network make_network(const TrainOptions& options, const data::ImageFolder& folder) {
  at::manual_seed(options.seed);  // of the first weights, and of what the network draws while it trains
  nets::Network network(network_options(options, folder.classes.size()));
  network.to(options.device);
  return network;
}

struct Part {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// Cuts `count` images into the fewest parts of at most `largest`, as even as they can be: batch norm wants
/// no part of a single image.
std::vector<Part> cut(std::int64_t count, std::int64_t largest) {
  const auto parts = (count + largest - 1) / largest;
  std::vector<Part> list;
  for (std::int64_t i = 0; i < parts; ++i) {
    const auto first = count * i / parts;
    list.push_back({.first = first, .count = count * (i + 1) / parts - first});
  }
  return list;
}

class Trainer {
 public:
  Trainer(const TrainOptions& options, const std::function<bool()>& stop);
  TrainResult run();

 private:
  void resume();
  void open_folder();

  std::int64_t samples() const { return std::ssize(train_data_.samples); }
  std::int64_t batches() const { return std::max<std::int64_t>(samples() / options_.batch, 1); }
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
  void note_skipped(const std::vector<data::SkippedFile>& skipped, io::Progress& bar);

  void end_epoch();
  Evaluation evaluate();
  TrainResult finish();
  TrainResult result() const;

  NamedTensors state() const;
  void save();

  TrainOptions options_;
  const std::function<bool()>& stop_;
  RunFolder folder_;
  data::ImageFolder train_data_;
  std::optional<data::ImageFolder> val_data_;
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
      folder_{options.run},
      train_data_(list_train_data(options)),
      val_data_(list_val_data(options, train_data_.classes)),
      recipe_(options.recipe),
      network_(make_network(options, train_data_)),
      sgd_(network_.parameters(), options.sgd) {
  check_run_folder(folder_, options_.mode);
  if (val_data_) {
    const bool repeats = options_.seconds > 0 || options_.epochs > options_.eval_every;
    evaluator_.emplace(*val_data_, recipe_,
                       EvaluateOptions{.threads = options_.threads,
                                       .skip_bad = options_.skip_bad,
                                       .cache_bytes = repeats ? options_.cache_bytes : 0});
  }
  if (options_.mode == RunMode::Resume) resume();
  open_folder();
}

void Trainer::resume() {
  const auto path = folder_.checkpoint();
  const auto header = read_checkpoint_header(path);
  if (header.classes != train_data_.classes || header.samples != samples()) {
    throw Error(
        fmt::format("{} has {} images of {} classes, but the run in {} was trained on {} of {}: a resume "
                    "needs the same data",
                    io::display_path(options_.train_data), samples(), train_data_.classes.size(),
                    io::display_path(folder_.root), header.samples, header.classes.size()));
  }
  position_ = header.position;
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

void Trainer::open_folder() {
  open_run_folder(folder_, options_.mode);
  log_.emplace(folder_.log(), position_.log_bytes);
  if (options_.mode == RunMode::Resume) return;
  io::write_file(folder_.facts(),
                 run_facts_json(options_.flags, network_, train_data_.classes, options_.threads));
}

data::LoaderOptions Trainer::loader_options() const {
  return {.batch_size = options_.batch,
          .threads = options_.threads,
          .seed = options_.seed,
          .epoch = position_.epoch,
          .augment = options_.augment,
          .shuffle = true,
          .drop_last = samples() >= options_.batch,
          .skip_bad = options_.skip_bad,
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
  const auto images = std::min(samples(), batches() * options_.batch) - position_.batch * options_.batch;
  const auto of_all = options_.seconds > 0 ? std::string() : fmt::format("/{}", options_.epochs);
  io::Progress bar(fmt::format("epoch {}{}", position_.epoch + 1, of_all), std::max<std::int64_t>(images, 0));
  network_.train(true);
  clock_.start();
  data::Loader loader(train_data_, recipe_, loader_options());
  {
    MapStream stream(loader, network_);
    train_batches(stream, bar);
  }
  clock_.stop();
  position_.seconds = clock_.seconds();
  note_skipped(loader.skipped(), bar);
  if (saved_step_ != position_.step) save();
  if (stop_()) throw Stopped{};
  bar.finish();
}

void Trainer::train_batches(MapStream& stream, io::Progress& bar) {
  while (!is_over() && !stop_()) {
    const auto mapped = stream.next();
    if (!mapped) {
      position_.batch = batches();  // also where whole batches at the end were left out
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
  for (const auto [first, count] : cut(batch.count, options_.micro_batch)) {
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
  const auto saved = std::filesystem::exists(folder_.checkpoint())
                         ? fmt::format("{} keeps the last good state", io::display_path(folder_.checkpoint()))
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
  io::Progress bar("evaluate", std::ssize(val_data_->samples));
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
  if (saved_step_ != position_.step) save();  // a resume of a training that was over
  auto all = result();
  all.finished = true;
  if (evaluator_) {
    all.evaluation = evaluate();
    io::write_file(folder_.evaluation(),
                   evaluation_json(*all.evaluation, {.weights = folder_.model().string(),
                                                     .data = options_.val_data.string(),
                                                     .network = network_.options().name,
                                                     .classes = train_data_.classes}));
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
  write_checkpoint(folder_.checkpoint(),
                   {.position = position_,
                    .options = options_.flags,
                    .classes = train_data_.classes,
                    .samples = samples()},
                   state());
  save_model(folder_.model(), network_, train_data_.classes, recipe_.options());
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

void check(const TrainOptions& options) {
  const auto fail = [](const char* what, auto value, const std::string& accepted) {
    throw Error(fmt::format("{} {}: {} is accepted", what, value, accepted));
  };
  if (options.epochs < 1) fail("epochs", options.epochs, "at least 1");
  if (!(options.seconds >= 0)) fail("seconds of training", options.seconds, "at least 0");
  if (options.batch < 1) fail("batch", options.batch, "at least 1");
  if (options.micro_batch < 0 || options.micro_batch > options.batch)
    fail("micro-batch", options.micro_batch, fmt::format("0 to the batch ({})", options.batch));
  if (!(options.schedule.learning_rate > 0)) fail("learning rate", options.schedule.learning_rate, "above 0");
  if (!(options.schedule.warmup >= 0 && options.schedule.warmup < 1))
    fail("warm-up", options.schedule.warmup, "a share of the training, 0 to below 1,");
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1))
    fail("label smoothing", options.label_smoothing, "0 to below 1");
  if (options.eval_every < 1) fail("epochs between evaluations", options.eval_every, "at least 1");
  data::Recipe{options.recipe};
  nets::cost(network_options(options, 2));
}

TrainResult train(const TrainOptions& options, const std::function<bool()>& stop) {
  return Trainer(resolve(options), stop).run();
}

}  // namespace scatlight::train
