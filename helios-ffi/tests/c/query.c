/* Results in pieces and in every form, and queries that are watched, ended, or wrong. */
#include "check.h"

#include <pthread.h>

#define ENDLESS "SELECT sum(number) AS endless FROM system.numbers"

/* All pieces of a result. After `wanted` of them it wants no more. */
struct pieces {
    char *bytes;
    size_t length, count, wanted;
};

static int take(void *user, const uint8_t *bytes, size_t length) {
    struct pieces *pieces = (struct pieces *)user;
    pieces->bytes = (char *)realloc(pieces->bytes, pieces->length + length + 1);
    CHECK(pieces->bytes != NULL);
    memcpy(pieces->bytes + pieces->length, bytes, length);
    pieces->length += length;
    pieces->bytes[pieces->length] = '\0';
    pieces->count++;
    return pieces->count >= pieces->wanted;
}

static struct pieces no_pieces(size_t wanted) {
    struct pieces pieces;
    memset(&pieces, 0, sizeof pieces);
    pieces.wanted = wanted;
    return pieces;
}

static struct pieces read_as(const helios_client *client, const char *sql, const char *format) {
    struct pieces pieces = no_pieces((size_t)-1);
    OK(helios_client_query_bytes(client, sql, NULL, format, take, NULL, &pieces, &error));
    return pieces;
}

static void forms(const helios_client *client) {
    static const char sql[] = "SELECT number AS n, 'it\"s' AS s FROM numbers(2)";
    struct pieces pieces;
    char *json = NULL;

    pieces = read_as(client, sql, "csv");
    CHECK(strcmp(pieces.bytes, "\"n\",\"s\"\n0,\"it\"\"s\"\n1,\"it\"\"s\"\n") == 0);
    free(pieces.bytes);
    pieces = read_as(client, sql, "ndjson");
    CHECK(strcmp(pieces.bytes, "{\"n\":0,\"s\":\"it\\\"s\"}\n{\"n\":1,\"s\":\"it\\\"s\"}\n") == 0);
    free(pieces.bytes);
    pieces = read_as(client, sql, "json");
    OK(helios_client_query(client, sql, NULL, &json, &error));
    CHECK(strcmp(pieces.bytes, json) == 0);
    helios_string_free(json);
    free(pieces.bytes);
    pieces = read_as(client, sql, "arrow");
    CHECK(memcmp(pieces.bytes, "\xff\xff\xff\xff", 4) == 0);
    CHECK(memcmp(pieces.bytes + pieces.length - 8, "\xff\xff\xff\xff\0\0\0\0", 8) == 0);
    free(pieces.bytes);
    pieces = read_as(client, sql, "parquet");
    CHECK(memcmp(pieces.bytes, "PAR1", 4) == 0 && memcmp(pieces.bytes + pieces.length - 4, "PAR1", 4) == 0);
    free(pieces.bytes);
}

static void options(const helios_client *client) {
    char *json = NULL;
    OK(helios_client_query(client, "SELECT number AS n, toDateTime(number, 'UTC') AS t FROM numbers(9)",
                           "{\"limit\": 1, \"times\": \"simple\", \"quote64BitIntegers\": true}", &json, &error));
    CHECK(strstr(json, "\"data\":[{\"n\":\"0\",\"t\":\"1970-01-01 00:00:00\"}]") != NULL);
    helios_string_free(json);
}

/* How many queries that never end are running. */
static int endless_queries(const helios_client *client) {
    char *json = NULL;
    int none;
    OK(helios_client_query(client, "SELECT count() AS n FROM system.processes WHERE query LIKE '%AS endless%'", NULL, &json, &error));
    none = strstr(json, "{\"n\":1}") != NULL; /* this one */
    helios_string_free(json);
    return !none;
}

static void a_reader_that_wants_no_more(const helios_client *client) {
    struct pieces pieces = no_pieces(1);
    FAILS(helios_client_query_bytes(client, "SELECT number AS endless FROM system.numbers", NULL, "ndjson", take, NULL, &pieces, &error),
          HELIOS_STATUS_CANCELLED, "wanted no more");
    CHECK(pieces.count == 1 && strncmp(pieces.bytes, "{\"endless\":0}\n{\"endless\":1}\n", 28) == 0);
    while (endless_queries(client)) continue;
    free(pieces.bytes);
}

