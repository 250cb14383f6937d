#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"
#include "io/tar_reader.h"
#include "io/tar_writer.h"
#include "support/expect_error.h"
#include "support/mutate.h"
#include "support/tar_files.h"
#include "support/temporary_folder.h"

namespace scatlight::io {
namespace {

using test::expect_error;
using test::pax_header;
using test::tar_block;
using test::tar_content;
using test::tar_end;
using test::tar_header;
using test::tar_header_with;
using test::tar_member;
using test::TemporaryFolder;

std::string content_of(const ReadOnlyFile& file, const TarMember& member) {
  std::string content(member.size, '\0');
  file.read(member.offset, std::as_writable_bytes(std::span(content)));
  return content;
}

/// "NAME=CONTENT" of files, "NAME: KIND" of others.
std::vector<std::string> list(std::string_view archive) {
  static constexpr std::array<const char*, 4> kinds = {"file", "link", "sparse", "other"};
  const TemporaryFolder folder;
  const ReadOnlyFile file(folder.add("a.tar", archive));
  std::vector<std::string> lines;
  for (const auto& member : list_tar(file)) {
    lines.push_back(member.kind == TarKind::File
                        ? member.name + "=" + content_of(file, member)
                        : member.name + ": " + kinds[static_cast<std::size_t>(member.kind)]);
  }
  return lines;
}

using Lines = std::vector<std::string>;

void refuse(std::string_view archive, std::string_view reason) {
  const TemporaryFolder folder;
  const ReadOnlyFile file(folder.add("a.tar", archive));
  expect_error([&] { list_tar(file); }, reason);
  expect_error([&] { list_tar(file); }, "/a.tar");
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string write(const std::vector<std::pair<std::string, std::string>>& members) {
  const TemporaryFolder folder;
  TarWriter writer(folder / "a.tar");
  for (const auto& [name, content] : members) writer.add(name, bytes_of(content));
  writer.commit();
  return read_text(folder / "a.tar", 1 << 20);
}

TEST(Tar, ListsWhatWasWritten) {
  const std::string block(tar_block, 'b');
  const auto archive =
      write({{"a/1.jpg", "one"}, {"empty", ""}, {"block", block}, {std::string(100, 'n'), block + "c"}});
  EXPECT_EQ(list(archive),
            (Lines{"a/1.jpg=one", "empty=", "block=" + block, std::string(100, 'n') + "=" + block + "c"}));
  EXPECT_EQ(archive.size() % tar_block, 0U);
  EXPECT_EQ(list(write({})), Lines{});
}

TEST(Tar, RefusesToWriteWhatItsFormHasNoRoomFor) {
  const TemporaryFolder folder;
  TarWriter writer(folder / "a.tar");
  expect_error([&] { writer.add(std::string(101, 'n'), bytes_of("x")); }, "names of 1 to 100 bytes");
  expect_error([&] { writer.add("", bytes_of("x")); }, "names of 1 to 100 bytes");
}

TEST(Tar, ReadsEveryFormOfNames) {
  const std::string long_name = "a/" + std::string(300, 'n') + ".jpg";
  const auto posix = tar_header_with(tar_header("name.jpg", 1), 257, std::string_view("ustar\00000", 8));
  const auto gnu = tar_header_with(tar_header("name.jpg", 1), 257, std::string_view("ustar  \0", 8));
  EXPECT_EQ(list(tar_header_with(posix, 345, "folder/deep") + tar_content("1") + tar_end()),
            Lines{"folder/deep/name.jpg=1"});
  EXPECT_EQ(list(tar_header_with(gnu, 345, "14722350101") + tar_content("1") + tar_end()),
            Lines{"name.jpg=1"})
      << "GNU tar has a time there";
  EXPECT_EQ(list(tar_member("././@LongLink", long_name + '\0', 'L') + tar_member("cut", "1") +
                 tar_member("b", "2") + tar_end()),
            (Lines{long_name + "=1", "b=2"}));
  EXPECT_EQ(list(pax_header("path", long_name) + tar_member("cut", "1") + tar_member("b", "2") + tar_end()),
            (Lines{long_name + "=1", "b=2"}));
  EXPECT_EQ(list(tar_member("./a/./b..jpg", "1") + tar_member(".//b", "2") + tar_end()),
            (Lines{"a/./b..jpg=1", "b=2"}));
}

TEST(Tar, ReadsEveryFormOfNumbers) {
  const auto header = tar_header("a", 0);
  const auto one = tar_content("1") + tar_end();
  EXPECT_EQ(list(tar_header_with(header, 124, "          1 ") + one), Lines{"a=1"});
  EXPECT_EQ(list(tar_header_with(header, 124, "000000000001") + one), Lines{"a=1"});
  EXPECT_EQ(list(tar_header_with(header, 124, std::string_view("\x80\0\0\0\0\0\0\0\0\0\0\x01", 12)) + one),
            Lines{"a=1"});
  EXPECT_EQ(list(pax_header("size", "1") + header + one), Lines{"a=1"});
  // Some programs add bytes as signed numbers.
  auto old = tar_header("\xe4.jpg", 1);
  const auto sum = std::stoi(old.substr(148, 6), nullptr, 8) - 256;
  old.replace(148, 6, fmt::format("{:06o}", sum));
  EXPECT_EQ(list(old + one), Lines{"\xe4.jpg=1"});
}

TEST(Tar, TellsFilesFromWhatElseThereIs) {
  EXPECT_EQ(list(tar_header("archive", 0, 'V') + tar_header("folder/", 0, '5') +
                 tar_header("old folder/", 0, '\0') + tar_member("folder/old", "1", '\0') +
                 tar_member("whole", "2", '7') + tar_header("hard", 0, '1') + tar_header("soft", 0, '2') +
                 tar_header("tty", 0, '3') + tar_header("disk", 0, '4') + tar_header("pipe", 0, '6') +
                 tar_member("list", "3", 'D') + pax_header("comment", "none", 'g') +
                 tar_member("long link", "target", 'K') + tar_header("soft2", 0, '2') + tar_end()),
            (Lines{"folder/old=1", "whole=2", "hard: link", "soft: link", "tty: other", "disk: other",
                   "pipe: other", "list: other", "soft2: link"}));
  const auto sparse = tar_header("sparse", 3, 'S');
  std::string more(tar_block, '\0');
  more[504] = 1;
  EXPECT_EQ(list(sparse + tar_content("abc") + tar_member("next", "1") + tar_end()),
            (Lines{"sparse: sparse", "next=1"}));
  EXPECT_EQ(list(tar_header_with(sparse, 482, "\1") + more + std::string(tar_block, '\0') +
                 tar_content("abc") + tar_member("next", "1") + tar_end()),
            (Lines{"sparse: sparse", "next=1"}));
  EXPECT_EQ(list(pax_header("GNU.sparse.major", "1") + tar_member("a", "1") + tar_end()), Lines{"a: sparse"});
}

TEST(Tar, RefusesAnArchiveThatWasCutOff) {
  const auto archive = write({{"a.jpg", std::string(700, 'a')}, {"b.jpg", "b"}});
  ASSERT_EQ(archive.size(), 7 * tar_block);
  refuse("", "it is empty");
  for (std::size_t length = 1; length < 5 * tar_block; length += 64)
    refuse(archive.substr(0, length), "cannot read ");
  refuse(archive.substr(0, tar_block), "a.jpg: its 700 bytes from byte 512 on go beyond the archive's end");
  refuse(archive.substr(0, 3 * tar_block),
         "it was cut off: the empty block that ends an archive is not at byte 1536");
  refuse(archive.substr(0, 5 * tar_block),
         "it was cut off: the empty block that ends an archive is not at byte 2560");
  EXPECT_EQ(list(archive.substr(0, 6 * tar_block)).size(), 2U);
}

TEST(Tar, RefusesWhatFollowsTheEnd) {
  const auto archive = write({{"a", "1"}});
  EXPECT_EQ(list(archive + std::string(10240, '\0')), Lines{"a=1"});
  refuse(archive + archive, "more follows the end of the archive at byte 1024: were archives joined?");
  refuse(archive + std::string(2 << 20, '\0'), "more follows the end");
}

TEST(Tar, RefusesWhatIsNoArchive) {
  refuse(std::string(600, 'x'), "it is no tar archive, or damaged");
  refuse("\x1f\x8b" + std::string(600, 'x'), "it is compressed; plain tar archives are read");
  refuse("\x28\xb5\x2f\xfd" + std::string(600, 'x'), "it is compressed");
  auto archive = write({{"a", "1"}, {"b", "2"}});
  archive[2 * tar_block] = 'c';
  refuse(archive, "the header at byte 1024 has a wrong sum: the archive is damaged");
}

TEST(Tar, RefusesHostileNumbers) {
  const auto header = tar_header("a.jpg", 0);
  const auto with_size = [&](std::string_view size) {
    return tar_header_with(header, 124, size) + tar_content("1") + tar_end();
  };
  refuse(with_size("77777777777 "), "a.jpg: its 8589934591 bytes from byte 512 on go beyond");
  refuse(with_size("8"), "has a size that is no number");
  refuse(with_size("-1"), "has a size that is no number");
  refuse(with_size("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "has a size that is no number");
  refuse(with_size(std::string_view("\x80\0\0\0\x80\0\0\0\0\0\0\0", 12)), "has a size that is no number");
  refuse(with_size(std::string_view("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12)),
         "9223372036854775807 bytes");
  for (const auto* size : {"", "-1", "1x", "99999999999999999999"}) {
    refuse(pax_header("size", size) + header + tar_end(), "has a size that is no number");
  }
  refuse(pax_header("size", "18446744073709551615") + header + tar_end(), "18446744073709551615 bytes");
  refuse(tar_header("x", 70000, 'x') + std::string(80000, ' '),
         "is an extra one of 70000 bytes; 65536 are accepted");
  refuse(tar_header("x", 600, 'L') + tar_content("name"), "go beyond the archive's end");
  refuse(tar_header_with(tar_header("a", 0, 'S'), 482, "\1"), "goes on beyond the archive's end");
}

TEST(Tar, RefusesHostileRecords) {
  for (const auto* record : {"x", "7 a=b", "8 path=a\n", "5 ab\n", "5 =b\n", "11 path=abc", "0 a=b\n",
                             "99999999999999999999 a=b\n", "7 a=bc\n8 a=b\n", "3 \n", "-6 a=b\n"}) {
    refuse(tar_member("x", record, 'x') + tar_member("a", "1") + tar_end(), "has a damaged record");
  }
  refuse(pax_header("path", "b", 'g') + tar_member("a", "1") + tar_end(),
         "gives all members one name or size");
  refuse(tar_header("a", 0, 'M') + tar_end(), "archives of several volumes");
}

TEST(Tar, RefusesNamesThatLeadOut) {
  for (const auto* name : {"../a.jpg", "a/../../b.jpg", "/etc/a.jpg", "..", "a/..", "./../a"}) {
    refuse(tar_member(name, "1") + tar_end(), "the name leads out of the folder");
  }
  for (const auto* name : {"", "./", "a/"}) refuse(tar_member(name, "1") + tar_end(), "names no file");
  refuse(pax_header("path", std::string_view("a\0.jpg", 6)) + tar_member("a", "1") + tar_end(),
         "names no file");
  refuse(tar_header("line\nbreak\x1b[31m", 9000) + tar_end(), "line\\x0abreak\\x1b[31m");
}

TEST(Tar, SurvivesDamagedArchives) {
  const TemporaryFolder folder;
  const auto good = tar_member("a/1.jpg", "picture") + tar_member("a/1.cls", "7") +
                    pax_header("path", std::string(200, 'p')) + tar_member("cut", std::string(600, 'x')) +
                    tar_member("L", std::string(150, 'l') + '\0', 'L') + tar_member("cut", "1") +
                    tar_header("sparse", 0, 'S') + tar_header("link", 0, '1') + tar_end();
  std::mt19937_64 random(5);
  int refused = 0;
  int accepted = 0;
  for (int round = 0; round < test::mutation_rounds(4000); ++round) {
    // Damage to the headers alone, whose sums then say that all is well.
    auto bad = good;
    if (round % 2 == 0) {
      bad = test::mutate(bad, random);
    } else {
      for (int i = 0; i < 3; ++i) {
        const auto at = random() % (bad.size() / tar_block) * tar_block;
        auto header = test::mutate(bad.substr(at, tar_block), random);
        header.resize(tar_block);
        bad.replace(at, tar_block, header);
      }
    }
    if (round % 4 != 0) {
      for (std::size_t at = 0; at + tar_block <= bad.size(); at += tar_block) {
        if (bad.find_first_not_of('\0', at) < at + tar_block) test::repair_sum(bad, at);
      }
    }
    const ReadOnlyFile file(folder.add("bad.tar", bad));
    try {
      for (const auto& member : list_tar(file)) {
        if (member.kind != TarKind::File) continue;
        EXPECT_LE(member.offset + member.size, file.size());
        content_of(file, member);
      }
      ++accepted;
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
      EXPECT_NE(std::string_view(error.what()).find("/bad.tar"), std::string_view::npos) << error.what();
      ++refused;
    }
  }
  fmt::print("  {} damaged archives refused, {} read\n", refused, accepted);
  EXPECT_GT(refused, 500);
  EXPECT_GT(accepted, 20);
}

TEST(ReadOnlyFile, KnowsThatItWasChangedOrDeleted) {
  const TemporaryFolder folder;
  const auto path = folder.add("a", "12345");
  const ReadOnlyFile file(path);
  file.check_unchanged();
  folder.add("a", "54321");
  std::filesystem::last_write_time(path,
                                   std::filesystem::file_time_type::clock::now() + std::chrono::seconds(1));
  expect_error([&] { file.check_unchanged(); }, "/a: it was changed while it was in use");
  const ReadOnlyFile again(path);
  std::filesystem::resize_file(path, 3);
  expect_error([&] { again.check_unchanged(); }, "it was changed while it was in use");
  const ReadOnlyFile replaced(path);
  std::filesystem::rename(folder.add("b", "123"), path);
  expect_error([&] { replaced.check_unchanged(); }, "it was deleted or replaced while it was in use");
}

}  // namespace
}  // namespace scatlight::io
