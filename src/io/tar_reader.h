#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/file.h"

namespace scatlight::io {

enum class TarKind {
  File,    ///< Its bytes lie in the archive, in one piece.
  Link,    ///< A hard or symbolic link: it has no bytes of its own.
  Sparse,  ///< Its zeros are left out, so that its bytes lie in pieces.
  Other,   ///< A device, a pipe, or a kind that nobody knows.
};

/// What a tar archive holds; folders are not listed.
struct TarMember {
  std::string name;  ///< Not empty, relative, without "..", without "./" in front.
  TarKind kind = TarKind::File;
  std::uint64_t offset = 0;  ///< Of a file's first byte in the archive.
  std::uint64_t size = 0;    ///< In bytes.
};

/// Lists the members of a tar archive, in its order, from the headers alone: the formats of POSIX (ustar,
/// pax) and of GNU tar, with names and sizes of any length. Archives may be hostile: every header's sum and
/// every member's end is checked, extra headers are at most 64 KiB long, and memory stays below the archive's
/// own size. Throws Error, which names the archive, when it is damaged, cut off (the empty block of its end
/// is absent), compressed, or followed by anything but zeros, and when a name would lead out of the folder
/// that the archive is unpacked into.
std::vector<TarMember> list_tar(const ReadOnlyFile& file);

}  // namespace scatlight::io
