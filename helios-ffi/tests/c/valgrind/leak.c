/* A leak must be found, or the other tests prove nothing. Several, as in asan/leak.c. */
#include "../check.h"

int main(void) {
    helios_config *config = helios_config_new();
    int i;
    for (i = 0; i < 32; i++) {
        helios_error *error = NULL;
        CHECK(helios_config_set(config, "nonsense", "x", &error) == HELIOS_STATUS_CONFIG_INVALID);
    }
    helios_config_free(config);
    return 0;
}
