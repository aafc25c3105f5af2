/* So must the use of what was freed. */
#include "../check.h"

int main(void) {
    helios_config *config = helios_config_new();
    helios_error *error = NULL;
    const char *message;
    CHECK(helios_config_set(config, "nonsense", "x", &error) == HELIOS_STATUS_CONFIG_INVALID);
    message = helios_error_message(error);
    helios_error_free(error);
    helios_config_free(config);
    return message[0] == 't' ? 2 : 3;
}
