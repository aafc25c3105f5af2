/* Calls that are cancelled from another thread, and a client that is freed under them. */
#include "check.h"

#include <pthread.h>

#define ENDLESS "SELECT number AS endless FROM system.numbers"
#define SILENT "SELECT sum(number) AS endless FROM system.numbers"

static helios_client *client;

/* How many queries that never end are running of this program: it has a database of its own. */
static int endless_queries(void) {
    char *json = NULL;
    int count;
    OK(helios_client_query(client, "SELECT toString(count()) AS n FROM system.processes "
                                   "WHERE query LIKE 'SELECT%AS endless%' AND query NOT LIKE '%processes%' AND current_database = currentDatabase()",
                           NULL, &json, &error));
    count = atoi(strstr(json, "{\"n\":\"") + 6);
    helios_string_free(json);
    return count;
}

static helios_client *clone(void) {
    helios_client *other = NULL;
    OK(helios_client_clone(client, &other, &error));
    return other;
}

static int on_bytes(void *user, const uint8_t *bytes, size_t length) {
    (void)bytes;
    *(size_t *)user += length;
    return 0;
}

static void *query(void *other) {
    char *json = NULL;
    FAILS(helios_client_query((const helios_client *)other, SILENT, NULL, &json, &error), HELIOS_STATUS_CANCELLED, "helios_client_cancel");
    CHECK(json == NULL);
    return NULL;
}

static void *query_bytes(void *other) {
    size_t length = 0;
    FAILS(helios_client_query_bytes((const helios_client *)other, ENDLESS, NULL, "csv", on_bytes, NULL, &length, &error),
          HELIOS_STATUS_CANCELLED, "helios_client_cancel");
    return NULL;
}

static void *read_stream(void *argument) {
    struct ArrowArrayStream *stream = (struct ArrowArrayStream *)argument;
    struct ArrowArray batch;
    while (stream->get_next(stream, &batch) == 0) {
        CHECK(batch.release != NULL);
        batch.release(&batch);
    }
    CHECK(strstr(stream->get_last_error(stream), "cancelled: cancelled by helios_client_cancel") != NULL);
    stream->release(stream);
    return NULL;
}

static void while_they_run(void) {
    helios_client *cancelled = clone(), *other = clone();
    struct ArrowArrayStream stream;
    pthread_t threads[3], left_alone;
    char *json = NULL;
    int i;
    OK(helios_client_query_arrow(cancelled, ENDLESS, NULL, &stream, &error));
    CHECK(pthread_create(&threads[0], NULL, query, cancelled) == 0);
    CHECK(pthread_create(&threads[1], NULL, query_bytes, cancelled) == 0);
    CHECK(pthread_create(&threads[2], NULL, read_stream, &stream) == 0);
    CHECK(pthread_create(&left_alone, NULL, query, other) == 0);
    while (endless_queries() < 4) continue;
    OK(helios_client_cancel(cancelled, &error));
    for (i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    while (endless_queries() > 1) continue;

    /* From now on too. */
    FAILS(helios_client_query(cancelled, "SELECT 1", NULL, &json, &error), HELIOS_STATUS_CANCELLED, "");
    FAILS(helios_client_databases(cancelled, &json, &error), HELIOS_STATUS_CANCELLED, "");
    FAILS(helios_client_streams(cancelled, &json, &error), HELIOS_STATUS_CANCELLED, "");
    OK(helios_client_cancel(cancelled, &error));
    helios_client_free(cancelled);

    /* Another client is not concerned. */
    CHECK(endless_queries() == 1);
    OK(helios_client_cancel(other, &error));
    CHECK(pthread_join(left_alone, NULL) == 0);
    helios_client_free(other);
    while (endless_queries() > 0) continue;
}

static void *query_until_cancelled(void *other) {
    char *json = NULL;
    FAILS(helios_client_query((const helios_client *)other, SILENT, "{\"queryId\": \"freed\"}", &json, &error), HELIOS_STATUS_CANCELLED, "");
    return NULL;
}

/* Whoever uses a client that is freed meanwhile goes on to the end. */
static void freed_while_it_is_used(void) {
    helios_client *other = clone();
    pthread_t thread;
    char *json = NULL;
    CHECK(pthread_create(&thread, NULL, query_until_cancelled, other) == 0);
    while (endless_queries() < 1) continue;
    helios_client_free(other);
    FAILS(helios_client_query(other, "SELECT 1", NULL, &json, &error), HELIOS_STATUS_INVALID_HANDLE, "`client` is no `helios_client`");
    helios_client_free(other);
    CHECK(endless_queries() == 1);
    OK(helios_client_cancel_query(client, "{\"queryId\": \"freed\"}", &json, &error));
    helios_string_free(json);
    CHECK(pthread_join(thread, NULL) == 0);
}

static int free_it(void *user, const char *row_json, size_t length) {
    CHECK(strlen(row_json) == length);
    helios_client_free((helios_client *)user);
    return 0;
}

static int cancel_it(void *user, const char *row_json, size_t length) {
    CHECK(strlen(row_json) == length);
    OK(helios_client_cancel((const helios_client *)user, &error));
    return 0;
}

/* Also from a function that it calls. */
static void by_itself(void) {
    helios_client *other = clone();
    char *json = NULL;
    FAILS(helios_client_query_rows(other, ENDLESS, NULL, cancel_it, NULL, other, &error), HELIOS_STATUS_CANCELLED, "");
    helios_client_free(other);
    other = clone();
    OK(helios_client_query_rows(other, "SELECT number FROM numbers(3)", NULL, free_it, NULL, other, &error));
    FAILS(helios_client_query(other, "SELECT 1", NULL, &json, &error), HELIOS_STATUS_INVALID_HANDLE, "");
}

int main(void) {
    client = client_of_environment();
    while_they_run();
    freed_while_it_is_used();
    by_itself();
    expect_query(client, "SELECT 1 AS x", "[{\"x\":1}]");
    helios_client_free(client);
    return 0;
}
