/*
 * The shared cases, through C: reads operations from standard input, and writes answers to standard output.
 *
 * A request is `operation text_length json_length\n`, the text, the JSON. A reply is `ok length\n` or `error length\n`, and
 * as much JSON.
 */
#include <helios.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What C cannot pass on is not passed on in part. */
static char *read_text(size_t length) {
    char *text = (char *)malloc(length + 1);
    if (text == NULL || fread(text, 1, length, stdin) != length) {
        fputs("the request ends early\n", stderr);
        exit(EXIT_FAILURE);
    }
    if (memchr(text, '\0', length) != NULL) {
        fputs("a text in C cannot hold a NUL\n", stderr);
        exit(EXIT_FAILURE);
    }
    text[length] = '\0';
    return text;
}

static void reply(const char *outcome, const char *json, size_t length) {
    printf("%s %lu\n", outcome, (unsigned long)length);
    fwrite(json, 1, length, stdout);
    fflush(stdout);
}

/* Writes a JSON string to `out`, which has room for six bytes each and the quotes. Returns where it ends. */
static char *quote(char *out, const char *text) {
    *out++ = '"';
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20)
            out += sprintf(out, "\\u%04x", (unsigned)*text);
        else {
            if (*text == '"' || *text == '\\') *out++ = '\\';
            *out++ = *text;
        }
    }
    *out++ = '"';
    return out;
}

/* The room that a string takes at most. */
static size_t room(const char *text) {
    return text == NULL ? 0 : 6 * strlen(text) + 2;
}

static void reply_error(const helios_error *error) {
    const char *server_error_name = helios_error_server_error_name(error);
    const char *aws_code = helios_error_aws_code(error);
    const char *message = helios_error_message(error);
    char *json = (char *)malloc(room(message) + room(server_error_name) + room(aws_code) + 512);
    char *end = json;
    helios_sql_position position;
    if (json == NULL) exit(EXIT_FAILURE);
    end += sprintf(end, "{\"code\": \"%s\", \"error\": ", helios_error_kind(error));
    end = quote(end, message);
    end += sprintf(end, ", \"retryable\": %s", helios_error_is_retryable(error) ? "true" : "false");
    if (helios_error_server_code(error) != 0)
        end += sprintf(end, ", \"serverCode\": %lu", (unsigned long)helios_error_server_code(error));
    if (server_error_name != NULL) {
        end += sprintf(end, ", \"serverErrorName\": ");
        end = quote(end, server_error_name);
    }
    if (helios_error_position(error, &position))
        end += sprintf(end, ", \"position\": {\"offset\": %lu, \"line\": %lu, \"column\": %lu}", (unsigned long)position.offset,
                       (unsigned long)position.line, (unsigned long)position.column);
    if (aws_code != NULL) {
        end += sprintf(end, ", \"awsCode\": ");
        end = quote(end, aws_code);
    }
    end += sprintf(end, "}");
    reply("error", json, (size_t)(end - json));
    free(json);
}

/* Everything that a query hands over. */
struct pieces {
    char *bytes;
    size_t length;
};

static int collect(void *user, const uint8_t *bytes, size_t length) {
    struct pieces *pieces = (struct pieces *)user;
    pieces->bytes = (char *)realloc(pieces->bytes, pieces->length + length);
    if (pieces->bytes == NULL) exit(EXIT_FAILURE);
    memcpy(pieces->bytes + pieces->length, bytes, length);
    pieces->length += length;
    return 0;
}

/* The operations `query_csv` and so on: the bytes of a result, in hexadecimal digits as a JSON string. */
static void reply_bytes(const helios_client *client, const char *format, const char *sql, const char *json) {
    struct pieces pieces = {NULL, 0};
    helios_error *error = NULL;
    if (helios_client_query_bytes(client, sql, json, format, collect, NULL, &pieces, &error) == HELIOS_STATUS_OK) {
        char *digits = (char *)malloc(2 * pieces.length + 3);
        char *end = digits;
        size_t i;
        if (digits == NULL) exit(EXIT_FAILURE);
        *end++ = '"';
        for (i = 0; i < pieces.length; i++) end += sprintf(end, "%02x", (unsigned)(unsigned char)pieces.bytes[i]);
        *end++ = '"';
        reply("ok", digits, (size_t)(end - digits));
        free(digits);
    } else {
        reply_error(error);
    }
    helios_error_free(error);
    free(pieces.bytes);
}

/* The form of `query_csv`, or NULL for an operation that is none of these. */
static const char *form_of(const char *operation) {
    static const char *const forms[] = {"json", "ndjson", "csv", "arrow", "parquet"};
    size_t i;
    if (strncmp(operation, "query_", 6) != 0) return NULL;
    for (i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(operation + 6, forms[i]) == 0) return forms[i];
    return NULL;
}

/* A query's callback that stops it at the first look. */
static int stop(void *user, const char *progress_json) {
    (void)user;
    return strstr(progress_json, "\"readRows\":") != NULL;
}

static helios_status authenticate(const helios_client *client, const char *credentials, char **answer, helios_error **error) {
    helios_client *other = NULL;
    helios_status status;
    if (credentials == NULL) return helios_client_authenticate(client, answer, error);
    status = helios_client_with_credentials(client, credentials, &other, error);
    if (status == HELIOS_STATUS_OK) status = helios_client_authenticate(other, answer, error);
    helios_client_free(other);
    return status;
}

