/* A panic is an error, and the library goes on. */
#include "check.h"

#ifdef __cplusplus
extern "C"
#endif
/* Exported by test builds of the library only; no part of helios.h. The next call of this thread panics. */
void helios_test_panic_next(void);

static helios_status panic(const helios_client *client, helios_error **error) {
    char *json = NULL;
    helios_status status;
    helios_test_panic_next();
    status = helios_client_query(client, "SELECT 1", NULL, &json, error);
    CHECK(json == NULL);
    return status;
}

int main(int argc, char **argv) {
    helios_client *client;
    int i;
    CHECK(argc == 2);
    client = open_client(argv[1]);
    for (i = 0; i < 3; i++) {
        FAILS(panic(client, &error), HELIOS_STATUS_PANIC, "forced by a test");
        CHECK(panic(client, NULL) == HELIOS_STATUS_PANIC);
        expect_query(client, "SELECT 1 AS x", "[{\"x\":1}]");
    }
    helios_client_free(client);
    return 0;
}
