/* So must the use of what was freed. */
#include "../check.h"

int main(int argc, char **argv) {
    helios_client *client;
    char *json = NULL;
    CHECK(argc == 2);
    client = open_client(argv[1]);
    OK(helios_client_query(client, "SELECT 1", NULL, &json, &error));
    helios_string_free(json);
    return json[0] == '{' ? 2 : 3;
}
