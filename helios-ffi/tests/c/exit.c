/* Nothing is freed and a query is under way: the process ends all the same, with its own status. */
#include "check.h"

#include <pthread.h>

static helios_client *client;

static void *work(void *argument) {
    char *json = NULL;
    (void)argument;
    helios_client_query(client, "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))", NULL, &json, NULL);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;
    char *json = NULL;
    int running = 0;
    CHECK(argc == 2);
    client = open_client(argv[1]);
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
    while (!running) {
        OK(helios_client_query(client, "SELECT count() AS n FROM system.processes WHERE query LIKE '%sipHash64(number)%'", NULL, &json, &error));
        running = strstr(json, "{\"n\":2}") != NULL;
        helios_string_free(json);
    }
    exit(7);
}
