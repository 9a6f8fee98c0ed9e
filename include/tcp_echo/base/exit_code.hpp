// The exit codes of every program of ours: sysexits.h, as the README promises them to scripts.
#pragma once

#include <sysexits.h>

namespace tcp_echo {

enum class ExitCode : int {
  kOk = EX_OK,                    ///< clean stop, also a forced one
  kFailed = 1,                    ///< tcp-echo-load: a byte came back wrong, or a connection failed
  kUsage = EX_USAGE,              ///< bad command line
  kUnavailable = EX_UNAVAILABLE,  ///< cannot listen: port in use, address missing
  kSoftware = EX_SOFTWARE,        ///< a fault of our own
  kOsError = EX_OSERR,            ///< an operating-system call failed
  kCantCreate = EX_CANTCREAT,     ///< cannot create pid file, log or socket
  kTemporary = EX_TEMPFAIL,       ///< workers could not become ready
  kNoPermission = EX_NOPERM,      ///< no permission
  kConfig = EX_CONFIG,            ///< bad configuration file or environment
};

}  // namespace tcp_echo
