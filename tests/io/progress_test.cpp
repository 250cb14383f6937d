#include "io/progress.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

namespace scatlight::io {
namespace {

/// A pipe whose reading end gives all that was written so far.
class Capture {
 public:
  Capture() { EXPECT_EQ(pipe(ends_), 0); }
  ~Capture() {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }
  int descriptor() const { return ends_[1]; }
  std::string text() {
    close(ends_[1]);
    ends_[1] = -1;
    std::string all;
    char buffer[4096];
    for (ssize_t count; (count = read(ends_[0], buffer, sizeof buffer)) > 0;) all.append(buffer, count);
    return all;
  }

 private:
  int ends_[2] = {-1, -1};
};

TEST(Progress, FormatsDurations) {
  EXPECT_EQ(format_duration(0), "0:00");
  EXPECT_EQ(format_duration(75.4), "1:15");
  EXPECT_EQ(format_duration(3675), "1:01:15");
  EXPECT_EQ(format_duration(-3), "0:00");
}

TEST(Progress, BarLineSaysCountRateShareAndTimeLeft) {
  const ProgressFacts facts{.label = "draw",
                            .unit = "images",
                            .note = "",
                            .done = 50,
                            .total = 200,
                            .seconds = 5,
                            .items_per_second = 10};
  EXPECT_EQ(progress_bar_line(facts, 72),
            "draw  [====>           ]   25 %  50/200 images  10.0 images/s  0:15 left");
  EXPECT_EQ(progress_plain_line(facts), "draw  25 %  50/200 images  10.0 images/s  0:15 left");
}

TEST(Progress, BarLineFitsAnyWidth) {
  const ProgressFacts facts{.label = "epoch 12",
                            .unit = "images",
                            .note = "loss 1.234",
                            .done = 999,
                            .total = 123456,
                            .seconds = 5,
                            .items_per_second = 199.8};
  for (int columns = 1; columns < 160; ++columns) {
    EXPECT_LE(static_cast<int>(progress_bar_line(facts, columns).size()), columns);
  }
  EXPECT_NE(progress_bar_line(facts, 120).find("loss 1.234"), std::string::npos);
}

TEST(Progress, UnknownTotalHasNoShareAndNoTimeLeft) {
  const ProgressFacts facts{.label = "read",
                            .unit = "files",
                            .note = "",
                            .done = 7,
                            .total = 0,
                            .seconds = 3,
                            .items_per_second = 2.333};
  EXPECT_EQ(progress_bar_line(facts, 80), "read  7 files  2.33 files/s  0:03 so far");
}

TEST(Progress, RedrawsATerminalTenTimesASecondAtMost) {
  Capture capture;
  double clock = 0;
  {
    Progress progress(
        "draw", 1000, "images",
        {.descriptor = capture.descriptor(), .columns = 80, .seconds_now = [&] { return clock; }});
    for (int i = 0; i < 1000; ++i) {
      clock += 0.001;
      progress.advance();
    }
    progress.finish();
  }
  const auto text = capture.text();
  int redraws = 0;
  for (std::size_t at = 0; (at = text.find("\rdraw", at)) != std::string::npos; ++at) ++redraws;
  EXPECT_GE(redraws, 9);
  EXPECT_LE(redraws, 11);
  EXPECT_TRUE(text.ends_with("draw  1000 images in 0:01  1000 images/s\n")) << text;
}

TEST(Progress, WritesPlainLinesWhereThereIsNoTerminal) {
  Capture capture;
  double clock = 0;
  Progress progress("draw", 100, "images",
                    {.descriptor = capture.descriptor(), .seconds_now = [&] { return clock; }});
  progress.advance(10);
  clock = 6;
  progress.note("loss 2.5");
  progress.advance(50);
  clock = 10;
  progress.advance(40);
  progress.finish();
  progress.finish();
  EXPECT_EQ(capture.text(),
            "draw  60 %  60/100 images  10.0 images/s  0:04 left  loss 2.5\n"
            "draw  100 images in 0:10  10.0 images/s  loss 2.5\n");
}

TEST(Progress, LeavesACleanLineWhenTheWorkFails) {
  Capture capture;
  {
    Progress progress("draw", 100, "images", {.descriptor = capture.descriptor(), .columns = 80});
    progress.advance();
    progress.say("skipped a.jpg");
  }
  const auto text = capture.text();
  EXPECT_NE(text.find("\r\x1b[Kskipped a.jpg\n"), std::string::npos) << text;
  EXPECT_EQ(text.find(" in 0:00"), std::string::npos) << text;
}

TEST(Progress, CountsFromManyThreads) {
  Capture capture;
  Progress progress("count", 0, "items", {.descriptor = capture.descriptor()});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10000; ++i) progress.advance();
      });
    }
  }
  EXPECT_EQ(progress.done(), 40000);
}

TEST(Progress, AClosedDescriptorIsNoError) {
  Progress progress("draw", 1, "images", {.descriptor = -1, .columns = 80});
  progress.advance();
  progress.finish();
  EXPECT_EQ(progress.done(), 1);
}

}  // namespace
}  // namespace scatlight::io
