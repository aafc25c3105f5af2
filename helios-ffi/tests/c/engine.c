/* The embedded engine: what goes in comes out, errors are told, and another one can be opened after it. */
#include "check.h"

static void errors(const helios_client *client) {
    char *json = NULL;
    helios_error *error = NULL;
    char *sql;
    size_t length = 1 << 20;

    CHECK(helios_client_query(client, "SELECT * FROM nowhere", NULL, &json, &error) == HELIOS_STATUS_NOT_FOUND);
    CHECK(helios_error_status(error) == HELIOS_STATUS_NOT_FOUND);
    CHECK(strcmp(helios_error_kind(error), "not_found") == 0);
    CHECK(strcmp(helios_error_operation(error), "query") == 0);
    CHECK(strstr(helios_error_message(error), "nowhere") != NULL);
    CHECK(helios_error_server_code(error) == 60);
    CHECK(helios_error_aws_code(error) == NULL);
    CHECK(!helios_error_is_retryable(error));
    helios_error_free(error);

    /* A message as long as the text that it complains of, and one that is all it takes. */
    sql = (char *)malloc(length + 1);
    CHECK(sql != NULL);
    memset(sql, 'x', length);
    sql[length] = '\0';
    error = NULL;
    CHECK(helios_client_query(client, sql, NULL, &json, &error) == HELIOS_STATUS_INVALID_QUERY);
    CHECK(helios_error_message_length(error) == strlen(helios_error_message(error)));
    helios_error_free(error);
    FAILS(helios_client_query(client, "", NULL, &json, &error), HELIOS_STATUS_INVALID_QUERY, "empty");
    free(sql);
    CHECK(json == NULL);

    /* An error after the first rows is an error, not a short result. */
    FAILS(helios_client_query(client, "SELECT throwIf(number = 3000000, 'late') AS x FROM numbers(4000000)", NULL, &json, &error),
          HELIOS_STATUS_INVALID_QUERY, "late");
    CHECK(json == NULL);
}

static void round_trip(const helios_client *client) {
    char *json = NULL;
    expect_query(client, "CREATE TABLE events (id UInt64, name String) ENGINE = MergeTree ORDER BY id", "\"row_count\":0");
    expect_query(client, "INSERT INTO events VALUES (18446744073709551615, 'fa\xc3\xa7""ade')", "\"row_count\":0");
    expect_query(client, "SELECT * FROM events", "{\"id\":18446744073709551615,\"name\":\"fa\xc3\xa7""ade\"}");
    expect_query(client, "SELECT 'a\\0b' AS x", "\"a\\u0000b\"");
    OK(helios_client_query(client, "SELECT {x:String} AS x", "{\"parameters\": {\"x\": \"it's\"}}", &json, &error));
    CHECK(strstr(json, "it's") != NULL);
    helios_string_free(json);
    FAILS(helios_client_query(client, "DROP TABLE events", "{\"readOnly\": true}", &json, &error),
          HELIOS_STATUS_PERMISSION_DENIED, "DROP is not allowed in read-only mode");
    OK(helios_client_engine(client, &json, &error));
    CHECK(strstr(json, "\"version\":\"") != NULL && strstr(json, "\"origin\":\"libchdb, /") != NULL);
    helios_string_free(json);
    OK(helios_client_databases(client, &json, &error));
    CHECK(strstr(json, "\"default\":[\"events\"]") != NULL);
    helios_string_free(json);
}

int main(int argc, char **argv) {
    char first[4096], second[4096];
    helios_config *config = helios_config_new();
    helios_client *client, *shared, *other = NULL;
    CHECK(argc == 2);
    snprintf(first, sizeof first, "%s/first", argv[1]);
    snprintf(second, sizeof second, "%s/second", argv[1]);

    client = open_client(first);
    round_trip(client);
    errors(client);

    /* Another client of the same path shares the engine; so does one with other credentials. */
    shared = open_client(first);
    OK(helios_client_with_credentials(client, "{\"accessKey\": \"a\", \"secretKey\": \"b\"}", &other, &error));
    helios_client_free(client);
    expect_query(other, "SELECT count() AS n FROM events", "{\"n\":1}");
    helios_client_free(other);
    expect_query(shared, "SELECT count() AS n FROM events", "{\"n\":1}");

    /* Another path has to wait for the first to be closed. */
    other = NULL;
    OK(helios_config_set(config, "data_path", second, &error));
    FAILS(helios_client_new(config, &other, &error), HELIOS_STATUS_ENGINE_UNAVAILABLE, "first");
    CHECK(other == NULL);
    helios_client_free(shared);
    OK(helios_client_new(config, &other, &error));
    helios_config_free(config);
    expect_query(other, "SHOW TABLES", "\"row_count\":0");
    helios_client_free(other);

    /* And back. */
    client = open_client(first);
    expect_query(client, "SELECT count() AS n FROM events", "{\"n\":1}");
    helios_client_free(client);
    return 0;
}
