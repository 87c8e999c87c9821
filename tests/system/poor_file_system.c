// A file system that lacks something, for programs started with LD_PRELOAD. LACKS names what:
// links, renames (that refuse to replace), locks (LOCK_ERROR has the code), permission (to create a
// file in the folder FOLDER), space (once WRITES bytes were written to a file named *kabelwerk*),
// or folder-sync.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int lacks(const char *what) {
    const char *all = getenv("LACKS");
    return all && strstr(all, what) != NULL;
}

static int fail(int error) {
    errno = error;
    return -1;
}

#define NEXT(name) dlsym(RTLD_NEXT, name)

int link(const char *from, const char *to) {
    int (*next)(const char *, const char *) = NEXT("link");
    return lacks("links") ? fail(EPERM) : next(from, to);
}

int linkat(int a, const char *from, int b, const char *to, int flags) {
    int (*next)(int, const char *, int, const char *, int) = NEXT("linkat");
    return lacks("links") ? fail(EPERM) : next(a, from, b, to, flags);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    int (*next)(int, const char *, int, const char *, unsigned) = NEXT("renameat2");
    return lacks("renames") ? fail(EINVAL) : next(a, from, b, to, flags);
}

static int locks(int command) {
    return command == F_SETLK || command == F_SETLKW || command == F_GETLK;
}

int fcntl64(int file, int command, ...) {
    int (*next)(int, int, ...) = NEXT("fcntl64");
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (locks(command) && lacks("locks")) return fail(atoi(getenv("LOCK_ERROR")));
    return next(file, command, argument);
}

int fcntl(int file, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return fcntl64(file, command, argument);
}

static int refused(const char *path, int flags) {
    char real[4096];
    if (!(flags & O_CREAT) || !lacks("permission")) return 0;
    snprintf(real, sizeof real, "%s", path);
    char *slash = strrchr(real, '/');
    if (slash == NULL) strcpy(real, "."); else *slash = 0;
    char *folder = realpath(real, NULL);
    int is = folder && strcmp(folder, getenv("FOLDER")) == 0;
    free(folder);
    return is;
}

#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...) {                          \
        int (*next)(const char *, int, ...) = NEXT(#name);                \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        mode_t mode = va_arg(rest, int);                                  \
        va_end(rest);                                                     \
        return refused(path, flags) ? fail(EACCES) : next(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

static int is_full(int file, size_t size) {
    static size_t written;
    char link[64], path[4096];
    if (!lacks("space")) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strstr(path, "kabelwerk-") == NULL) return 0;
    written += size;
    return written > (size_t)atol(getenv("WRITES"));
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) {
    ssize_t (*next)(int, const void *, size_t, off64_t) = NEXT("pwrite64");
    return is_full(file, size) ? fail(ENOSPC) : next(file, bytes, size, at);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) {
    return pwrite64(file, bytes, size, at);
}

int fsync(int file) {
    int (*next)(int) = NEXT("fsync");
    struct stat about;
    if (lacks("folder-sync") && fstat(file, &about) == 0 && S_ISDIR(about.st_mode))
        return fail(EINVAL);
    return next(file);
}
