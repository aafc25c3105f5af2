/* What the test programs share. Each is C99 and C++11, gets a fresh folder as its argument, and ends with 0 if all is well. */
#ifndef CHECK_H
#define CHECK_H

#include <helios.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(...)                                         \
    do {                                                  \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);   \
        fprintf(stderr, __VA_ARGS__);                     \
        fputc('\n', stderr);                              \
        exit(1);                                          \
    } while (0)

#define CHECK(condition)                      \
    do {                                      \
        if (!(condition)) FAIL("%s", #condition); \
    } while (0)

/* Succeeds, with `error` untouched. */
#define OK(call)                                                                              \
    do {                                                                                      \
        helios_error *error = NULL;                                                           \
        helios_status status_ = (call);                                                       \
        if (status_ != HELIOS_STATUS_OK)                                                      \
            FAIL("%s: %s: %s", #call, helios_error_kind(error), helios_error_message(error)); \
        CHECK(error == NULL);                                                                 \
    } while (0)

/* Fails with this status, and an error that says `text`. */
#define FAILS(call, status, text)                                                             \
    do {                                                                                      \
        helios_error *error = NULL;                                                           \
        helios_status status_ = (call);                                                       \
        if (status_ != (status))                                                              \
            FAIL("%s: %u, not %s: %s", #call, (unsigned)status_, #status, helios_error_message(error)); \
        CHECK(error != NULL && helios_error_status(error) == status_);                        \
        CHECK(helios_error_message_length(error) == strlen(helios_error_message(error)));     \
        if (strstr(helios_error_message(error), (text)) == NULL)                              \
            FAIL("%s: \"%s\" is missing in: %s", #call, (text), helios_error_message(error)); \
        helios_error_free(error);                                                             \
    } while (0)

static inline helios_client *open_client(const char *data_path) {
    helios_config *config = helios_config_new();
    helios_client *client = NULL;
    OK(helios_config_set(config, "data_path", data_path, &error));
    OK(helios_client_new(config, &client, &error));
    helios_config_free(config);
    return client;
}

/* A client of what other processes have, as c_abi/service.rs says in the environment. */
static inline helios_client *client_of_environment(void) {
    helios_config *config = helios_config_new();
    helios_client *client = NULL;
    OK(helios_config_read_env(config, &error));
    OK(helios_client_new(config, &client, &error));
    helios_config_free(config);
    return client;
}

/* Lets its stream `clicks` feed a table in its database, from the first event on. */
static inline void create_clicks(const helios_client *client) {
    char options[512];
    char *json = NULL;
    snprintf(options, sizeof options,
             "{\"streamName\": \"clicks\", \"tableName\": \"clicks\", \"databaseName\": \"%s\", \"delivery\": \"consumer\","
             " \"startPosition\": \"oldest\", \"schema\": [{\"name\": \"page\", \"type\": \"String\"}]}",
             getenv("HELIOS_CLICKHOUSE_DATABASE"));
    OK(helios_client_create_table(client, options, &json, &error));
    helios_string_free(json);
}

/* A client of a server that is not there. Opens no engine, asks AWS nothing. */
static inline helios_client *unreachable_client(void) {
    helios_config *config = helios_config_new();
    helios_client *client = NULL;
    OK(helios_config_set(config, "clickhouse_url", "http://127.0.0.1:1", &error));
    OK(helios_config_set(config, "aws_endpoint_url", "http://127.0.0.1:1", &error));
    OK(helios_config_set(config, "aws_region", "eu-west-1", &error));
    OK(helios_config_set(config, "aws_access_key_id", "AKIAIOSFODNN7EXAMPLE", &error));
    OK(helios_config_set(config, "aws_secret_access_key", "secret", &error));
    OK(helios_client_new(config, &client, &error));
    helios_config_free(config);
    return client;
}

/* The query's answer holds this text. */
static inline void expect_query(const helios_client *client, const char *sql, const char *text) {
    char *json = NULL;
    OK(helios_client_query(client, sql, NULL, &json, &error));
    if (strstr(json, text) == NULL) FAIL("%s: \"%s\" is missing in %s", sql, text, json);
    helios_string_free(json);
}

#endif
