/* Whatever is passed, a call answers; and what it does not answer stays untouched. */
#include "check.h"

static const char BAD[] = "a\xff";
static char canary;
static helios_config *config;
static helios_client *client;

/* One call for each argument that must be there, with NULL in its place. `out` is what stands in the output. */
#define NULL_IN(argument, ...)                                                     \
    do {                                                                           \
        FAILS(__VA_ARGS__, HELIOS_STATUS_NULL_ARGUMENT, "`" argument "` is NULL"); \
        CHECK(untouched());                                                        \
    } while (0)

#define BAD_IN(argument, ...)                                                                            \
    do {                                                                                                 \
        FAILS(__VA_ARGS__, HELIOS_STATUS_INVALID_UTF8, "`" argument "` is not UTF-8: the byte at offset 1"); \
        CHECK(untouched());                                                                              \
    } while (0)

#define INVALID(text, ...)                                     \
    do {                                                       \
        FAILS(__VA_ARGS__, HELIOS_STATUS_INVALID_INPUT, text); \
        CHECK(untouched());                                    \
    } while (0)

static char *json = &canary;
static helios_client *other;
static struct ArrowArrayStream stream;

static int untouched(void) {
    return json == &canary && other == (helios_client *)(void *)&canary && stream.private_data == &canary &&
           stream.release == NULL;
}

static helios_status consume(const helios_client *with, const char *options, char **answer, helios_error **error) {
    return helios_client_consume(with, options, NULL, NULL, answer, error);
}

static int on_bytes(void *user, const uint8_t *bytes, size_t length) {
    (void)user;
    FAIL("%lu bytes from nowhere: %.40s", (unsigned long)length, (const char *)bytes);
}

static helios_status query_bytes(const helios_client *with, const char *sql, const char *options, const char *format,
                                 helios_error **error) {
    return helios_client_query_bytes(with, sql, options, format, on_bytes, NULL, NULL, error);
}

/* The operations whose options are one JSON object. */
static helios_status (*const operations[])(const helios_client *, const char *, char **, helios_error **) = {
    consume,
    helios_client_check_schema,
    helios_client_schema_drift,
    helios_client_plan,
    helios_client_pause,
    helios_client_resume,
    helios_client_remove,
    helios_client_put_events,
    helios_client_delivery_report,
    helios_client_settle_range,
    helios_client_quarantine,
    helios_client_quarantine_show,
    helios_client_quarantine_replay,
    helios_client_quarantine_discard,
    helios_client_quarantine_retention,
    helios_client_cancel_query,
    helios_client_query_progress,
};

#define EACH_OPERATION(i) for (i = 0; i < sizeof operations / sizeof *operations; i++)

static void null_in_every_argument(void) {
    size_t i;
    EACH_OPERATION(i) {
        NULL_IN("client", operations[i](NULL, "{}", &json, &error));
        NULL_IN("options_json", operations[i](client, NULL, &json, &error));
        NULL_IN("json", operations[i](client, "{}", NULL, &error));
    }

    NULL_IN("config", helios_config_read_env(NULL, &error));
    NULL_IN("config", helios_config_set(NULL, "data_path", "x", &error));
    NULL_IN("key", helios_config_set(config, NULL, "x", &error));
    NULL_IN("value", helios_config_set(config, "data_path", NULL, &error));
    NULL_IN("config", helios_client_new(NULL, &other, &error));
    NULL_IN("client", helios_client_new(config, NULL, &error));
    NULL_IN("client", helios_client_with_credentials(NULL, "{}", &other, &error));
    NULL_IN("credentials_json", helios_client_with_credentials(client, NULL, &other, &error));
    NULL_IN("other", helios_client_with_credentials(client, "{}", NULL, &error));
    NULL_IN("client", helios_client_databases(NULL, &json, &error));
    NULL_IN("json", helios_client_databases(client, NULL, &error));
    NULL_IN("client", helios_client_query(NULL, "SELECT 1", NULL, &json, &error));
    NULL_IN("sql", helios_client_query(client, NULL, NULL, &json, &error));
    NULL_IN("json", helios_client_query(client, "SELECT 1", NULL, NULL, &error));
    NULL_IN("client", query_bytes(NULL, "SELECT 1", NULL, "csv", &error));
    NULL_IN("sql", query_bytes(client, NULL, NULL, "csv", &error));
    NULL_IN("format", query_bytes(client, "SELECT 1", NULL, NULL, &error));
    NULL_IN("on_bytes", helios_client_query_bytes(client, "SELECT 1", NULL, "csv", NULL, NULL, NULL, &error));
    NULL_IN("client", helios_client_query_arrow(NULL, "SELECT 1", NULL, &stream, &error));
    NULL_IN("sql", helios_client_query_arrow(client, NULL, NULL, &stream, &error));
    NULL_IN("stream", helios_client_query_arrow(client, "SELECT 1", NULL, NULL, &error));
    NULL_IN("client", helios_client_authenticate(NULL, &json, &error));
    NULL_IN("json", helios_client_authenticate(client, NULL, &error));
    NULL_IN("client", helios_client_kinesis_sample(NULL, "clicks", NULL, NULL, NULL, &json, &error));
    NULL_IN("stream", helios_client_kinesis_sample(client, NULL, NULL, NULL, NULL, &json, &error));
    NULL_IN("json", helios_client_kinesis_sample(client, "clicks", NULL, NULL, NULL, NULL, &error));
    NULL_IN("client", helios_client_create_table(NULL, "{}", &json, &error));
    NULL_IN("spec_json", helios_client_create_table(client, NULL, &json, &error));
    NULL_IN("json", helios_client_create_table(client, "{}", NULL, &error));
    NULL_IN("client", helios_client_sources(NULL, &json, &error));
    NULL_IN("json", helios_client_sources(client, NULL, &error));
    NULL_IN("client", helios_client_streams(NULL, &json, &error));
    NULL_IN("json", helios_client_streams(client, NULL, &error));
    NULL_IN("client", helios_client_repair(NULL, &json, &error));
    NULL_IN("json", helios_client_repair(client, NULL, &error));
    NULL_IN("client", helios_client_doctor(NULL, &json, &error));
    NULL_IN("json", helios_client_doctor(client, NULL, &error));
}

