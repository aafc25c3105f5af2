/*
 * SQL in your process: a table, some rows, a question.
 *
 *     ./quickstart [FOLDER]     where the data are kept: helios-data if no folder is named
 */
#include <helios.h>

#include <stdio.h>
#include <stdlib.h>

/* Whatever fails ends the program, and says why. */
static void check(helios_status status, helios_error *error) {
    if (status == HELIOS_STATUS_OK) return;
    fprintf(stderr, "%s: %s\n", helios_error_kind(error), helios_error_message(error));
    helios_error_free(error);
    exit(EXIT_FAILURE);
}

/* The answer is a JSON text, and the caller's to free. */
static void run(const helios_client *client, const char *sql, const char *options_json) {
    helios_error *error = NULL;
    char *json = NULL;
    check(helios_client_query(client, sql, options_json, &json, &error), error);
    puts(json);
    helios_string_free(json);
}

int main(int argc, char **argv) {
    helios_error *error = NULL;
    helios_client *client = NULL;
    helios_config *config = helios_config_new();
    check(helios_config_set(config, "data_path", argc > 1 ? argv[1] : "helios-data", &error), error);
    check(helios_client_new(config, &client, &error), error);
    helios_config_free(config);

    run(client, "CREATE OR REPLACE TABLE visits (page String, seconds UInt32) ORDER BY page", NULL);
    run(client, "INSERT INTO visits VALUES ('/', 3), ('/docs', 40), ('/docs', 20)", NULL);
    run(client, "SELECT sum(seconds) AS seconds FROM visits WHERE page = {page:String}",
        "{\"parameters\": {\"page\": \"/docs\"}}");

    helios_client_free(client);
    return EXIT_SUCCESS;
}
