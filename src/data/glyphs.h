#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace scatlight::data {

inline constexpr int glyph_width = 5;
inline constexpr int glyph_height = 7;

// clang-format off
/// The printable characters of ASCII, 16 in a row from the space on, each 5 wide and 7 high with a column between
/// them. The last stands for all other characters.
inline constexpr std::array<std::string_view, 6 * glyph_height> glyph_rows = {
    //       !     "     #     $     %     &     '     (     )     *     +     ,     -     .     /
    "        #    # #   # #    #   ##  #  ##     #      #   #                                       ",
    "        #    # #   # #   #### ##  # #  #    #     #     #     #     #                         #",
    "        #    # #  ##### # #      #  # #     #    #       #  # # #   #                        # ",
    "        #          # #   ###    #    #           #       #   ###  #####       #####         #  ",
    "        #         #####   # #  #    # # #        #       #  # # #   #     #                #   ",
    "                   # #  ####  #  ## #  #          #     #     #     #     #          ##   #    ",
    "        #          # #    #   #  ##  ## #          #   #                 #           ##        ",
    // 0     1     2     3     4     5     6     7     8     9     :     ;     <     =     >     ?
    " ###    #    ###  #####    #  #####   ##  #####  ###   ###                 #         #     ### ",
    "#   #  ##   #   #    #    ##  #      #        # #   # #   #  ##    ##     #           #   #   #",
    "#  ##   #       #   #    # #  ####  #        #  #   # #   #  ##    ##    #    #####    #      #",
    "# # #   #     ##     #  #  #      # ####    #    ###   ####             #               #    # ",
    "##  #   #    #        # #####     # #   #   #   #   #     #  ##    ##    #    #####    #    #  ",
    "#   #   #   #     #   #    #  #   # #   #   #   #   #    #   ##     #     #           #        ",
    " ###   ###  #####  ###     #   ###   ###    #    ###   ##          #       #         #      #  ",
    // @     A     B     C     D     E     F     G     H     I     J     K     L     M     N     O
    " ###   ###  ####   ###  ###   ##### #####  ###  #   #  ###    ### #   # #     #   # #   #  ### ",
    "#   # #   # #   # #   # #  #  #     #     #   # #   #   #      #  #  #  #     ## ## ##  # #   #",
    "# ### #   # #   # #     #   # #     #     #     #   #   #      #  # #   #     # # # # # # #   #",
    "# # # ##### ####  #     #   # ####  ####  # ### #####   #      #  ##    #     # # # #  ## #   #",
    "# ### #   # #   # #     #   # #     #     #   # #   #   #      #  # #   #     #   # #   # #   #",
    "#     #   # #   # #   # #  #  #     #     #   # #   #   #   #  #  #  #  #     #   # #   # #   #",
    " ###  #   # ####   ###  ###   ##### #      #### #   #  ###   ##   #   # ##### #   # #   #  ### ",
    // P     Q     R     S     T     U     V     W     X     Y     Z     [     \     ]     ^     _
    "####   ###  ####   #### ##### #   # #   # #   # #   # #   # #####  ###         ###    #        ",
    "#   # #   # #   # #       #   #   # #   # #   # #   # #   #     #  #    #        #   # #       ",
    "#   # #   # #   # #       #   #   # #   # #   #  # #   # #     #   #     #       #  #   #      ",
    "####  #   # ####   ###    #   #   # #   # # # #   #     #     #    #      #      #             ",
    "#     # # # # #       #   #   #   # #   # # # #  # #    #    #     #       #     #             ",
    "#     #  #  #  #      #   #   #   #  # #  ## ## #   #   #   #      #        #    #             ",
    "#      ## # #   # ####    #    ###    #   #   # #   #   #   #####  ###         ###        #####",
    // `     a     b     c     d     e     f     g     h     i     j     k     l     m     n     o
    " #          #               #         ##        #       #      #  #      ##                    ",
    "  #         #               #        #          #                 #       #                    ",
    "       ###  ####   ####  ####  ###  ####   #### ####   ##     ##  #  #    #   ## #  ####   ### ",
    "          # #   # #     #   # #   #  #    #   # #   #   #      #  # #     #   # # # #   # #   #",
    "       #### #   # #     #   # #####  #     #### #   #   #      #  ##      #   # # # #   # #   #",
    "      #   # #   # #     #   # #      #        # #   #   #   #  #  # #     #   # # # #   # #   #",
    "       #### ####   ####  ####  ###   #     ###  #   #  ###   ##   #  #   ###  # # # #   #  ### ",
    // p     q     r     s     t     u     v     w     x     y     z     {     |     }     ~
    "                         #                                           ##   #   ##          #####",
    "                         #                                          #     #     #         #   #",
    "####   #### # ##   #### ####  #   # #   # #   # #   # #   # #####   #     #     #    #    #   #",
    "#   # #   # ##  # #      #    #   # #   # # # #  # #  #   #    #   #      #      #  # # # #   #",
    "####   #### #      ###   #    #   # #   # # # #   #    ####   #     #     #     #      #  #   #",
    "#         # #         #  #  # #   #  # #  # # #  # #      #  #      #     #     #         #   #",
    "#         # #     ####    ##   ####   #    # #  #   #  ###  #####    ##   #   ##          #####",
};
// clang-format on

/// Whether a character has ink at a place of its glyph.
constexpr bool glyph_has_ink(char character, int x, int y) {
  const auto code = static_cast<unsigned char>(character);
  const std::size_t place = code >= 0x20 && code < 0x7F ? code - 0x20U : 0x7FU - 0x20U;
  return glyph_rows[place / 16 * glyph_height + static_cast<std::size_t>(y)]
                   [place % 16 * (glyph_width + 1) + static_cast<std::size_t>(x)] == '#';
}

}  // namespace scatlight::data
