/* A panic is an error, and the library goes on. */
#include "check.h"

#ifdef __cplusplus
extern "C"
#endif
/* Exported by test builds of the library only; no part of helios.h. */
helios_status helios_test_panic(helios_error **error);

int main(int argc, char **argv) {
    helios_client *client;
    int i;
    CHECK(argc == 2);
    client = open_client(argv[1]);
    for (i = 0; i < 3; i++) {
        FAILS(helios_test_panic(&error), HELIOS_STATUS_PANIC, "forced by a test");
        CHECK(helios_test_panic(NULL) == HELIOS_STATUS_PANIC);
        expect_query(client, "SELECT 1 AS x", "[{\"x\":1}]");
    }
    helios_client_free(client);
    return 0;
}
