#include "io/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "io/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::io {
namespace {

using test::expect_error;
using test::TemporaryFolder;

constexpr std::uint64_t no_limit = std::uint64_t{1} << 40;

std::size_t files_in(const TemporaryFolder& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++count;
  return count;
}

TEST(AtomicFile, WritesAndReplaces) {
  const TemporaryFolder folder;
  const auto path = folder / "a.txt";
  write_file(path, "first");
  EXPECT_EQ(read_text(path, no_limit), "first");
  write_file(path, "the second");
  EXPECT_EQ(read_text(path, no_limit), "the second");
  write_file(path, "");
  EXPECT_EQ(read_text(path, no_limit), "");
  EXPECT_EQ(files_in(folder), 1U);
}

TEST(AtomicFile, StreamsPiecesOfAnySize) {
  const TemporaryFolder folder;
  const auto path = folder / "a.bin";
  std::string expected;
  {
    AtomicFile file(path);
    for (const std::size_t size : {1U, 700'000U, 700'000U, 0U, 3'000'000U, 5U, 1'048'576U}) {
      const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
      file.write(piece);
      expected += piece;
    }
    EXPECT_FALSE(std::filesystem::exists(path));
    file.commit();
  }
  EXPECT_EQ(read_text(path, no_limit), expected);
}

TEST(AtomicFile, WithoutCommitTheOldFileStaysAndNothingElse) {
  const TemporaryFolder folder;
  const auto path = folder.add("a.txt", "old");
  {
    AtomicFile file(path);
    file.write(std::string(5'000'000, 'x'));
  }
  EXPECT_EQ(read_text(path, no_limit), "old");
  EXPECT_EQ(files_in(folder), 1U);
}

TEST(AtomicFile, NewFilesHaveTheUsualMode) {
  const TemporaryFolder folder;
  const auto mask = umask(022);
  write_file(folder / "a.txt", "x");
  umask(mask);
  struct stat status = {};
  ASSERT_EQ(stat((folder / "a.txt").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644U);
}

TEST(AtomicFile, FollowsASymbolicLink) {
  const TemporaryFolder folder;
  folder.add("deep/target.txt", "old");
  std::filesystem::create_symlink("deep/target.txt", folder / "link.txt");
  write_file(folder / "link.txt", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.txt"));
  EXPECT_EQ(read_text(folder / "deep/target.txt", no_limit), "new");
}

TEST(AtomicFile, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  expect_error([&] { write_file(folder.path(), "x"); }, "it is a folder");
  expect_error([&] { write_file(folder / "absent/a.txt", "x"); }, "No such file or directory");
  expect_error([&] { write_file("/dev/full", "x"); }, "cannot write /dev/full: it is not a regular file");
  folder.add("file", "");
  expect_error([&] { write_file(folder / "file/a.txt", "x"); }, "Not a directory");
  expect_error([&] { write_file(folder / std::string(300, 'n'), "x"); }, "File name too long");
  expect_error([&] { write_file("", "x"); }, "it names no file");
}

TEST(AtomicFile, RefusesAFolderThatMayNotBeWritten) {
  if (geteuid() == 0) GTEST_SKIP() << "skipped: root may write anywhere";
  const TemporaryFolder folder;
  chmod(folder.path().c_str(), 0555);
  expect_error([&] { write_file(folder / "a.txt", "x"); }, "Permission denied");
  chmod(folder.path().c_str(), 0755);
}

TEST(MakeFolderFor, TakesNamesWithAndWithoutAFolder) {
  const TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  make_folder_for("bare.json");
  make_folder_for("new/folder/file.json");
  EXPECT_TRUE(std::filesystem::is_directory("new/folder"));
  folder.add("file", "");
  expect_error([] { make_folder_for("file/in_it.json"); }, "file");
  std::filesystem::current_path(before);
  EXPECT_EQ(files_in(folder), 2);
}

TEST(AtomicFile, TwoWritersOfOneFileAreAnError) {
  const TemporaryFolder folder;
  AtomicFile first(folder / "a.txt");
  expect_error([&] { AtomicFile second(folder / "a.txt"); }, "another process is writing it");
  first.write("first");
  first.commit();
  EXPECT_EQ(read_text(folder / "a.txt", no_limit), "first");
}

TEST(AtomicFile, TakesOverALeftover) {
  const TemporaryFolder folder;
  folder.add(".a.txt.tmp", std::string(100, 'x'));
  write_file(folder / "a.txt", "new");
  EXPECT_EQ(read_text(folder / "a.txt", no_limit), "new");
  EXPECT_EQ(files_in(folder), 1U);
}

TEST(AtomicFile, AFullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  const auto path = folder.add("a.txt", "old");
  // A limit on file sizes stands for a full disk. It belongs to a process, so a child takes it.
  const auto child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(2);
    try {
      write_file(path, std::string(4 << 20, 'x'));
    } catch (const Error& error) {
      _exit(std::string_view(error.what()).ends_with("File too large") ? 0 : 3);
    }
    _exit(4);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(read_text(path, no_limit), "old");
  EXPECT_EQ(files_in(folder), 1U);
}

TEST(AtomicFile, AKillAtAnyMomentLeavesAWholeFile) {
  const TemporaryFolder folder;
  const auto path = folder / "a.txt";
  write_file(path, std::string(2 << 20, 'a'));
  for (int round = 0; round < 30; ++round) {
    const auto child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (char c = 'a';; c = c == 'z' ? 'a' : static_cast<char>(c + 1))
        write_file(path, std::string(2 << 20, c));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(500 + 700 * round));
    kill(child, SIGKILL);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    const auto text = read_text(path, no_limit);
    ASSERT_EQ(text.size(), std::size_t{2} << 20);
    ASSERT_EQ(text.find_first_not_of(text[0]), std::string::npos);
  }
}

TEST(File, ReadsPartsAndRefusesBeyondTheEnd) {
  const TemporaryFolder folder;
  const ReadOnlyFile file(folder.add("a.txt", "0123456789"));
  std::string part(4, ' ');
  file.read(3, std::as_writable_bytes(std::span(part)));
  EXPECT_EQ(part, "3456");
  expect_error([&] { file.read(8, std::as_writable_bytes(std::span(part))); }, "it ends at byte 10");
}

TEST(File, LimitsItsSize) {
  const TemporaryFolder folder;
  const auto path = folder.add("a.txt", "0123456789");
  EXPECT_EQ(read_bytes(path, 10).size(), 10U);
  expect_error([&] { read_bytes(path, 9); }, "it has 10 bytes, at most 9 are accepted");
}

TEST(File, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  expect_error([&] { read_text(folder.path(), 10); }, "it is a folder, not a file");
  expect_error([&] { read_text(folder / "absent", 10); }, "No such file or directory");
  expect_error([&] { read_text("/dev/zero", 10); }, "it is not a regular file");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_error([&] { read_text(folder / "pipe", 10); }, "it is not a regular file");
}

TEST(File, AHostileNameStaysOneLine) {
  expect_error([&] { read_text("no\nsuch\x1b[31mfile", 10); }, "no\\x0asuch\\x1b[31mfile");
  expect_error([&] { read_text(std::string(5000, 'n'), 10); }, "nnn...");
}

}  // namespace
}  // namespace scatlight::io
