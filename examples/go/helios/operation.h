/* Operations that take their options as one JSON object, as values for Go. */
#include <helios.h>

typedef helios_status (*operation)(const helios_client *, const char *options, char **json, helios_error **error);

static inline helios_status run(operation run, const helios_client *client, const char *options, char **json,
                                helios_error **error) {
    return run(client, options, json, error);
}
