// Folders and processes of a test program that must not outlive it, however it ends.
//
// The first use makes one folder under the system's temporary one and starts a guard (reaper.sh): a
// process of its own session that waits for us to end, kills what was registered and is still
// alive, and removes the folder. LK_KEEP=1 keeps the folder. Thread-safe.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <string_view>

namespace lockkeeper::support {

// A new empty folder that every user may read; its name starts with the given one.
std::filesystem::path scratch_dir(std::string_view name);

// A process that the guard ends with this signal (then SIGKILL) if we are gone without forget_pid.
void guard_pid(pid_t pid, int signal = SIGKILL);
void forget_pid(pid_t pid);

// A TCP port of 127.0.0.1 that was free a moment ago.
int free_port();

// Called by main at the end: stops what is shared and waits until the guard has cleaned up.
void finish_scratch();

}  // namespace lockkeeper::support
