/* What the texts say that a call is given: options that are none, formats, names, secrets. That each argument is checked at all is
 * tested by what c_abi/abuse.rs makes. */
#include "check.h"

static char canary;
static helios_config *config;
static helios_client *client;

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

static int on_bytes(void *user, const uint8_t *bytes, size_t length) {
    (void)user;
    FAIL("%lu bytes from nowhere: %.40s", (unsigned long)length, (const char *)bytes);
}

static helios_status query_bytes(const helios_client *with, const char *sql, const char *options, const char *format,
                                 helios_error **error) {
    return helios_client_query_bytes(with, sql, options, format, on_bytes, NULL, NULL, error);
}

static void options_that_are_none(void) {
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
    options_that_are_none();
    no_secret_is_repeated();
    errors_of_nothing();
    FAILS(helios_config_set(config, "clickhouse_uri", "x", &error), HELIOS_STATUS_CONFIG_INVALID,
          "did you mean `clickhouse_url`?");

    helios_client_free(client);
    helios_config_free(config);
    return 0;
}
