/* Opened by hand and closed again: the code stays, with the threads that run in it. Linked without the library. */
#include "check.h"

#include <dlfcn.h>

int main(int argc, char **argv) {
    void *library;
    helios_config *(*new_config)(void);
    helios_status (*set)(helios_config *, const char *, const char *, helios_error **);
    helios_status (*new_client)(const helios_config *, helios_client **, helios_error **);
    helios_config *config;
    helios_client *client = NULL;
    CHECK(argc == 3);
    library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) FAIL("%s", dlerror());
    /* As POSIX has it: a pointer to data is no pointer to a function. */
    *(void **)(&new_config) = dlsym(library, "helios_config_new");
    *(void **)(&set) = dlsym(library, "helios_config_set");
    *(void **)(&new_client) = dlsym(library, "helios_client_new");
    CHECK(new_config != NULL && set != NULL && new_client != NULL);
    config = new_config();
    CHECK(set(config, "data_path", argv[1], NULL) == HELIOS_STATUS_OK);
    CHECK(new_client(config, &client, NULL) == HELIOS_STATUS_OK);
    CHECK(dlclose(library) == 0);
    return 0;
}
