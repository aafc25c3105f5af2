/*
 * Preloaded into the engine's process: what goes wrong with a new part of a table when it is put in its place, which is
 * after its token was written into the table's deduplication log. A part without the rows that are deleted is a mutated one.
 *
 * The file `$HELIOS_PART_FAULTS/<fault>-<uuid of the table>` asks for a fault, once: whoever meets it removes the file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UUID_LENGTH = 36 };

typedef int (*rename_function)(const char *, const char *);

static int meets(const char *fault, const char *table) {
    const char *folder = getenv("HELIOS_PART_FAULTS");
    char file[4096];
    if (folder == NULL) return 0;
    snprintf(file, sizeof file, "%s/%s-%.*s", folder, fault, UUID_LENGTH, table);
    return unlink(file) == 0;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

int rename(const char *from, const char *to) {
    rename_function real = (rename_function)dlsym(RTLD_NEXT, "rename");
    const char *inserted = strstr(from, "/tmp_insert_");
    const char *mutated = strstr(from, "/tmp_mut_");
    const char *part = inserted != NULL ? inserted : mutated;
    if (part == NULL || part - from < UUID_LENGTH) return real(from, to);
    const char *table = part - UUID_LENGTH;
    if (meets(inserted ? "killed-before" : "killed-deleting", table)) die();
    if (inserted && meets("disk-full", table)) {
        errno = ENOSPC;
        return -1;
    }
    int result = real(from, to);
    if (meets(inserted ? "killed-after" : "killed-deleted", table)) die();
    return result;
}
