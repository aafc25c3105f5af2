/*
 * A result as columns: an Arrow stream, read batch by batch in constant memory, without a copy and without an Arrow library.
 *
 *     ./arrow [FOLDER]     where the data are kept: helios-data if no folder is named
 */
#include <helios.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Whatever fails ends the program, and says why. */
static void check(helios_status status, helios_error *error) {
    if (status == HELIOS_STATUS_OK) return;
    fprintf(stderr, "%s: %s\n", helios_error_kind(error), helios_error_message(error));
    helios_error_free(error);
    exit(EXIT_FAILURE);
}

/* The same for the stream's own functions. */
static void check_stream(struct ArrowArrayStream *stream, int code) {
    if (code == 0) return;
    fprintf(stderr, "%s\n", stream->get_last_error(stream));
    stream->release(stream);
    exit(EXIT_FAILURE);
}

/* The columns: names, and their types in Arrow's short form, "L" for uint64 and "u" for UTF-8. */
static void print_schema(struct ArrowArrayStream *stream) {
    struct ArrowSchema schema;
    int64_t i;
    check_stream(stream, stream->get_schema(stream, &schema));
    for (i = 0; i < schema.n_children; i++) printf("%s: %s\n", schema.children[i]->name, schema.children[i]->format);
    schema.release(&schema);
}

/* The sum of the numbers, and the rows they are in. A batch with `release` NULL is the end. */
static void add_up(struct ArrowArrayStream *stream, uint64_t *rows, uint64_t *sum) {
    for (;;) {
        struct ArrowArray batch;
        const struct ArrowArray *column;
        const uint64_t *numbers;
        int64_t row;
        check_stream(stream, stream->get_next(stream, &batch));
        if (batch.release == NULL) return;
        /* Buffers of a column of numbers: which are not NULL, here all of them, and the numbers. */
        column = batch.children[0];
        numbers = (const uint64_t *)column->buffers[1] + column->offset;
        for (row = 0; row < batch.length; row++) *sum += numbers[row];
        *rows += (uint64_t)batch.length;
        batch.release(&batch);
    }
}

int main(int argc, char **argv) {
    helios_error *error = NULL;
    helios_client *client = NULL;
    helios_config *config = helios_config_new();
    struct ArrowArrayStream stream;
    uint64_t rows = 0, sum = 0;
    check(helios_config_set(config, "data_path", argc > 1 ? argv[1] : "helios-data", &error), error);
    check(helios_client_new(config, &client, &error), error);
    helios_config_free(config);

    check(helios_client_query_arrow(client, "SELECT number AS id, toString(number) AS name FROM numbers(1000000)", NULL, &stream, &error),
          error);
    print_schema(&stream);
    add_up(&stream, &rows, &sum);
    stream.release(&stream);
    printf("%" PRIu64 " rows, sum of id %" PRIu64 "\n", rows, sum);

    helios_client_free(client);
    return EXIT_SUCCESS;
}
