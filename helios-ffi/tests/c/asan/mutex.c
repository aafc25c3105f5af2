/*
 * For programs under AddressSanitizer that load libchdb.
 *
 * libchdb calls these two by their old names. The sanitizer's runtime of GCC 12 puts functions in front of them, and looks
 * behind itself for the real ones, where glibc 2.34 and later have none left for it: it would call NULL. The program's own
 * come first.
 */
#include <pthread.h>

int __pthread_mutex_lock(pthread_mutex_t *mutex);
int __pthread_mutex_unlock(pthread_mutex_t *mutex);

int __pthread_mutex_lock(pthread_mutex_t *mutex) { return pthread_mutex_lock(mutex); }
int __pthread_mutex_unlock(pthread_mutex_t *mutex) { return pthread_mutex_unlock(mutex); }
