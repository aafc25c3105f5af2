/* Threads on one client: queries, errors and other credentials, all at the same time. */
#include "check.h"

#include <pthread.h>

enum { THREADS = 16, CALLS = 25 };

static helios_client *client;

static void *work(void *argument) {
    const int number = *(const int *)argument;
    int i;
    for (i = 0; i < CALLS; i++) {
        char sql[64], row[64];
        char *json = NULL;
        helios_client *other = NULL;
        snprintf(sql, sizeof sql, "SELECT %d AS x", number * CALLS + i);
        snprintf(row, sizeof row, "[{\"x\":%d}]", number * CALLS + i);
        expect_query(client, sql, row);
        FAILS(helios_client_query(client, "SELECT", NULL, &json, &error), HELIOS_STATUS_INVALID_QUERY, "");
        OK(helios_client_with_credentials(client, "{}", &other, &error));
        expect_query(other, sql, row);
        helios_client_free(other);
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    int numbers[THREADS], i;
    CHECK(argc == 2);
    client = open_client(argv[1]);
    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, work, &numbers[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    helios_client_free(client);
    return 0;
}
