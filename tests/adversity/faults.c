/* Put before the system's library, it lets one call fail: FAULT=thread:3 the third start of a thread,
   FAULT=open:3 the third file that is opened, FAULT=read:3 the third reading of one, FAULT=write:3 and
   FAULT=fsync:3 the third writing to a disk; or it stops the clocks: FAULT=clock, or has them go backwards:
   FAULT=backwards. With FAULT_SEEN it writes a line to descriptor FAULT_SEEN when it did. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static atomic_int threads, opens, reads, writes, syncs;
static atomic_long looks;

/* Whether this is the call that is to fail. */
static int fails(const char *kind, atomic_int *count) {
  const char *fault = getenv("FAULT");
  size_t length = strlen(kind);
  if (!fault || strncmp(fault, kind, length) || fault[length] != ':') return 0;
  if (atomic_fetch_add(count, 1) + 1 != atoi(fault + length + 1)) return 0;
  const char *seen = getenv("FAULT_SEEN");
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  if (seen && real(atoi(seen), "it failed\n", 10) < 0) return 1;
  return 1;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg) {
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
  return fails("thread", &threads) ? EAGAIN : real(thread, attr, start, arg);
}

static int opened(const char *name, const char *path, int flags, va_list rest) {
  int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  if (fails("open", &opens)) {
    errno = EMFILE;
    return -1;
  }
  return real(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int fd = opened("open", path, flags, rest);
  va_end(rest);
  return fd;
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int fd = opened("open64", path, flags, rest);
  va_end(rest);
  return fd;
}

ssize_t read(int fd, void *buffer, size_t length) {
  ssize_t (*real)(int, void *, size_t) = dlsym(RTLD_NEXT, "read");
  if (fails("read", &reads)) {
    errno = EIO;
    return -1;
  }
  return real(fd, buffer, length);
}

ssize_t write(int fd, const void *buffer, size_t length) {
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  struct stat what;
  // Disks are full, and pipes and the like are not.
  if (fstat(fd, &what) == 0 && S_ISREG(what.st_mode) && fails("write", &writes)) {
    errno = ENOSPC;
    return -1;
  }
  return real(fd, buffer, length);
}

int fsync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  if (fails("fsync", &syncs)) {
    errno = EIO;
    return -1;
  }
  return real(fd);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  const char *fault = getenv("FAULT");
  int stands = fault && !strcmp(fault, "clock"), falls = fault && !strcmp(fault, "backwards");
  if (!stands && !falls) return real(clock, time);
  time->tv_sec = 1000000 - (falls ? atomic_fetch_add(&looks, 1) : 0);
  time->tv_nsec = 0;
  return 0;
}
