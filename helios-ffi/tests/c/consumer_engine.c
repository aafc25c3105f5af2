/* A consumer of a client with an engine of its own: when both are freed, the engine is closed, and another one can be opened. */
#include "check.h"

static void set_from(helios_config *config, const char *key, const char *variable) {
    OK(helios_config_set(config, key, getenv(variable), &error));
}

static helios_client *open_in(const char *folder, const char *name) {
    char path[4096];
    helios_config *config = helios_config_new();
    helios_client *client = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    OK(helios_config_set(config, "data_path", path, &error));
    set_from(config, "aws_region", "HELIOS_AWS_REGION");
    set_from(config, "aws_endpoint_url", "HELIOS_AWS_ENDPOINT_URL");
    set_from(config, "aws_access_key_id", "HELIOS_AWS_ACCESS_KEY_ID");
    set_from(config, "aws_secret_access_key", "HELIOS_AWS_SECRET_ACCESS_KEY");
    OK(helios_client_new(config, &client, &error));
    helios_config_free(config);
    return client;
}

int main(int argc, char **argv) {
    static const char table[] = "{\"streamName\": \"clicks\", \"tableName\": \"clicks\", \"delivery\": \"consumer\","
                                " \"startPosition\": \"oldest\", \"schema\": [{\"name\": \"page\", \"type\": \"String\"}]}";
    helios_client *client;
    char *json = NULL;
    int i;
    CHECK(argc == 2);
    client = open_in(argv[1], "first");
    OK(helios_client_create_table(client, table, &json, &error));
    helios_string_free(json);
    for (i = 0; i < 5; i++) {
        helios_consumer *consumer = NULL;
        OK(helios_client_start_consumer(client, "{\"streamName\": \"clicks\", \"untilCaughtUp\": false}", &consumer, &error));
        helios_client_free(client);
        helios_consumer_free(consumer);
        helios_client_free(open_in(argv[1], "second"));
        client = open_in(argv[1], "first");
    }
    OK(helios_client_consume(client, "{\"streamName\": \"clicks\"}", NULL, NULL, &json, &error));
    helios_string_free(json);
    expect_query(client, "SELECT count() AS n FROM clicks", "[{\"n\":2}]");
    helios_client_free(client);
    return 0;
}
