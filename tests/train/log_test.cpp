#include "train/log.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "io/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::train {
namespace {

std::string content(const std::filesystem::path& path) { return io::read_text(path, 1 << 20); }

TEST(RunLog, EachLineIsInTheFileAtOnce) {
  const test::TemporaryFolder folder;
  const auto path = folder / "log.jsonl";
  RunLog log(path, 0);
  log.write("{\"a\":1}");
  EXPECT_EQ(content(path), "{\"a\":1}\n");
  log.write("{}");
  EXPECT_EQ(content(path), "{\"a\":1}\n{}\n");
  EXPECT_EQ(log.bytes(), 11U);
}

TEST(RunLog, ResumeCutsWhatLiesAfterTheCheckpoint) {
  const test::TemporaryFolder folder;
  const auto path = folder.add("log.jsonl", "{\"a\":1}\n{\"b\":2}\n{\"broken");
  RunLog log(path, 8);
  EXPECT_EQ(content(path), "{\"a\":1}\n");
  log.write("{\"c\":3}");
  EXPECT_EQ(content(path), "{\"a\":1}\n{\"c\":3}\n");
}

TEST(RunLog, RefusesALogThatIsShorterThanTheCheckpointSays) {
  const test::TemporaryFolder folder;
  const auto path = folder.add("log.jsonl", "{}\n");
  test::expect_error([&] { RunLog(path, 4); }, "it has 3 bytes, but 4 when the checkpoint was written");
  EXPECT_EQ(content(path), "{}\n");
}

TEST(RunLog, NeitherWaitsForAPipeNorFollowsALink) {
  const test::TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0666), 0);
  test::expect_error([&] { RunLog(folder / "pipe", 0); }, "pipe: it is not a regular file");
  folder.add("precious", "keep");
  std::filesystem::create_symlink(folder / "precious", folder / "link");
  test::expect_error([&] { RunLog(folder / "link", 0); }, "link: it is not a regular file");
  EXPECT_EQ(content(folder / "precious"), "keep");
}

TEST(RunLog, NamesAFileThatCannotBeWritten) {
  const test::TemporaryFolder folder;
  test::expect_error([&] { RunLog(folder / "absent/log.jsonl", 0); }, "log.jsonl: No such file or directory");
}

TEST(RunLog, AFullDiskLeavesWholeLines) {
  const test::TemporaryFolder folder;
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {.rlim_cur = 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  {
    RunLog log(folder / "log.jsonl", 0);
    log.write("{\"a\":1}");
    test::expect_error([&] { log.write("{\"b\":2}"); }, "log.jsonl");
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(content(folder / "log.jsonl"), "{\"a\":1}\n");
}

}  // namespace
}  // namespace scatlight::train