/* What a consumer's callback is told: to use the client in turn, and to stop. */
struct told {
    const helios_client *client;
    int stop;
};

static int on_progress(void *user, const char *progress_json) {
    const struct told *told = (const struct told *)user;
    char *databases = NULL;
    if (strstr(progress_json, "\"shards\":") == NULL || helios_client_databases(told->client, &databases, NULL) != HELIOS_STATUS_OK) {
        fputs("the callback fails\n", stderr);
        exit(EXIT_FAILURE);
    }
    helios_string_free(databases);
    return told->stop;
}

static helios_status consume(const helios_client *client, const char *json, char **answer, helios_error **error) {
    struct told told;
    told.client = client;
    told.stop = 0;
    return helios_client_consume(client, json, on_progress, &told, answer, error);
}

static helios_status stop_consuming(const helios_client *client, const char *json, char **answer, helios_error **error) {
    struct told told;
    told.client = client;
    told.stop = 1;
    return helios_client_consume(client, json, on_progress, &told, answer, error);
}

static helios_status kinesis_sample(const helios_client *client, const char *stream, const char *json, char **answer, helios_error **error) {
    struct told told;
    told.client = client;
    told.stop = 0;
    return helios_client_kinesis_sample(client, stream, json, on_progress, &told, answer, error);
}

/* The operations that have all they need in their JSON. */
static const struct {
    const char *name;
    helios_status (*run)(const helios_client *, const char *, char **, helios_error **);
} operations[] = {
    {"check_schema", helios_client_check_schema},
    {"put_events", helios_client_put_events},
    {"plan", helios_client_plan},
    {"create_table", helios_client_create_table},
    {"pause", helios_client_pause},
    {"resume", helios_client_resume},
    {"remove", helios_client_remove},
    {"schema_drift", helios_client_schema_drift},
    {"consume", consume},
    {"stop_consuming", stop_consuming},
    {"delivery_report", helios_client_delivery_report},
    {"settle_range", helios_client_settle_range},
    {"quarantine", helios_client_quarantine},
    {"quarantine_show", helios_client_quarantine_show},
    {"quarantine_replay", helios_client_quarantine_replay},
    {"quarantine_discard", helios_client_quarantine_discard},
    {"quarantine_retention", helios_client_quarantine_retention},
    {"cancel_query", helios_client_cancel_query},
    {"query_progress", helios_client_query_progress},
};

static helios_status stop_query(const helios_client *client, const char *sql, const char *json, helios_error **error) {
    struct pieces pieces = {NULL, 0};
    helios_status status = helios_client_query_bytes(client, sql, json, "json", collect, stop, &pieces, error);
    free(pieces.bytes);
    return status;
}

static helios_status call(const helios_client *client, const char *operation, const char *text, const char *json, char **answer,
                          helios_error **error) {
    size_t i;
    if (strcmp(operation, "stop_query") == 0) return stop_query(client, text, json, error);
    if (strcmp(operation, "engine") == 0) return helios_client_engine(client, answer, error);
    if (strcmp(operation, "databases") == 0) return helios_client_databases(client, answer, error);
    if (strcmp(operation, "query") == 0) return helios_client_query(client, text, json, answer, error);
    if (strcmp(operation, "authenticate") == 0) return authenticate(client, json, answer, error);
    if (strcmp(operation, "kinesis_sample") == 0) return kinesis_sample(client, text, json, answer, error);
    if (strcmp(operation, "sources") == 0) return helios_client_sources(client, answer, error);
    if (strcmp(operation, "streams") == 0) return helios_client_streams(client, answer, error);
    if (strcmp(operation, "repair") == 0) return helios_client_repair(client, answer, error);
    if (strcmp(operation, "doctor") == 0) return helios_client_doctor(client, answer, error);
    for (i = 0; i < sizeof operations / sizeof *operations; i++)
        if (strcmp(operation, operations[i].name) == 0) return operations[i].run(client, json == NULL ? "{}" : json, answer, error);
    fprintf(stderr, "there is no operation %s\n", operation);
    exit(EXIT_FAILURE);
}

static helios_client *client_of_environment(void) {
    helios_config *config = helios_config_new();
    helios_client *client = NULL;
    helios_error *error = NULL;
    if (helios_config_read_env(config, &error) || helios_client_new(config, &client, &error)) {
        fprintf(stderr, "%s: %s\n", helios_error_kind(error), helios_error_message(error));
        exit(EXIT_FAILURE);
    }
    helios_config_free(config);
    return client;
}

int main(void) {
    helios_client *client = client_of_environment();
    char operation[32];
    unsigned long text_length, json_length;
    while (scanf("%31s %lu %lu", operation, &text_length, &json_length) == 3 && getchar() == '\n') {
        char *text = read_text(text_length);
        char *json = read_text(json_length);
        const char *options = json_length == 0 ? NULL : json;
        char *answer = NULL;
        helios_error *error = NULL;
        if (form_of(operation) != NULL)
            reply_bytes(client, form_of(operation), text, options);
        else if (call(client, operation, text, options, &answer, &error) == HELIOS_STATUS_OK)
            reply("ok", answer, strlen(answer));
        else
            reply_error(error);
        helios_string_free(answer);
        helios_error_free(error);
        free(text);
        free(json);
    }
    helios_client_free(client);
    return feof(stdin) ? EXIT_SUCCESS : EXIT_FAILURE;
}