static void null_for_the_error(void) {
    size_t i;
    EACH_OPERATION(i) CHECK(operations[i](client, "[]", &json, NULL) == HELIOS_STATUS_INVALID_INPUT);
    CHECK(helios_config_read_env(NULL, NULL) == HELIOS_STATUS_NULL_ARGUMENT);
    CHECK(helios_config_set(config, "nonsense", "x", NULL) == HELIOS_STATUS_CONFIG_INVALID);
    CHECK(helios_client_new(NULL, &other, NULL) == HELIOS_STATUS_NULL_ARGUMENT);
    CHECK(helios_client_with_credentials(client, "[]", &other, NULL) == HELIOS_STATUS_INVALID_INPUT);
    CHECK(helios_client_databases(client, &json, NULL) == HELIOS_STATUS_UNAVAILABLE);
    CHECK(helios_client_query(client, "SELECT 1", NULL, &json, NULL) == HELIOS_STATUS_UNAVAILABLE);
    CHECK(query_bytes(client, "SELECT 1", NULL, "csv", NULL) == HELIOS_STATUS_UNAVAILABLE);
    CHECK(helios_client_query_arrow(client, "SELECT 1", NULL, &stream, NULL) == HELIOS_STATUS_UNAVAILABLE);
    CHECK(helios_client_authenticate(NULL, &json, NULL) == HELIOS_STATUS_NULL_ARGUMENT);
    CHECK(helios_client_kinesis_sample(client, BAD, NULL, NULL, NULL, &json, NULL) == HELIOS_STATUS_INVALID_UTF8);
    CHECK(helios_client_create_table(client, "", &json, NULL) == HELIOS_STATUS_INVALID_INPUT);
    CHECK(helios_client_sources(NULL, &json, NULL) == HELIOS_STATUS_NULL_ARGUMENT);
    CHECK(helios_client_streams(NULL, &json, NULL) == HELIOS_STATUS_NULL_ARGUMENT);
    CHECK(helios_client_repair(NULL, &json, NULL) == HELIOS_STATUS_NULL_ARGUMENT);
    CHECK(helios_client_doctor(NULL, &json, NULL) == HELIOS_STATUS_NULL_ARGUMENT);
    CHECK(untouched());
}

static void texts_that_are_not_utf8(void) {
    size_t i;
    BAD_IN("key", helios_config_set(config, BAD, "x", &error));
    BAD_IN("value", helios_config_set(config, "data_path", BAD, &error));
    BAD_IN("credentials_json", helios_client_with_credentials(client, BAD, &other, &error));
    BAD_IN("sql", helios_client_query(client, BAD, NULL, &json, &error));
    BAD_IN("options_json", helios_client_query(client, "SELECT 1", BAD, &json, &error));
    BAD_IN("sql", query_bytes(client, BAD, NULL, "csv", &error));
    BAD_IN("options_json", query_bytes(client, "SELECT 1", BAD, "csv", &error));
    BAD_IN("format", query_bytes(client, "SELECT 1", NULL, BAD, &error));
    BAD_IN("sql", helios_client_query_arrow(client, BAD, NULL, &stream, &error));
    BAD_IN("options_json", helios_client_query_arrow(client, "SELECT 1", BAD, &stream, &error));
    BAD_IN("stream", helios_client_kinesis_sample(client, BAD, NULL, NULL, NULL, &json, &error));
    BAD_IN("options_json", helios_client_kinesis_sample(client, "clicks", BAD, NULL, NULL, &json, &error));
    BAD_IN("spec_json", helios_client_create_table(client, BAD, &json, &error));
    EACH_OPERATION(i) BAD_IN("options_json", operations[i](client, BAD, &json, &error));
}

