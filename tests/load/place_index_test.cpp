#include "tcp_echo/load/place_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tcp_echo::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Groups = std::vector<std::vector<std::uint32_t>>;

/// A text again and again, and its index.
class IndexOf {
 public:
  explicit IndexOf(std::string_view text)
      : text_(repeated(text)), index_(std::as_bytes(std::span(text_)), text.size()) {}
  std::size_t period() const { return index_.period(); }
  Groups find(std::string_view window) const {
    Groups groups;
    index_.find(std::as_bytes(std::span(window)), [&](std::span<const std::uint32_t> places) {
      groups.emplace_back(places.begin(), places.end());
    });
    return groups;
  }

 private:
  static std::string repeated(std::string_view text) {
    std::string longer;
    while (longer.size() < text.size() + PlaceIndex::kLongestWindow) longer += text;
    return longer;
  }

  std::string text_;
  PlaceIndex index_;
};

TEST(PlaceIndex, FindsAllPlacesOfAFullWindowInOneGroupInOrder) {
  const IndexOf index("0123456789abcdef-0123456789abcdef--");
  EXPECT_THAT(index.find("0123456789abcdef"), ElementsAre(ElementsAre(0U, 17U)));
  EXPECT_THAT(index.find("--0123456789abcd"), ElementsAre(ElementsAre(33U)))
      << "across the end of the period";
  EXPECT_THAT(index.find("0123456789abcdeF"), IsEmpty());
}

TEST(PlaceIndex, GroupsThePlacesOfAShortWindowByHowTheyGoOn) {
  const IndexOf index("abcabcabd");
  EXPECT_THAT(index.find("abc"), ElementsAre(ElementsAre(0U), ElementsAre(3U)));
  EXPECT_THAT(index.find("d"), ElementsAre(ElementsAre(8U)));
  EXPECT_THAT(index.find("x"), IsEmpty());
}

TEST(PlaceIndex, SeesThatATextRepeatsItself) {
  EXPECT_EQ(IndexOf("abababab").period(), 2U);
  EXPECT_EQ(IndexOf("ababababa").period(), 9U);
  EXPECT_EQ(IndexOf(std::string(100'000, 'a')).period(), 1U);
}

}  // namespace
}  // namespace tcp_echo::test
