/* A leak must be found, or the other tests prove nothing. */
#include "../check.h"

int main(void) {
    helios_config *config = helios_config_new();
    helios_error *error = NULL;
    CHECK(helios_config_set(config, "nonsense", "x", &error) == HELIOS_STATUS_CONFIG_INVALID);
    error = NULL;
    helios_config_free(config);
    return 0;
}
