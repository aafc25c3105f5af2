/* Streams: events put into one, sampled, delivered in the background and in this thread, watched, and ended in every way. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* What valgrind has found in this process so far. */
#ifdef UNDER_VALGRIND
#include <valgrind/valgrind.h>
#else
#define VALGRIND_COUNT_ERRORS 0
#endif

static helios_client *client;

/* The answer holds this text. */
#define ANSWERS(call, text)                                                        \
    do {                                                                           \
        char *json = NULL;                                                         \
        OK(call);                                                                  \
        if (strstr(json, (text)) == NULL) FAIL("%s: no %s in %s", #call, (text), json); \
        helios_string_free(json);                                                  \
    } while (0)

static void put(const char *page) {
    char options[128];
    snprintf(options, sizeof options, "{\"streamName\": \"clicks\", \"events\": [{\"page\": \"%s\"}]}", page);
    ANSWERS(helios_client_put_events(client, options, &json, &error), "\"events\":1");
}

/* What a callback is told, and how often it goes on. */
struct told {
    int times, goes_on;
};

static int count(void *user, const char *progress_json) {
    struct told *told = (struct told *)user;
    CHECK(strstr(progress_json, "\"shards\":") != NULL);
    /* It may use the client. */
    expect_query(client, "SELECT 1 AS x", "[{\"x\":1}]");
    return ++told->times > told->goes_on;
}

static void callbacks_that_stop(void) {
    static const char oldest[] = "{\"position\": \"oldest\", \"maxEvents\": 100, \"timeLimitSeconds\": 60}";
    struct told told = {0, 0};
    /* Before anything is read. */
    ANSWERS(helios_client_kinesis_sample(client, "clicks", oldest, count, &told, &json, &error), "\"endedBy\":\"no_records\"");
    CHECK(told.times == 1);
    told.goes_on = 1000;
    ANSWERS(helios_client_kinesis_sample(client, "clicks", oldest, count, &told, &json, &error), "\"eventsRead\":2");

    told.times = told.goes_on = 0;
    ANSWERS(helios_client_consume(client, "{\"streamName\": \"clicks\", \"untilCaughtUp\": false}", count, &told, &json, &error),
            "\"ended\":\"stopped\"");
    CHECK(told.times == 1);
}

static helios_consumer *start(const char *options) {
    helios_consumer *consumer = NULL;
    OK(helios_client_start_consumer(client, options, &consumer, &error));
    return consumer;
}

static void until_caught_up(void) {
    helios_consumer *consumer = start("{\"streamName\": \"clicks\"}");
    ANSWERS(helios_consumer_wait(consumer, -1, &json, &error), "\"ended\":\"caughtUp\"");
    /* As often as one likes. */
    ANSWERS(helios_consumer_wait(consumer, 0, &json, &error), "\"ended\":\"caughtUp\"");
    ANSWERS(helios_consumer_progress(consumer, &json, &error), "\"shards\":[{");
    helios_consumer_free(consumer);
    expect_query(client, "SELECT count() AS n FROM clicks WHERE page IN ('/', '/docs')", "[{\"n\":2}]");
}

static void until_it_is_stopped(void) {
    char *json = NULL;
    int delivered = 0;
    helios_consumer *consumer = start("{\"streamName\": \"clicks\", \"untilCaughtUp\": false}");
    FAILS(helios_consumer_wait(consumer, 0, &json, &error), HELIOS_STATUS_TIMEOUT, "it goes on");
    FAILS(helios_consumer_wait(consumer, strtod("nan", NULL), &json, &error), HELIOS_STATUS_INVALID_INPUT, "not a number");
    put("/late");
    while (!delivered) {
        OK(helios_client_query(client, "SELECT count() AS n FROM clicks WHERE page = '/late'", NULL, &json, &error));
        delivered = strstr(json, "{\"n\":1}") != NULL;
        helios_string_free(json);
    }
    OK(helios_consumer_stop(consumer, &error));
    OK(helios_consumer_stop(consumer, &error));
    ANSWERS(helios_consumer_wait(consumer, 1e300, &json, &error), "\"ended\":\"stopped\"");
    ANSWERS(helios_consumer_progress(consumer, &json, &error), "\"delivered\":1");
    helios_consumer_free(consumer);
}

static void *wait_for(void *consumer) {
    char *json = NULL;
    FAILS(helios_consumer_wait((const helios_consumer *)consumer, -1, &json, &error), HELIOS_STATUS_CANCELLED, "was freed");
    return NULL;
}

/* Also while somebody waits for it. */
static void freed_before_its_end(void) {
    helios_consumer *consumer = start("{\"streamName\": \"clicks\", \"untilCaughtUp\": false}");
    char *json = NULL;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_for, consumer) == 0);
    FAILS(helios_consumer_wait(consumer, 0.1, &json, &error), HELIOS_STATUS_TIMEOUT, "");
    helios_consumer_free(consumer);
    CHECK(pthread_join(thread, NULL) == 0);
    FAILS(helios_consumer_stop(consumer, &error), HELIOS_STATUS_INVALID_HANDLE, "`consumer` is no `helios_consumer`");
    helios_consumer_free(consumer);
    /* The next one finds all as it was. */
    ANSWERS(helios_client_consume(client, "{\"streamName\": \"clicks\"}", NULL, NULL, &json, &error), "\"ended\":\"caughtUp\"");
    expect_query(client, "SELECT count() AS n FROM clicks", "[{\"n\":3}]");
}

