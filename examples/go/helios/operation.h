/* Operations, as values for Go: those that take their options as one JSON object, and those that take none. */
#include <helios.h>

typedef helios_status (*operation)(const helios_client *, const char *options, char **json, helios_error **error);
typedef helios_status (*question)(const helios_client *, char **json, helios_error **error);

static inline helios_status run(operation run, const helios_client *client, const char *options, char **json,
                                helios_error **error) {
    return run(client, options, json, error);
}

static inline helios_status put(question question, const helios_client *client, char **json, helios_error **error) {
    return question(client, json, error);
}
