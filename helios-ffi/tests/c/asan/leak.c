/* A leak must be found, or the other tests prove nothing. */
#include "../check.h"

int main(int argc, char **argv) {
    helios_client *client;
    char *json = NULL;
    CHECK(argc == 2);
    client = open_client(argv[1]);
    OK(helios_client_query(client, "SELECT 1", NULL, &json, &error));
    json = NULL;
    helios_client_free(client);
    return 0;
}
