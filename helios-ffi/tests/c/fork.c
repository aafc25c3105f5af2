/* A child of a process that uses Helios gets an error at once. A child that is first to use it is fine. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* What hangs is killed, and that is a failure. */
enum { PATIENCE_SECONDS = 60 };

static void finish(pid_t child, const char *what) {
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) FAIL("%s: signal %d", what, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) FAIL("%s: exit status %d", what, WEXITSTATUS(status));
}

static void in_child_of_user(helios_client *client, struct ArrowArrayStream *stream) {
    helios_config *config = helios_config_new();
    helios_client *other = NULL;
    struct ArrowArrayStream another;
    struct ArrowArray array;
    char *json = NULL;
    const char *forked = "was forked from process";
    FAILS(helios_client_query(client, "SELECT 1", NULL, &json, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    FAILS(helios_client_query_arrow(client, "SELECT 1", NULL, &another, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    FAILS(helios_client_databases(client, &json, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    FAILS(helios_client_authenticate(client, &json, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    FAILS(helios_client_kinesis_sample(client, "x", NULL, NULL, NULL, &json, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    FAILS(helios_client_sources(client, &json, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    FAILS(helios_client_with_credentials(client, "{}", &other, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    FAILS(helios_client_new(config, &other, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    FAILS(helios_client_clone(client, &other, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    FAILS(helios_client_cancel(client, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    FAILS(helios_log_set(HELIOS_LOG_OFF, NULL, NULL, &error), HELIOS_STATUS_UNAVAILABLE, forked);
    CHECK(stream->get_next(stream, &array) != 0);
    CHECK(strstr(stream->get_last_error(stream), forked) != NULL);
    stream->release(stream);
    helios_client_free(client);
    helios_config_free(config);
    _exit(0);
}

static void in_first_user(const char *path) {
    helios_client *client = open_client(path);
    expect_query(client, "SELECT 1 AS x", "[{\"x\":1}]");
    helios_client_free(client);
    exit(0);
}

int main(int argc, char **argv) {
    struct ArrowArrayStream stream;
    helios_client *client;
    pid_t child;
    char path[4096];
    CHECK(argc == 2);

    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(PATIENCE_SECONDS);
        snprintf(path, sizeof path, "%s/child", argv[1]);
        in_first_user(path);
    }
    finish(child, "the child that is first");

    client = open_client(argv[1]);
    OK(helios_client_query_arrow(client, "SELECT number FROM numbers(1000000)", NULL, &stream, &error));
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(PATIENCE_SECONDS);
        in_child_of_user(client, &stream);
    }
    finish(child, "the child of a user");

    /* The parent has lost nothing by it. */
    expect_query(client, "SELECT 1 AS x", "[{\"x\":1}]");
    stream.release(&stream);
    helios_client_free(client);
    return 0;
}