static void what_cannot_begin(void) {
    helios_consumer *consumer = NULL;
    FAILS(helios_client_start_consumer(client, "{\"streamName\": \"nowhere\"}", &consumer, &error), HELIOS_STATUS_NOT_FOUND, "nowhere");
    FAILS(helios_client_start_consumer(client, "{}", &consumer, &error), HELIOS_STATUS_INVALID_INPUT, "missing field `streamName`");
    CHECK(consumer == NULL);
}

/* In the child of a fork it fails at once, and freeing it does nothing. */
static void in_a_fork(void) {
    helios_consumer *consumer = start("{\"streamName\": \"clicks\", \"untilCaughtUp\": false}");
    const char *forked = "was forked from process";
    char *json = NULL;
    int status = 0;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60);
        FAILS(helios_consumer_progress(consumer, &json, &error), HELIOS_STATUS_UNAVAILABLE, forked);
        FAILS(helios_consumer_stop(consumer, &error), HELIOS_STATUS_UNAVAILABLE, forked);
        FAILS(helios_consumer_wait(consumer, -1, &json, &error), HELIOS_STATUS_UNAVAILABLE, forked);
        helios_consumer_free(consumer);
        /* Not by exiting: what the lost threads owned is no leak. All else that valgrind finds is an error. */
        CHECK(VALGRIND_COUNT_ERRORS == 0);
        execlp("true", "true", (char *)NULL);
        FAIL("no `true`");
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(helios_consumer_stop(consumer, &error));
    ANSWERS(helios_consumer_wait(consumer, -1, &json, &error), "\"ended\":\"stopped\"");
    helios_consumer_free(consumer);
}

/* A consumer needs no client of its own. */
static void without_its_client(void) {
    helios_client *other = NULL;
    helios_consumer *consumer = NULL;
    OK(helios_client_clone(client, &other, &error));
    OK(helios_client_start_consumer(other, "{\"streamName\": \"clicks\", \"untilCaughtUp\": false}", &consumer, &error));
    OK(helios_client_cancel(other, &error));
    helios_client_free(other);
    OK(helios_consumer_stop(consumer, &error));
    ANSWERS(helios_consumer_wait(consumer, -1, &json, &error), "\"ended\":\"stopped\"");
    helios_consumer_free(consumer);
}

int main(void) {
    client = client_of_environment();
    create_clicks(client);
    until_caught_up();
    callbacks_that_stop();
    until_it_is_stopped();
    freed_before_its_end();
    what_cannot_begin();
    in_a_fork();
    without_its_client();
    helios_client_free(client);
    return 0;
}
