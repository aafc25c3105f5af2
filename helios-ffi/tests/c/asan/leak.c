/* A leak must be found, or the other tests prove nothing. Of one text alone a copy of its pointer may be left somewhere, in a register
 * or in memory that is used again, for which it counts as reachable. */
#include "../check.h"

int main(int argc, char **argv) {
    helios_client *client;
    int i;
    CHECK(argc == 2);
    client = open_client(argv[1]);
    for (i = 0; i < 32; i++) {
        char *json = NULL;
        OK(helios_client_query(client, "SELECT 1", NULL, &json, &error));
    }
    helios_client_free(client);
    return 0;
}