static void options_that_are_none(void) {
    size_t i;
    EACH_OPERATION(i) {
        INVALID("`options_json` is not a JSON object", operations[i](client, "null", &json, &error));
        INVALID(operations[i] == helios_client_check_schema ? "name a stream" : "missing field `",
                operations[i](client, "{}", &json, &error));
        INVALID("unknown field `colour`", operations[i](client, "{\"colour\": 1}", &json, &error));
    }
    INVALID("`options_json` is not a JSON object", helios_client_query(client, "SELECT 1", "", &json, &error));
    INVALID("is not a JSON object", helios_client_query(client, "SELECT 1", "null", &json, &error));
    INVALID("is not valid JSON", helios_client_query(client, "SELECT 1", "{", &json, &error));
    INVALID("line 1 column 4", helios_client_query(client, "SELECT 1", "{} {}", &json, &error));
    INVALID("unknown field `maxRows`", helios_client_query(client, "SELECT 1", "{\"maxRows\": 1}", &json, &error));
    INVALID("at `readOnly`", helios_client_query(client, "SELECT 1", "{\"readOnly\": 1}", &json, &error));
    INVALID("unknown field `x`", query_bytes(client, "SELECT 1", "{\"x\": 1}", "csv", &error));
    INVALID("there is no `format` `xml`; it is one of `json`, `ndjson`", query_bytes(client, "SELECT 1", NULL, "xml", &error));
    INVALID("`queryId` is 1 to 100", helios_client_cancel_query(client, "{\"queryId\": \"a b\"}", &json, &error));
    INVALID("unknown field `x`", helios_client_query_arrow(client, "SELECT 1", "{\"x\": 1}", &stream, &error));
    INVALID("unknown field `max`", helios_client_kinesis_sample(client, "clicks", "{\"max\": 1}", NULL, NULL, &json, &error));
    INVALID("missing field `streamName`", helios_client_create_table(client, "{}", &json, &error));
    INVALID("unknown field `stream`", helios_client_create_table(client, "{\"stream\": 1}", &json, &error));
    INVALID("unknown field `key`", helios_client_with_credentials(client, "{\"key\": \"x\"}", &other, &error));
}

static void no_secret_is_repeated(void) {
    static const char *const credentials[] = {
        "\"canary\"",
        "{\"accessKey\": \"AKIAX\", \"secretKey\": [\"canary\"]}",
        "{\"accessKey\": \"AKIAX\", \"secretKey\": \"canary}",
        "{\"accessKey\": \"AKIAX\", \"secretKey\": \"canary\", \"region\": 7}",
        "{\"accessKey\": \"AKIAX\", \"secretKey\": \"canary\", \"region\": \"EU WEST\"}",
        "{\"accessKey\": \"AKIAX\", \"secretKey\": \"canary\\u0000\"}",
        "{\"secretKey\": \"canary\"}",
        "{\"accessKey\": \"AKIAX\", \"secretKey\": \"canary\", \"profile\": \"x\"}",
    };
    size_t i;
    for (i = 0; i < sizeof credentials / sizeof *credentials; i++) {
        helios_error *error = NULL;
        helios_client *with = NULL;
        helios_status status = helios_client_with_credentials(client, credentials[i], &with, &error);
        if (status == HELIOS_STATUS_OK) {
            /* Their form is checked when they are used. */
            status = helios_client_authenticate(with, &json, &error);
            helios_client_free(with);
        }
        if (status != HELIOS_STATUS_INVALID_INPUT)
            FAIL("%s: %s: %s", credentials[i], helios_error_kind(error), helios_error_message(error));
        CHECK(strstr(helios_error_message(error), "canary") == NULL);
        helios_error_free(error);
        CHECK(untouched());
    }
}

static void freeing_nothing(void) {
    helios_config_free(NULL);
    helios_client_free(NULL);
    helios_error_free(NULL);
    helios_string_free(NULL);
}

static void errors_of_nothing(void) {
    CHECK(helios_error_status(NULL) == HELIOS_STATUS_OK);
    CHECK(strcmp(helios_error_kind(NULL), "ok") == 0);
    CHECK(strcmp(helios_error_message(NULL), "") == 0);
    CHECK(helios_error_message_length(NULL) == 0);
    CHECK(strcmp(helios_error_operation(NULL), "") == 0);
    CHECK(!helios_error_is_retryable(NULL));
    CHECK(helios_error_server_code(NULL) == 0);
    CHECK(helios_error_server_error_name(NULL) == NULL);
    CHECK(!helios_error_position(NULL, NULL));
    CHECK(helios_error_aws_code(NULL) == NULL);
}

int main(void) {
    other = (helios_client *)(void *)&canary;
    stream.private_data = &canary;
    config = helios_config_new();
    client = unreachable_client();

    CHECK(strcmp(helios_version(), HELIOS_VERSION) == 0);
    null_in_every_argument();
    null_for_the_error();
    texts_that_are_not_utf8();
    options_that_are_none();
    no_secret_is_repeated();
    freeing_nothing();
    errors_of_nothing();
    FAILS(helios_config_set(config, "clickhouse_uri", "x", &error), HELIOS_STATUS_CONFIG_INVALID,
          "did you mean `clickhouse_url`?");

    helios_client_free(client);
    helios_config_free(config);
    return 0;
}
