#include "io/atomic_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::io {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::TemporaryFolder;

constexpr int files = 20;

/// Files whose content is `letter`.
void fill(const fs::path& folder, char letter) {
  for (int i = 0; i < files; ++i) std::ofstream(folder / std::to_string(i)) << letter;
}

void replace(const fs::path& path, char letter) {
  AtomicFolder folder(path);
  fill(folder.partial(), letter);
  folder.replace();
}

/// The letter of all files, which must be one.
char letter_of(const fs::path& folder) {
  std::set<char> letters;
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    letters.insert(static_cast<char>(std::ifstream(entry.path()).get()));
    ++count;
  }
  EXPECT_EQ(count, files);
  EXPECT_EQ(letters.size(), 1U);
  return letters.empty() ? '\0' : *letters.begin();
}

std::set<std::string> names_in(const TemporaryFolder& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path()))
    names.insert(entry.path().filename().native());
  return names;
}

/// Makes the kernel refuse to exchange names to this process, as some file systems do. False where it cannot.
bool forbid_exchange() {
  sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {.len = 4, .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
         renameat2(AT_FDCWD, "/", AT_FDCWD, "/", RENAME_EXCHANGE) != 0 && errno == EINVAL;
}

TEST(AtomicFolder, PutsANewOneInPlace) {
  const TemporaryFolder root;
  {
    AtomicFolder folder(root / "deep/er/out/");
    fill(folder.partial(), 'a');
    EXPECT_FALSE(fs::exists(root / "deep/er/out"));
    folder.commit();
  }
  EXPECT_EQ(letter_of(root / "deep/er/out"), 'a');
  fs::create_directory(root / "empty");
  {
    AtomicFolder folder(root / "empty");
    fill(folder.partial(), 'b');
    folder.commit();
  }
  EXPECT_EQ(letter_of(root / "empty"), 'b');
  EXPECT_EQ(names_in(root), (std::set<std::string>{"deep", "empty"}));
}

TEST(AtomicFolder, ReplacesAnOldOneOnlyWhenAsked) {
  const TemporaryFolder root;
  replace(root / "out", 'a');
  expect_error(
      [&] {
        AtomicFolder folder(root / "out");
        folder.commit();
      },
      "out: Directory not empty");
  EXPECT_EQ(letter_of(root / "out"), 'a');
  fs::create_directory_symlink("out", root / "link");
  replace(root / "link", 'b');
  EXPECT_EQ(letter_of(root / "out"), 'b');
  EXPECT_EQ(names_in(root), (std::set<std::string>{"link", "out"}));
}

TEST(AtomicFolder, GoesAwayUnlessItIsPutInPlace) {
  const TemporaryFolder root;
  {
    fill(AtomicFolder(root / "out").partial(), 'a');
  }
  EXPECT_TRUE(names_in(root).empty());
}

TEST(AtomicFolder, OfTwoWritersIsAnError) {
  const TemporaryFolder root;
  AtomicFolder first(root / "out");
  expect_error([&] { AtomicFolder second(root / "out"); }, "out: another process is writing it");
  fill(first.partial(), 'a');
  first.commit();
  EXPECT_EQ(letter_of(root / "out"), 'a');
}

TEST(AtomicFolder, RefusesWhatCannotBeWritten) {
  const TemporaryFolder root;
  root.add("file", "");
  expect_error([&] { AtomicFolder folder(root / "file/out"); }, "out: Not a directory");
  expect_error([] { AtomicFolder folder("/"); }, "cannot write /: it is the root of all folders");
  expect_error([&] { AtomicFolder folder(root / std::string(300, 'n')); }, "File name too long");
}

TEST(AtomicFolder, TakesOverLeftovers) {
  const TemporaryFolder root;
  root.add(".out.lock", "");
  root.add(".out.partial/9999", "x");
  root.add(".out.old/9999", "x");
  replace(root / "out", 'a');
  EXPECT_EQ(letter_of(root / "out"), 'a');
  EXPECT_EQ(names_in(root), std::set<std::string>{"out"});
}

TEST(AtomicFolder, FindsTheOldOneAgainAfterAKillBetweenTwoRenames) {
  const TemporaryFolder root;
  replace(root / "out", 'a');
  fs::rename(root / "out", root / ".out.old");
  {
    const AtomicFolder next(root / "out");
  }
  EXPECT_EQ(letter_of(root / "out"), 'a');
  EXPECT_EQ(names_in(root), std::set<std::string>{"out"});
}

TEST(AtomicFolder, ReplacesWhereTheFileSystemCannotExchange) {
  const TemporaryFolder root;
  replace(root / "out", 'a');
  const auto child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (!forbid_exchange()) _exit(2);
    replace(root / "out", 'b');
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
    GTEST_SKIP() << "skipped: no filter of system calls here";
  EXPECT_EQ(status, 0);
  EXPECT_EQ(letter_of(root / "out"), 'b');
  EXPECT_EQ(names_in(root), std::set<std::string>{"out"});
}

TEST(AtomicFolder, AKillAtAnyMomentLeavesAWholeFolder) {
  for (const bool may_exchange : {true, false}) {
    const TemporaryFolder root;
    replace(root / "out", 'a');
    for (int round = 0; round < 30; ++round) {
      const auto child = fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        if (!may_exchange && !forbid_exchange()) _exit(2);
        for (char letter = 'a';; letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1)) {
          replace(root / "out", letter);
        }
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200 + 170 * round));
      kill(child, SIGKILL);
      ASSERT_EQ(waitpid(child, nullptr, 0), child);
      if (!may_exchange) const AtomicFolder next(root / "out");
      letter_of(root / "out");
    }
    replace(root / "out", 'b');
    EXPECT_EQ(letter_of(root / "out"), 'b');
    EXPECT_EQ(names_in(root), std::set<std::string>{"out"});
  }
}

}  // namespace
}  // namespace scatlight::io
