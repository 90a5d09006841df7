// A mutex whose guarded members clang checks (-Wthread-safety); plain std::mutex elsewhere.
//
//   mutable base::Mutex mutex_;
//   int open_ LK_GUARDED_BY(mutex_) = 0;
//
// Lock works with std::condition_variable_any.
#pragma once

#include <mutex>

#if defined(__clang__)
#define LK_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define LK_THREAD_ANNOTATION(x)
#endif
#define LK_GUARDED_BY(x) LK_THREAD_ANNOTATION(guarded_by(x))
#define LK_REQUIRES(...) LK_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define LK_EXCLUDES(...) LK_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace lockkeeper::base {

class LK_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() LK_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() LK_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class LK_THREAD_ANNOTATION(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mutex) LK_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~Lock() LK_THREAD_ANNOTATION(release_capability()) {
    if (held_) mutex_.unlock();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  void lock() LK_THREAD_ANNOTATION(acquire_capability()) {
    mutex_.lock();
    held_ = true;
  }
  void unlock() LK_THREAD_ANNOTATION(release_capability()) {
    held_ = false;
    mutex_.unlock();
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

}  // namespace lockkeeper::base
