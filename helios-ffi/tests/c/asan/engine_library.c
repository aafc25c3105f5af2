/*
 * Nothing but a library that needs libchdb and, behind it, the sanitizer's runtime.
 *
 * libchdb has an allocator of its own. For memory that comes from elsewhere (`strdup`, `realpath`) it asks the loader for the
 * `free` that comes next after its own. Loaded by itself, that is glibc's, for memory which the sanitizer gave. Loaded through
 * this library, it is the sanitizer's.
 */
typedef int helios_nothing_else;
