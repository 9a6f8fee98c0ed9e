// Metrics as text, in the two formats that Prometheus reads. Pure.
//
// https://prometheus.io/docs/instrumenting/exposition_formats/ and https://openmetrics.io. No serializer for
// C++ is packaged on all systems that this program is built on.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tcp_echo {

enum class MetricKind : std::uint8_t { kCounter, kGauge, kHistogram, kInfo };

std::string_view name_of(MetricKind kind);

struct Metric {
  std::string_view name;  ///< a counter's ends with _total, that of an info with _info
  MetricKind kind{};
  std::string_view labels;  ///< their names, separated by spaces
  std::string_view help;    ///< one sentence, without a full stop
};

/// The unit in a metric's name: "bytes", "seconds", "ratio", or nothing.
std::string_view unit_of(const Metric& metric);

class Exposition {
 public:
  enum class Format : std::uint8_t { kPrometheus, kOpenMetrics };
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit Exposition(Format format) : format_(format) {}

  /// The samples that follow are of that one. `metric` outlives this.
  void begin(const Metric& metric);
  void add(Labels labels, std::uint64_t value);
  void add(Labels labels, double value);
  void add(std::uint64_t value) { add({}, value); }
  void add(double value) { add({}, value); }

  struct Bucket {
    double most;          ///< the largest value that belongs there
    std::uint64_t count;  ///< of it alone
  };
  /// Without labels. What is larger than the last bucket's values is `beyond`.
  void add_histogram(std::span<const Bucket> buckets, std::uint64_t beyond, double sum);

  /// All of it; nothing may follow.
  std::string finish() &&;

 private:
  void line(std::string_view suffix, Labels labels, const std::string& value);

  Format format_;
  const Metric* metric_ = nullptr;
  std::string text_;
};

/// What a client asks for that sends this header Accept, and what its answer is called.
Exposition::Format wanted_format(std::string_view accept);
std::string_view type_of(Exposition::Format format);

}  // namespace tcp_echo
