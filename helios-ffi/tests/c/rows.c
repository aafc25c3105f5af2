/* Results row by row. */
#include "check.h"

struct rows {
    size_t count, wanted;
    char last[256];
};

static int take(void *user, const char *row_json, size_t length) {
    struct rows *rows = (struct rows *)user;
    CHECK(strlen(row_json) == length && row_json[0] == '{' && row_json[length - 1] == '}');
    CHECK(strchr(row_json, '\n') == NULL);
    snprintf(rows->last, sizeof rows->last, "%s", row_json);
    return ++rows->count >= rows->wanted;
}

static struct rows no_rows(size_t wanted) {
    struct rows rows;
    memset(&rows, 0, sizeof rows);
    rows.wanted = wanted;
    return rows;
}

int main(void) {
    helios_client *client = client_of_environment();
    struct rows rows = no_rows((size_t)-1);
    OK(helios_client_query_rows(client, "SELECT number AS n, 'a\\nb\\0c' AS s FROM numbers(100000)", NULL, take, NULL, &rows, &error));
    CHECK(rows.count == 100000);
    CHECK(strcmp(rows.last, "{\"n\":99999,\"s\":\"a\\nb\\u0000c\"}") == 0);

    /* One that is longer than any piece. */
    rows = no_rows((size_t)-1);
    OK(helios_client_query_rows(client, "SELECT repeat('x', 1000000) AS x, 7 AS n FROM numbers(3)", NULL, take, NULL, &rows, &error));
    CHECK(rows.count == 3);

    rows = no_rows((size_t)-1);
    OK(helios_client_query_rows(client, "SELECT 1 WHERE 0", NULL, take, NULL, &rows, &error));
    OK(helios_client_query_rows(client, "CREATE TABLE t (x UInt8) ORDER BY x", NULL, take, NULL, &rows, &error));
    CHECK(rows.count == 0);
    OK(helios_client_query_rows(client, "SELECT {x:UInt8} AS x", "{\"parameters\": {\"x\": 7}}", take, NULL, &rows, &error));
    CHECK(rows.count == 1 && strcmp(rows.last, "{\"x\":7}") == 0);

    /* After the last one that is wanted comes none. */
    rows = no_rows(3);
    FAILS(helios_client_query_rows(client, "SELECT number AS n FROM system.numbers", NULL, take, NULL, &rows, &error),
          HELIOS_STATUS_CANCELLED, "`on_row` wanted no more");
    CHECK(rows.count == 3 && strcmp(rows.last, "{\"n\":2}") == 0);

    /* Rows came, and still they are not all. */
    rows = no_rows((size_t)-1);
    FAILS(helios_client_query_rows(client, "SELECT throwIf(number = 3000000, 'late') AS x FROM numbers(4000000)", NULL, take, NULL, &rows, &error),
          HELIOS_STATUS_INVALID_QUERY, "late");
    CHECK(rows.count > 0 && rows.count < 4000000);
    helios_client_free(client);
    return 0;
}