/* Pieces came, and still it is no result. */
static void a_late_error(const helios_client *client) {
    struct pieces pieces = no_pieces((size_t)-1);
    FAILS(helios_client_query_bytes(client, "SELECT throwIf(number = 3000000, 'late') AS x FROM numbers(4000000)", NULL, "csv", take,
                                    NULL, &pieces, &error),
          HELIOS_STATUS_INVALID_QUERY, "late");
    CHECK(pieces.count > 1);
    free(pieces.bytes);
}

struct watcher {
    const helios_client *client;
    int looks;
};

static int watch(void *user, const char *progress_json) {
    struct watcher *watcher = (struct watcher *)user;
    CHECK(strstr(progress_json, "\"queryId\":\"watched\"") != NULL && strstr(progress_json, "\"readRows\":") != NULL);
    expect_query(watcher->client, "SELECT 1 AS x", "{\"x\":1}");
    return ++watcher->looks == 2;
}

static int take_none(void *user, const uint8_t *bytes, size_t length) {
    (void)user;
    FAIL("%lu bytes of a query without an end: %.40s", (unsigned long)length, (const char *)bytes);
}

static void a_watched_query(const helios_client *client) {
    struct watcher watcher;
    watcher.client = client;
    watcher.looks = 0;
    FAILS(helios_client_query_bytes(client, ENDLESS, "{\"queryId\": \"watched\"}", "json", take_none, watch, &watcher, &error),
          HELIOS_STATUS_CANCELLED, "");
    CHECK(watcher.looks == 2);
    while (endless_queries(client)) continue;
}

static void *run_until_cancelled(void *client) {
    char *json = NULL;
    FAILS(helios_client_query((const helios_client *)client, ENDLESS, "{\"queryId\": \"report-7\"}", &json, &error),
          HELIOS_STATUS_CANCELLED, "");
    return NULL;
}

static void a_query_of_another_thread(helios_client *client) {
    static const char report[] = "{\"queryId\": \"report-7\"}";
    pthread_t thread;
    char *json = NULL;
    int running = 0;

    OK(helios_client_query_progress(client, report, &json, &error));
    CHECK(strcmp(json, "null") == 0);
    helios_string_free(json);
    OK(helios_client_cancel_query(client, report, &json, &error));
    CHECK(strcmp(json, "{\"queryId\":\"report-7\",\"found\":false}") == 0);
    helios_string_free(json);

    CHECK(pthread_create(&thread, NULL, run_until_cancelled, client) == 0);
    while (!running) {
        OK(helios_client_query_progress(client, report, &json, &error));
        running = strstr(json, "\"queryId\":\"report-7\"") != NULL;
        helios_string_free(json);
    }
    OK(helios_client_cancel_query(client, report, &json, &error));
    CHECK(strcmp(json, "{\"queryId\":\"report-7\",\"found\":true}") == 0);
    helios_string_free(json);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void places_of_errors(const helios_client *client) {
    helios_sql_position position;
    helios_error *error = NULL;
    char *json = NULL;
    memset(&position, 7, sizeof position);
    CHECK(helios_client_query(client, "SELECT 1 FROM nowhere", NULL, &json, &error) == HELIOS_STATUS_NOT_FOUND);
    CHECK(strcmp(helios_error_server_error_name(error), "UNKNOWN_TABLE") == 0);
    CHECK(!helios_error_position(error, &position) && ((char *)&position)[0] == 7);
    helios_error_free(error);

    error = NULL;
    CHECK(helios_client_query(client, "SELECT '\xc3\xa9'\n  FORM x y", NULL, &json, &error) == HELIOS_STATUS_INVALID_QUERY);
    CHECK(strcmp(helios_error_server_error_name(error), "SYNTAX_ERROR") == 0);
    CHECK(helios_error_position(error, &position));
    if (position.offset != 19 || position.line != 2 || position.column != 8)
        FAIL("%lu, %lu, %lu", (unsigned long)position.offset, (unsigned long)position.line, (unsigned long)position.column);
    CHECK(!helios_error_position(error, NULL));
    helios_error_free(error);
}

int main(int argc, char **argv) {
    helios_client *client;
    struct pieces pieces;
    CHECK(argc == 2);
    client = open_client(argv[1]);
    forms(client);
    options(client);
    a_reader_that_wants_no_more(client);
    a_late_error(client);
    a_watched_query(client);
    a_query_of_another_thread(client);
    places_of_errors(client);

    pieces = read_as(client, "SELECT number FROM numbers(1000000)", "csv");
    CHECK(pieces.count > 1 && strcmp(pieces.bytes + pieces.length - 7, "999999\n") == 0);
    free(pieces.bytes);
    helios_client_free(client);
    return 0;
}
