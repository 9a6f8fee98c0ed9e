#include "tcp_echo/base/arguments.hpp"

#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using Shapes = std::span<const FlagShape>;
using Words = std::span<const std::string>;

/// The only one for which that is true; null if there is none, or several.
template <class IsIt>
const FlagShape* find_only(Shapes shapes, IsIt is_it) {
  const auto found = std::find_if(shapes.begin(), shapes.end(), is_it);
  if (found == shapes.end() || std::any_of(found + 1, shapes.end(), is_it)) return nullptr;
  return &*found;
}

const FlagShape* find_flag(Shapes shapes, std::string_view word, FlagNames names) {
  const bool is_long = word.starts_with("--");
  const auto name = is_long ? word.substr(0, word.find('=')) : word;
  const auto* const whole = find_only(
      shapes, [name](const FlagShape& shape) { return shape.name == name || shape.short_name == name; });
  if (whole != nullptr || !is_long || names == FlagNames::kWhole) return whole;
  return find_only(shapes, [name](const FlagShape& shape) { return shape.name.starts_with(name); });
}

/// What stands before the first mistake, and the flags of it in a form that CLI11 cannot misread: each name
/// in full, and behind it the number of the value.
struct Spelled {
  Arguments arguments;  ///< still without the flags
  std::vector<std::string> words;
  std::vector<std::string> values;
};

/// By itself CLI11 takes "--port=" for a bare "--port" and then swallows the next word, takes "--send-reset="
/// and "--send-reset={}" for "on", reads the letters of "-help" one by one, knows no names that are cut,
/// keeps no order between flags and what it does not know, and since version 2.5 takes "[a,b]" for two
/// values.
class Speller {
 public:
  Speller(Words words, Shapes shapes, FlagNames names) : rest_(words), shapes_(shapes), names_(names) {}

  Spelled spell() && {
    auto& others = spelled_.arguments.others;
    while (!rest_.empty() && !spelled_.arguments.mistake) {
      const auto& word = next();
      if (word == "--") {
        others.insert(others.end(), rest_.begin(), rest_.end());
        break;
      }
      if (!word.starts_with('-') || word == "-") {
        others.push_back(word);
      } else {
        spell_flag(word);
      }
    }
    return std::move(spelled_);
  }

 private:
  const std::string& next() {
    const auto& word = rest_.front();
    rest_ = rest_.subspan(1);
    return word;
  }

  void spell_flag(const std::string& word) {
    using Kind = ArgumentMistake::Kind;
    const auto* const shape = find_flag(shapes_, word, names_);
    if (shape == nullptr) return refuse({Kind::kUnknown, word});
    const auto place = static_cast<std::size_t>(shape - shapes_.data());
    const auto equals = word.find('=');
    if (equals != std::string::npos) {
      auto value = word.substr(equals + 1);
      if (shape->value == FlagValue::kNone) return refuse({Kind::kUnwantedValue, word, place});
      if (shape->value == FlagValue::kOptional && value.empty())
        return refuse({Kind::kMissingValue, word, place});
      add(*shape, std::move(value));
    } else if (shape->value != FlagValue::kNeeded) {
      add(*shape, "true");
    } else {
      if (rest_.empty()) return refuse({Kind::kMissingValue, word, place});
      add(*shape, next());
    }
  }

  void add(const FlagShape& shape, std::string value) {
    spelled_.words.push_back(shape.name);
    spelled_.words.push_back(std::to_string(spelled_.values.size()));
    spelled_.values.push_back(std::move(value));
  }

  void refuse(ArgumentMistake mistake) { spelled_.arguments.mistake = std::move(mistake); }

  Words rest_;
  Shapes shapes_;
  FlagNames names_;
  Spelled spelled_;
};

/// `words` and `values` are those of Spelled.
std::vector<GivenFlag> parse(std::vector<std::string> words, const std::vector<std::string>& values,
                             Shapes shapes) {
  CLI::App app;
  app.set_help_flag();
  std::vector<std::vector<std::size_t>> numbers(shapes.size());
  std::map<const CLI::Option*, std::size_t> places;
  for (std::size_t place = 0; place < shapes.size(); ++place) {
    // Each occurrence takes exactly one word, and all of them are kept.
    places[app.add_option(shapes[place].name, numbers[place])->allow_extra_args(false)] = place;
  }
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  app.parse(std::move(words));
  std::vector<GivenFlag> given;
  std::vector<std::size_t> taken(shapes.size());
  for (const CLI::Option* const option : app.parse_order()) {
    const auto place = places.at(option);
    given.push_back({place, values.at(numbers[place].at(taken[place]++))});
  }
  return given;
}

}  // namespace

Result<Arguments> take_apart(const std::vector<std::string>& words, std::span<const FlagShape> shapes,
                             FlagNames names) {
  auto spelled = Speller(words, shapes, names).spell();
  try {
    spelled.arguments.flags = parse(std::move(spelled.words), spelled.values, shapes);
  } catch (const CLI::ParseError& error) {
    return failure(ExitCode::kUsage, fmt::format("command line: {}; see --help", printable(error.what())));
  }
  return std::move(spelled.arguments);
}

}  // namespace tcp_echo
