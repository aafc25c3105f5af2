/* Results as Arrow: the stream is read as any consumer would read it. */
#include "check.h"

static void query(const helios_client *client, const char *sql, struct ArrowArrayStream *stream) {
    OK(helios_client_query_arrow(client, sql, NULL, stream, &error));
    CHECK(stream->release != NULL);
}

/* The value of a key in a field's metadata: a count, then keys and values, each with its length before it. */
static int has_metadata(const struct ArrowSchema *field, const char *key, const char *value) {
    const char *at = field->metadata;
    int32_t count, length[2];
    int matches;
    if (at == NULL) return 0;
    memcpy(&count, at, sizeof count);
    for (at += sizeof count; count > 0; count--) {
        memcpy(&length[0], at, sizeof *length);
        at += sizeof *length;
        matches = (size_t)length[0] == strlen(key) && memcmp(at, key, strlen(key)) == 0;
        at += length[0];
        memcpy(&length[1], at, sizeof *length);
        at += sizeof *length;
        if (matches) return (size_t)length[1] == strlen(value) && memcmp(at, value, strlen(value)) == 0;
        at += length[1];
    }
    return 0;
}

static void check_field(const struct ArrowSchema *field, const char *name, const char *format, const char *type) {
    if (strcmp(field->name, name) != 0 || strcmp(field->format, format) != 0)
        FAIL("%s: %s, not %s: %s", field->name, field->format, name, format);
    if (!has_metadata(field, "clickhouse.type", type)) FAIL("%s: clickhouse.type is not %s", name, type);
}

static void types_and_values(const helios_client *client) {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    const int32_t *offsets;
    query(client,
          "SELECT toUInt64(number + 1) AS id, concat('name ', toString(number)) AS name, "
          "toDateTime(86400, 'UTC') AS at, if(number = 1, NULL, toInt32(number)) AS maybe FROM numbers(2)",
          &stream);

    CHECK(stream.get_schema(&stream, &schema) == 0);
    CHECK(strcmp(schema.format, "+s") == 0 && schema.n_children == 4);
    check_field(schema.children[0], "id", "L", "UInt64");
    check_field(schema.children[1], "name", "u", "String");
    check_field(schema.children[2], "at", "tss:UTC", "DateTime('UTC')");
    check_field(schema.children[3], "maybe", "i", "Nullable(Int32)");
    CHECK(schema.children[3]->flags & ARROW_FLAG_NULLABLE);
    schema.release(&schema);

    CHECK(stream.get_next(&stream, &batch) == 0);
    CHECK(batch.length == 2 && batch.n_children == 4);
    CHECK(((const uint64_t *)batch.children[0]->buffers[1])[1] == 2);
    offsets = (const int32_t *)batch.children[1]->buffers[1];
    CHECK(offsets[2] - offsets[1] == 6);
    CHECK(memcmp((const char *)batch.children[1]->buffers[2] + offsets[1], "name 1", 6) == 0);
    CHECK(((const int64_t *)batch.children[2]->buffers[1])[0] == 86400);
    CHECK(batch.children[3]->null_count == 1);
    batch.release(&batch);

    CHECK(stream.get_next(&stream, &batch) == 0);
    CHECK(batch.release == NULL); /* the end */
    stream.release(&stream);
    CHECK(stream.release == NULL);
}

/* Rows until the end, or -1 for a failure. */
static int64_t read_all(struct ArrowArrayStream *stream) {
    int64_t rows = 0;
    for (;;) {
        struct ArrowArray batch;
        if (stream->get_next(stream, &batch) != 0) return -1;
        if (batch.release == NULL) return rows;
        rows += batch.length;
        batch.release(&batch);
    }
}

static void sizes(const helios_client *client) {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    query(client, "SELECT 1 AS x WHERE 0", &stream);
    CHECK(stream.get_schema(&stream, &schema) == 0);
    check_field(schema.children[0], "x", "C", "UInt8");
    schema.release(&schema);
    CHECK(read_all(&stream) == 0);
    stream.release(&stream);

    query(client, "SELECT number FROM numbers(1000000)", &stream);
    CHECK(read_all(&stream) == 1000000);
    CHECK(read_all(&stream) == 0); /* the end stays the end */
    stream.release(&stream);
}

static void failures(const helios_client *client) {
    struct ArrowArrayStream stream;
    memset(&stream, 0, sizeof stream);
    FAILS(helios_client_query_arrow(client, "SELECT * FROM nowhere", NULL, &stream, &error), HELIOS_STATUS_NOT_FOUND, "nowhere");
    FAILS(helios_client_query_arrow(client, "SELECT 1 AS `a\\0b`", NULL, &stream, &error), HELIOS_STATUS_INVALID_QUERY, "NUL");
    CHECK(stream.release == NULL);

    /* A result that is cut has no end, whatever the consumer does. */
    query(client, "SELECT throwIf(number = 3000000, 'late') AS x FROM numbers(4000000)", &stream);
    CHECK(read_all(&stream) == -1);
    CHECK(strstr(stream.get_last_error(&stream), "late") != NULL);
    CHECK(strstr(stream.get_last_error(&stream), "invalid_query at query") != NULL);
    CHECK(read_all(&stream) == -1);
    CHECK(strstr(stream.get_last_error(&stream), "late") != NULL);
    stream.release(&stream);
}

static void release_before_the_end(const helios_client *client) {
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    int gone = 0;
    query(client, "SELECT number AS endless FROM system.numbers", &stream);
    CHECK(stream.get_next(&stream, &batch) == 0 && batch.release != NULL);
    stream.release(&stream);
    /* A batch is good without its stream. */
    CHECK(((const uint64_t *)batch.children[0]->buffers[1])[1] == 1);
    batch.release(&batch);
    while (!gone) {
        char *json = NULL;
        OK(helios_client_query(client, "SELECT count() AS n FROM system.processes WHERE query LIKE '%AS endless%'", NULL, &json, &error));
        gone = strstr(json, "{\"n\":1}") != NULL;
        helios_string_free(json);
    }
}

int main(int argc, char **argv) {
    struct ArrowArrayStream stream;
    helios_client *client;
    CHECK(argc == 2);
    client = open_client(argv[1]);
    types_and_values(client);
    sizes(client);
    failures(client);
    release_before_the_end(client);

    /* A stream is good without its client. */
    query(client, "SELECT number FROM numbers(1000000)", &stream);
    helios_client_free(client);
    CHECK(read_all(&stream) == 1000000);
    stream.release(&stream);
    return 0;
}
