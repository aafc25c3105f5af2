/* What Helios logs, as a function is told it. */
#include "check.h"

#include <pthread.h>

static const char *path;

/* Told one call at a time. */
struct told {
    int times, started;
    helios_client *client;
};

static void on_log(void *user, helios_log_level level, const char *target, const char *message) {
    struct told *told = (struct told *)user;
    char *json = NULL;
    CHECK(level >= HELIOS_LOG_ERROR && level <= HELIOS_LOG_DEBUG);
    CHECK(strncmp(target, "helios", 6) == 0 && message[0] != '\0' && strchr(message, '\n') == NULL);
    told->times++;
    if (level == HELIOS_LOG_DEBUG && strcmp(target, "helios_embedded::engine") == 0 &&
        strncmp(message, "Started the embedded ClickHouse.", 32) == 0 && strstr(message, path) != NULL)
        told->started++;
    /* It is waited for, so it may not wait in turn. */
    FAILS(helios_client_query(told->client, "SELECT 1", NULL, &json, &error), HELIOS_STATUS_INVALID_INPUT, "helios_log_set calls Helios");
    FAILS(helios_log_set(HELIOS_LOG_OFF, NULL, NULL, &error), HELIOS_STATUS_INVALID_INPUT, "helios_log_set calls Helios");
}

static void open_and_close(void) {
    helios_client *client = open_client(path);
    expect_query(client, "SELECT 1 AS x", "[{\"x\":1}]");
    helios_client_free(client);
}

static void *open_on_a_thread(void *argument) {
    (void)argument;
    open_and_close();
    return NULL;
}

int main(int argc, char **argv) {
    struct told told = {0, 0, NULL}, other = {0, 0, NULL};
    pthread_t thread;
    CHECK(argc == 2);
    path = argv[1];
    told.client = other.client = unreachable_client();

    OK(helios_log_set(HELIOS_LOG_DEBUG, on_log, &told, &error));
    open_and_close();
    CHECK(told.started == 1);
    CHECK(pthread_create(&thread, NULL, open_on_a_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(told.started == 2);

    /* Another one, in place of the first; then less, and then nothing. */
    told.times = 0;
    OK(helios_log_set(HELIOS_LOG_DEBUG, on_log, &other, &error));
    open_and_close();
    CHECK(told.times == 0 && other.started == 1);
    OK(helios_log_set(HELIOS_LOG_INFO, on_log, &other, &error));
    open_and_close();
    CHECK(other.started == 1);
    other.times = 0;
    OK(helios_log_set(HELIOS_LOG_OFF, on_log, &other, &error));
    open_and_close();
    OK(helios_log_set(HELIOS_LOG_TRACE, NULL, &other, &error));
    open_and_close();
    CHECK(told.times == 0 && other.times == 0);
    FAILS(helios_log_set(6, on_log, &other, &error), HELIOS_STATUS_INVALID_INPUT, "`level` is 6");

    helios_client_free(told.client);
    return 0;
}
