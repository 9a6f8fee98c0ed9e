// A signal as an event of the loop: uv_signal_t, http://docs.libuv.org/en/v1.x/signal.html
#pragma once

#include <functional>

#include "tcp_echo/loop/loop.hpp"

namespace tcp_echo {

class Signal {
 public:
  /// Throws FatalError. Signals that arrive while one is waiting to be delivered may merge, as signals do.
  Signal(Loop& loop, int number, std::function<void(int)> on_signal);

 private:
  using SignalHandle = Handle<uv_signal_t, std::function<void(int)>>;
  SignalHandle handle_;
};

/// Holds all signals back, so that one which comes before its handler stands waits for it; release_signals()
/// delivers them. A child of uv_spawn begins with none held back.
void hold_signals() noexcept;
void release_signals() noexcept;

/// Sets the disposition to SIG_IGN.
void ignore_signal(int number) noexcept;

}  // namespace tcp_echo
