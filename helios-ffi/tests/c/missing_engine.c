/* HELIOS_CHDB_LIB names a file that is not there: the test sets it. */
#include "check.h"

int main(int argc, char **argv) {
    helios_config *config = helios_config_new();
    helios_client *client = NULL;
    CHECK(argc == 2);
    OK(helios_config_set(config, "data_path", argv[1], &error));
    FAILS(helios_client_new(config, &client, &error), HELIOS_STATUS_ENGINE_UNAVAILABLE, "HELIOS_CHDB_LIB");
    CHECK(client == NULL);
    helios_config_free(config);
    return 0;
}
