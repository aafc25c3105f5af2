/* What the program stands on that c_abi/abuse.rs makes. Its client is one of a server and an account that other processes have. */
#ifndef ABUSE_H
#define ABUSE_H

/* For mmap. C++ has it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <sys/mman.h>

static const char BAD[] = "a\xff";
static char canary;
static char *huge, *endless;

static helios_config *config, *freed_config;
static helios_client *client, *freed_client;
static helios_consumer *consumer, *freed_consumer;

/* Where results go. */
static char *json;
static helios_client *other;
static helios_consumer *another;
static struct ArrowArrayStream stream;

#ifndef UNDER_VALGRIND
#ifdef __cplusplus
extern "C" {
#endif
/* Exported by test builds of the library only; no part of helios.h. The next call of this thread panics. */
void helios_test_panic_next(void);
#ifdef __cplusplus
}
#endif
#endif

static void reset(void) {
    json = &canary;
    other = (helios_client *)(void *)&canary;
    another = (helios_consumer *)(void *)&canary;
    stream.private_data = &canary;
    stream.release = NULL;
}

static int untouched(void) {
    return json == &canary && other == (helios_client *)(void *)&canary && another == (helios_consumer *)(void *)&canary &&
           stream.private_data == &canary && stream.release == NULL;
}

/* Frees what came. */
static void clear(void) {
    if (json != &canary) helios_string_free(json);
    if (other != (helios_client *)(void *)&canary) helios_client_free(other);
    if (another != (helios_consumer *)(void *)&canary) helios_consumer_free(another);
    if (stream.release != NULL) stream.release(&stream);
}

/* With this argument it fails so, and writes nothing but its error. */
#define REFUSES(call, status, text)  \
    do {                             \
        reset();                     \
        FAILS(call, status, text);   \
        CHECK(untouched());          \
    } while (0)

#define REFUSES_SILENTLY(call, status) \
    do {                               \
        reset();                       \
        CHECK((call) == (status));     \
        CHECK(untouched());            \
    } while (0)

/* There is nothing wrong with the argument as such. */
#define GOES_ON(call)                                                                                        \
    do {                                                                                                     \
        helios_error *error = NULL;                                                                          \
        helios_status status_;                                                                               \
        reset();                                                                                             \
        status_ = (call);                                                                                    \
        if (status_ >= HELIOS_STATUS_NULL_ARGUMENT) FAIL("%s: %s", #call, helios_error_message(error));      \
        CHECK((status_ == HELIOS_STATUS_OK) == (error == NULL));                                             \
        CHECK(status_ == HELIOS_STATUS_OK || untouched());                                                   \
        helios_error_free(error);                                                                            \
        clear();                                                                                             \
    } while (0)

#ifdef UNDER_VALGRIND
/* There it is a release, which panics for nobody, and a gigabyte takes too long. */
#define PANICS(call)
#define PANICS_SILENTLY(call)
#define REFUSES_ENDLESS(call, text)
enum { HUGE_PAGES = 1, ENDLESS_PAGES = 1 };
#else
enum { HUGE_PAGES = 8, ENDLESS_PAGES = 513 };

/* A defect within this function would be a status. */
#define PANICS(call)                                             \
    do {                                                         \
        reset();                                                 \
        helios_test_panic_next();                                \
        FAILS(call, HELIOS_STATUS_PANIC, "forced by a test");    \
        CHECK(untouched());                                      \
    } while (0)

#define PANICS_SILENTLY(call)     \
    do {                          \
        helios_test_panic_next(); \
        (void)(call);             \
    } while (0)

/* A text that does not seem to end. */
#define REFUSES_ENDLESS(call, text) REFUSES(call, HELIOS_STATUS_LIMIT_EXCEEDED, text)
#endif

static int on_bytes(void *user, const uint8_t *bytes, size_t length) {
    (void)user;
    (void)bytes;
    (void)length;
    return 0;
}

static int on_row(void *user, const char *row_json, size_t length) {
    (void)user;
    CHECK(strlen(row_json) == length);
    return 0;
}

static int on_progress(void *user, const char *progress_json) {
    (void)user;
    (void)progress_json;
    return 0;
}

static void on_log(void *user, helios_log_level level, const char *target, const char *message) {
    (void)user;
    FAIL("%u of %s, when logs are off: %s", (unsigned)level, target, message);
}

/* A text that takes no memory to speak of: the same pages again and again. */
static char *text_of(size_t pages, size_t page) {
    FILE *file = tmpfile();
    char *text = (char *)mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t i;
    CHECK(file != NULL && text != MAP_FAILED);
    for (i = 0; i < page; i++) CHECK(fputc('x', file) == 'x');
    CHECK(fflush(file) == 0);
    for (i = 0; i < pages; i++)
        CHECK(mmap(text + i * page, page, PROT_READ, MAP_SHARED | MAP_FIXED, fileno(file), 0) == text + i * page);
    fclose(file);
    return text;
}

static helios_consumer *start_consumer(void) {
    helios_consumer *started = NULL;
    OK(helios_client_start_consumer(client, "{\"streamName\": \"clicks\"}", &started, &error));
    return started;
}

static void begin(void) {
    const size_t page = 1 << 21;
    char *report = NULL;
    huge = text_of(HUGE_PAGES, page);
    endless = text_of(ENDLESS_PAGES, page);
    config = helios_config_new();
    freed_config = helios_config_new();
    helios_config_free(freed_config);
    client = client_of_environment();
    freed_client = client_of_environment();
    helios_client_free(freed_client);
    create_clicks(client);
    freed_consumer = start_consumer();
    helios_consumer_free(freed_consumer);
    consumer = start_consumer();
    OK(helios_consumer_wait(consumer, -1, &report, &error));
    helios_string_free(report);
}

/* All is as it was. */
static void end(void) {
    expect_query(client, "SELECT 1 AS x", "[{\"x\":1}]");
    helios_consumer_free(consumer);
    helios_client_free(client);
    helios_config_free(config);
}

#endif
