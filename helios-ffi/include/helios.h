/*
 * Helios for C: Amazon Kinesis streams as ClickHouse tables.
 *
 * Made by cbindgen from helios-ffi/src; `HELIOS_BLESS=1 cargo test -p helios-ffi --test header` makes it anew.
 *
 * CALLS. Names begin with `helios_`, then the thing they act on. Arguments: that thing, inputs, outputs, and last
 * `helios_error **error`. What may fail returns a `helios_status`, 0 for success. Outputs are written on success only.
 *
 * ERRORS. On failure a new error is written to `*error`, to be freed by `helios_error_free`; on success `*error` is left
 * as it is. `error` may be NULL: then the status is all there is.
 *
 * NULL. No pointer may be NULL unless its function says so: HELIOS_STATUS_NULL_ARGUMENT. Every `_free` takes NULL. A
 * pointer that is not NULL must be good: a text that ends with NUL, room for the output.
 *
 * HANDLES. `helios_client *`, `helios_config *` and `helios_consumer *` are numbers in the form of pointers: they point to
 * nothing. So a handle that was freed, or is one of another type, is refused with HELIOS_STATUS_INVALID_HANDLE, freeing one
 * twice does nothing, and one may be freed while another thread uses it. Leak checkers do not see one that is never freed.
 *
 * MEMORY. What a call gives is the caller's, and freed once, by the function of its type, never by `free`:
 *
 *     helios_config *, helios_client *, helios_consumer *    helios_config_free, helios_client_free, helios_consumer_free
 *     helios_error *                                         helios_error_free
 *     char *, written to a `char **`                         helios_string_free
 *     struct ArrowArrayStream, what it gives                 its own `release`
 *     const char *                                           not freed: it belongs to the thing asked, and lives as long
 *
 * They may be freed in any order. Errors and texts are memory: freeing one twice is undefined, as with `free`. What a call is
 * given stays the caller's; nothing of it is used after the call, but for the function and `user` of `helios_log_set`.
 *
 * TEXTS. UTF-8 and NUL-terminated, in both directions: HELIOS_STATUS_INVALID_UTF8; of 1 GiB at most:
 * HELIOS_STATUS_LIMIT_EXCEEDED. `*_json` arguments are one JSON object in a text; keys that are none are refused by name.
 *
 * THREADS. Any number of threads may use one client, config or consumer at the same time. An error and an Arrow stream are for
 * one thread at a time. Calls block until they are done; `helios_client_cancel` ends them from another thread. The library has
 * threads of its own, installs no signal handler, and stays loaded until the process ends, also after `dlclose`.
 *
 * CALLBACKS run on the thread that called, during that call, and may call Helios; that of `helios_log_set` runs on any thread,
 * and may not. They must return: no `longjmp`, no exception of C++.
 *
 * FORK. Threads do not survive a fork. In a child of a process that has used Helios, calls on clients and consumers
 * fail at once with HELIOS_STATUS_UNAVAILABLE, and freeing one does nothing. End such a child with `_exit` or `exec`. A process that
 * forks first and uses Helios then is fine.
 */

#ifndef HELIOS_H
#define HELIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELIOS_VERSION_MAJOR 0
#define HELIOS_VERSION_MINOR 1
#define HELIOS_VERSION_PATCH 0
#define HELIOS_VERSION "0.1.0"
/* The Arrow C data and stream interfaces, as https://arrow.apache.org/docs/format/CDataInterface.html gives them. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

#ifdef __cplusplus
extern "C" {
#endif

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#ifdef __cplusplus
}
#endif

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

#ifdef __cplusplus
extern "C" {
#endif

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#ifdef __cplusplus
}
#endif

#endif /* ARROW_C_STREAM_INTERFACE */


/**
 * What a call answers: 0 for success, else what sort of thing went wrong.
 *
 * A number is never given another meaning. Later versions may add numbers: treat one you do not know as
 * `HELIOS_STATUS_UNEXPECTED`.
 */
enum helios_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It worked.
     */
    HELIOS_STATUS_OK = 0,
    /**
     * A setting is missing, unknown or contradicts another.
     */
    HELIOS_STATUS_CONFIG_INVALID = 1,
    /**
     * An argument is malformed: a name, a schema, a position, an option.
     */
    HELIOS_STATUS_INVALID_INPUT = 2,
    /**
     * ClickHouse refused the SQL text.
     */
    HELIOS_STATUS_INVALID_QUERY = 3,
    /**
     * No credentials, or credentials that were not accepted.
     */
    HELIOS_STATUS_UNAUTHENTICATED = 4,
    /**
     * The credentials are good, the permission is missing.
     */
    HELIOS_STATUS_PERMISSION_DENIED = 5,
    /**
     * A stream, table, database or function that does not exist.
     */
    HELIOS_STATUS_NOT_FOUND = 6,
    /**
     * Something of that name exists already.
     */
    HELIOS_STATUS_ALREADY_EXISTS = 7,
    /**
     * What exists differs from what was asked for, or another operation is under way.
     */
    HELIOS_STATUS_CONFLICT = 8,
    /**
     * A limit was passed: size, rows, memory, quota.
     */
    HELIOS_STATUS_LIMIT_EXCEEDED = 9,
    /**
     * It took longer than allowed. Whether it took effect is unknown.
     */
    HELIOS_STATUS_TIMEOUT = 10,
    /**
     * The other side cannot be reached or is not ready. Also: this process is a fork (see above).
     */
    HELIOS_STATUS_UNAVAILABLE = 11,
    /**
     * The embedded engine cannot be opened.
     */
    HELIOS_STATUS_ENGINE_UNAVAILABLE = 12,
    /**
     * The query or the call was cancelled.
     */
    HELIOS_STATUS_CANCELLED = 13,
    /**
     * None of the above: a defect in Helios or an answer nobody expected.
     */
    HELIOS_STATUS_UNEXPECTED = 14,
    /**
     * A pointer that must not be NULL is NULL.
     */
    HELIOS_STATUS_NULL_ARGUMENT = 100,
    /**
     * A text is not UTF-8.
     */
    HELIOS_STATUS_INVALID_UTF8 = 101,
    /**
     * A defect in Helios: it panicked. The handles of the call may be freed; do not use them otherwise.
     */
    HELIOS_STATUS_PANIC = 102,
    /**
     * A handle that was freed, or is one of another type, or is none.
     */
    HELIOS_STATUS_INVALID_HANDLE = 103,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum helios_status helios_status;
#else
typedef uint32_t helios_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * All of Helios. Any number of threads may use one client at the same time.
 */
typedef struct helios_client helios_client;

/**
 * Settings. Any number of threads may use one at the same time.
 */
typedef struct helios_config helios_config;

/**
 * A stream that is delivered in the background. Any number of threads may use one at the same time.
 */
typedef struct helios_consumer helios_consumer;

/**
 * Why a call failed: what happened, to which thing, and what to do next. Holds no secret.
 *
 * Free it with `helios_error_free`. The texts it gives live as long as it does.
 */
typedef struct helios_error helios_error;

/**
 * A place in the SQL text of a query.
 */
typedef struct {
    /**
     * In bytes from the beginning of the text, from 0.
     */
    size_t offset;
    /**
     * The line, from 1.
     */
    size_t line;
    /**
     * The character in its line, from 1.
     */
    size_t column;
} helios_sql_position;

/**
 * How bad it is that something is logged: one of `HELIOS_LOG_…`.
 */
typedef uint32_t helios_log_level;

/**
 * What is given what Helios logs: the pointer that was given to `helios_log_set`, how bad it is, where in Helios, such as
 * `"helios_core::delivery::worker"`, and what happened, in one line without a line break. Both texts live until it returns,
 * and hold no secret.
 *
 * It is called on any thread, also on threads of Helios, one call at a time; who logs waits for it. It must not call Helios,
 * but for the functions of errors and texts, nor wait for a thread that does, and must return.
 */
typedef void (*helios_on_log)(void *user,
                              helios_log_level level,
                              const char *target,
                              const char *message);

/**
 * What a call gives its bytes to: the pointer that was given to the call, and the next bytes of a result, which live until
 * it returns. 0: go on. Anything else: stop.
 *
 * As for `helios_on_progress`, it is called on the thread that waits, may itself call Helios, and must return.
 */
typedef int (*helios_on_bytes)(void *user, const uint8_t *bytes, size_t length);

/**
 * What a call tells on the way: the pointer that was given to the call, and all that was done so far as JSON, which lives
 * until it returns. 0: go on. Anything else: stop.
 *
 * It is called on the thread that waits, and may itself call Helios. It must return: no `longjmp`, no exception of C++.
 */
typedef int (*helios_on_progress)(void *user, const char *progress_json);

/**
 * What a call gives the rows of a result to: the pointer that was given to the call, and one row as a JSON object, which ends
 * with NUL, has this length without it, and lives until it returns. 0: go on. Anything else: stop.
 *
 * As for `helios_on_progress`, it is called on the thread that waits, may itself call Helios, and must return.
 */
typedef int (*helios_on_row)(void *user, const char *row_json, size_t length);

/**
 * Nothing is logged.
 */
#define HELIOS_LOG_OFF 0

/**
 * Something failed that nobody waits for, or that needs a person.
 */
#define HELIOS_LOG_ERROR 1

/**
 * Something is not as it should be; Helios goes on.
 */
#define HELIOS_LOG_WARN 2

/**
 * What a person wants to know who watches: that something began, or ended.
 */
#define HELIOS_LOG_INFO 3

/**
 * What helps to find a defect.
 */
#define HELIOS_LOG_DEBUG 4

/**
 * Each step.
 */
#define HELIOS_LOG_TRACE 5

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library, `"0.1.0"`; that of the header is `HELIOS_VERSION`. Not to be freed.
 */
const char *helios_version(void);

/**
 * What sort of thing went wrong: the status that the call answered. `HELIOS_STATUS_OK` for NULL.
 */
helios_status helios_error_status(const helios_error *error);

/**
 * The status by name, the same name in every language: `"not_found"`. `"ok"` for NULL.
 */
const char *helios_error_kind(const helios_error *error);

/**
 * What a person reads: what happened, to which thing. Ends with NUL and holds no other (U+FFFD stands for one). Empty
 * for NULL.
 */
const char *helios_error_message(const helios_error *error);

/**
 * The length of the message in bytes, without the NUL at its end.
 */
size_t helios_error_message_length(const helios_error *error);

/**
 * The operation that failed: `"query"`. Empty if it failed outside of one, and for NULL.
 */
const char *helios_error_operation(const helios_error *error);

/**
 * Whether the same call may succeed later, unchanged.
 */
bool helios_error_is_retryable(const helios_error *error);

/**
 * ClickHouse's error number, such as 60 for an unknown table; 0 if the error is none of ClickHouse's.
 */
uint32_t helios_error_server_code(const helios_error *error);

/**
 * ClickHouse's own name of the error, such as `"UNKNOWN_TABLE"`; NULL if it gave none.
 */
const char *helios_error_server_error_name(const helios_error *error);

/**
 * Where in the SQL text the error is. `false`, and `position` as it was, if that is not known; it is of errors of syntax.
 */
bool helios_error_position(const helios_error *error,
                           helios_sql_position *position);

/**
 * AWS's error code, such as `"ResourceNotFoundException"`; NULL if the error is none of AWS's.
 */
const char *helios_error_aws_code(const helios_error *error);

/**
 * Frees an error. NULL is fine.
 */
void helios_error_free(helios_error *error);

/**
 * Frees a text that a call wrote to a `char **`. NULL is fine.
 */
void helios_string_free(char *text);

/**
 * Has `on_log` told what Helios logs, from `level` on and all that is worse, in place of who was told before. `on_log` may be
 * NULL: nobody, as at first, and as with HELIOS_LOG_OFF. When this has returned, the function before is not called any more.
 *
 * It is for the whole process. `user` is passed on to `on_log` as it is.
 */
helios_status helios_log_set(helios_log_level level,
                             helios_on_log on_log,
                             void *user,
                             helios_error **error);

/**
 * Settings that are all at their defaults: the embedded engine in the folder `helios-data`, and for AWS what its SDKs
 * find. To be freed by `helios_config_free`. NULL if there are millions already.
 */
helios_config *helios_config_new(void);

/**
 * Takes all settings from the environment, in place of those set before: `HELIOS_CLICKHOUSE_URL` is the setting
 * `clickhouse_url`, and so on. No other thread may change the environment meanwhile.
 */
helios_status helios_config_read_env(helios_config *config,
                                     helios_error **error);

/**
 * Sets one setting. The keys: `clickhouse_url`, `clickhouse_user`, `clickhouse_password`, `clickhouse_database`,
 * `clickhouse_compression` (`lz4`, `zstd` or `none`), `data_path`, `chdb_lib`, `aws_region`, `aws_endpoint_url`, `aws_access_key_id`, `aws_secret_access_key`,
 * `aws_session_token`, `aws_profile`, `aws_role_arn`, `aws_external_id`, `mapping_table`, `ledger_table`,
 * `delivery_function`.
 *
 * `HELIOS_STATUS_CONFIG_INVALID` for a key that is none, naming the nearest one. Whether the settings are right, and
 * agree with each other, is checked by `helios_client_new`.
 */
helios_status helios_config_set(helios_config *config,
                                const char *key,
                                const char *value,
                                helios_error **error);

/**
 * Frees settings. NULL is fine. The clients made from them keep their own copy.
 */
void helios_config_free(helios_config *config);

/**
 * Makes a client with these settings, to be freed by `helios_client_free`. Opens the embedded engine (up to half a
 * second) unless `clickhouse_url` is set; connects to nothing else yet.
 *
 * A process has one engine at a time: clients of the same `data_path` share it, another path can be opened when they
 * all are freed. `HELIOS_STATUS_CONFIG_INVALID` for settings that are wrong or contradict each other,
 * `HELIOS_STATUS_ENGINE_UNAVAILABLE` if the engine cannot be opened.
 */
helios_status helios_client_new(const helios_config *config,
                                helios_client **client,
                                helios_error **error);

/**
 * Makes another client that speaks to AWS as somebody else and shares all connections. Both are to be freed, in any order.
 *
 * `credentials_json`: `{"accessKey", "secretKey", "sessionToken", "region", "roleArn", "externalId", "profile"}`, none
 * of them required: keys, or a profile, or else what the AWS SDKs find; in a role if one is named.
 */
helios_status helios_client_with_credentials(const helios_client *client,
                                             const char *credentials_json,
                                             helios_client **other,
                                             helios_error **error);

/**
 * Makes another client that is the same in everything and shares all connections, at almost no cost: one whose calls can be
 * cancelled without those of the first. Both are to be freed, in any order.
 */
helios_status helios_client_clone(const helios_client *client,
                                  helios_client **other,
                                  helios_error **error);

/**
 * Ends every call on this client that is under way on other threads, and every one to come, with HELIOS_STATUS_CANCELLED:
 * whatever they do, and also reading the streams it gave. It returns at once. Other clients go on, also those that were made of
 * this one: `helios_client_clone` one for what shall be cancelled by itself. Consumers have a stop of their own.
 *
 * A query is ended in ClickHouse too, a moment later. What makes or changes something is broken off as by the end of the process: nothing is
 * lost or doubled by it, and `helios_client_repair` finishes or undoes the rest. A callback is waited for.
 */
helios_status helios_client_cancel(const helios_client *client,
                                   helios_error **error);

/**
 * Frees a client. NULL is fine. Calls on it that are under way go on to their end; streams and consumers it gave stay good.
 * With the last client of an embedded engine, and the last stream, call and consumer, the engine is closed, which takes some
 * milliseconds.
 *
 * In a fork of the process that made the client it does nothing.
 */
void helios_client_free(helios_client *client);

/**
 * Which ClickHouse the client runs on: `{"version", "origin"}`. `origin` says what the embedded engine is and where it was loaded
 * from; it is `null` for a server.
 */
helios_status helios_client_engine(const helios_client *client,
                                   char **json,
                                   helios_error **error);

/**
 * Every database with its tables, sorted: `{"default": ["events", "users"]}`.
 */
helios_status helios_client_databases(const helios_client *client,
                                      char **json,
                                      helios_error **error);

/**
 * Runs one SQL statement and gives its whole result:
 * `{"metadata": {"query", "row_count", "column_names", "column_types"}, "data": [{column: value}]}`.
 *
 * `options_json`, or NULL: `{"parameters": {name: value}, "database", "readOnly", "maxExecutionSeconds",
 * "maxResultRows", "maxResultBytes", "maxMemoryUsage", "limit", "quote64BitIntegers", "times": "iso" | "simple" |
 * "unixTimestamp", "wideIntegers": "text" | "decimal", "queryId"}`, none of them required. Values of `parameters`, texts or
 * numbers, take the place of `{name:Type}` in the text, and never become SQL. `limit` gives the first so many rows; more
 * than a `max…` is HELIOS_STATUS_LIMIT_EXCEEDED. `queryId` is the name by which another thread can cancel and watch it.
 * For large results see `helios_client_query_bytes` and `helios_client_query_arrow`.
 */
helios_status helios_client_query(const helios_client *client,
                                  const char *sql,
                                  const char *options_json,
                                  char **json,
                                  helios_error **error);

/**
 * Runs one SQL statement and hands its result to `on_bytes`, piece by piece, in constant memory: the next piece is asked for
 * when the function has returned, and a slow one slows the query.
 *
 * `format`: `"json"` (as `helios_client_query`), `"ndjson"` (one JSON object a line), `"csv"` (RFC 4180, the names first),
 * `"arrow"` (an IPC stream) or `"parquet"`. `options_json`, or NULL, as for `helios_client_query`. `on_progress` may be NULL; it is
 * called about four times a second with `{"queryId", "readRows", "readBytes", "totalRows", "elapsedSeconds",
 * "memoryUsage"}`. `user` is passed on to both.
 *
 * Only with HELIOS_STATUS_OK is what `on_bytes` was given a whole result. If a function does not want to go on, the query is
 * cancelled, and the call answers HELIOS_STATUS_CANCELLED.
 */
helios_status helios_client_query_bytes(const helios_client *client,
                                        const char *sql,
                                        const char *options_json,
                                        const char *format,
                                        helios_on_bytes on_bytes,
                                        helios_on_progress on_progress,
                                        void *user,
                                        helios_error **error);

/**
 * Runs one SQL statement and hands its result to `on_row`, row by row, in constant memory: each is a JSON object
 * `{column: value}`, as `helios_client_query` has it. A slow function slows the query.
 *
 * `options_json`, or NULL, as for `helios_client_query`; `on_progress` may be NULL, and is as for `helios_client_query_bytes`.
 * Only with HELIOS_STATUS_OK were those all rows. If a function does not want to go on, the query is cancelled, and the call
 * answers HELIOS_STATUS_CANCELLED.
 */
helios_status helios_client_query_rows(const helios_client *client,
                                       const char *sql,
                                       const char *options_json,
                                       helios_on_row on_row,
                                       helios_on_progress on_progress,
                                       void *user,
                                       helios_error **error);

/**
 * Ends the query of this name, if it runs, whichever client of this ClickHouse began it: `{"queryId", "found"}`. Whoever
 * waits for its result gets HELIOS_STATUS_CANCELLED.
 *
 * `options_json`: `{"queryId"}`. That there is no such query is no error. May be called from any thread.
 */
helios_status helios_client_cancel_query(const helios_client *client,
                                         const char *options_json,
                                         char **json,
                                         helios_error **error);

/**
 * How far the query of this name is: `{"queryId", "readRows", "readBytes", "totalRows", "elapsedSeconds", "memoryUsage"}`,
 * or `null` if none runs. `totalRows` is an estimate, `null` where ClickHouse has none.
 *
 * `options_json`: `{"queryId"}`. May be called from any thread.
 */
helios_status helios_client_query_progress(const helios_client *client,
                                           const char *options_json,
                                           char **json,
                                           helios_error **error);

/**
 * Runs one SQL statement and gives its result as a stream of Arrow record batches, read as fast as `get_next` is called,
 * in constant memory. Types are ClickHouse's; the name of each stands in its field's metadata as `clickhouse.type`.
 *
 * `options_json`, or NULL, as for `helios_client_query`. What `stream` holds is overwritten, so it must not be a stream that is not
 * released. Release it when done, also before its end: that cancels the query. A query that fails midway makes
 * `get_next` fail, now and ever after, with the reason in `get_last_error`; only a whole result has an end. A stream
 * is for one thread at a time, and stays good when the client is freed.
 */
helios_status helios_client_query_arrow(const helios_client *client,
                                        const char *sql,
                                        const char *options_json,
                                        struct ArrowArrayStream *stream,
                                        helios_error **error);

/**
 * Checks the client's AWS credentials and lists the streams they see:
 * `{"authenticated": true, "streamNames": […], "account", "arn"}`.
 */
helios_status helios_client_authenticate(const helios_client *client,
                                         char **json,
                                         helios_error **error);

/**
 * Lists every stream that the credentials see in their region, by name:
 * `[{"streamName", "streamARN", "status", "mode", "createdAt"}]`.
 */
helios_status helios_client_streams(const helios_client *client, char **json, helios_error **error);

/**
 * Puts events into a stream: `{"streamName", "events", "bytes", "throttled"}`. Nothing is put unless each of them can be; what a
 * busy stream does not take at once is put again.
 *
 * `options_json`: `{"streamName": "clicks", "events": [{…}, …], "partitionKey": "/user/id", "firstEvent": 0}`: the field that
 * is the partition key, by default random ones, and the number that errors give the first event, for who puts many events part by
 * part. If an error comes when some events are in the stream, its text says which are not.
 */
helios_status helios_client_put_events(const helios_client *client,
                                       const char *options_json,
                                       char **json,
                                       helios_error **error);

/**
 * Reads a few events of a stream and infers the schema that fits them all:
 * `{"sampleEvent": {…}, "inferredSchema": [{"name", "type"}], "samples": […], "columns": [{"name", "type", "why", …}],
 * "proposal": {"orderBy", "partitionBy", …}, "createTableQuery", "eventsRead", "unreadable", "endedBy", "notes"}`.
 *
 * `options_json`, or NULL: `{"maxEvents": 100, "position": "now" | "oldest" | an ISO 8601 time, "until": an ISO 8601 time,
 * "timeLimitSeconds": 10,
 * "inference": {"integers": "wide" | "narrow", "decimals": "float" | "decimal",
 * "nullable": "whereMissing" | "never" | "always", "objects": "auto" | "flatten" | "json" | "text", "lowCardinality":
 * true}}`, none of them required.
 * `on_progress` may be NULL. It is called with `{"events", "unreadable", "bytes", "shards", "reads"}` when the shards are
 * known, after each round through them, and four times a second; `user` is passed on to it as it is. If it says stop, what
 * was found by then is the sample.
 */
helios_status helios_client_kinesis_sample(const helios_client *client,
                                           const char *stream,
                                           const char *options_json,
                                           helios_on_progress on_progress,
                                           void *user,
                                           char **json,
                                           helios_error **error);

/**
 * Says which events a table with some columns would not take, and why, and what statement would make it. Nothing is made:
 * `{"schema": [{"name", "type", …}], "events", "fitting", "rejected", "rejects": [{"event", "errorType", "message", "column",
 * "path", "wanted", "value"}], "unknownFields": {…}, "createTableQuery"}`.
 *
 * `options_json`: `{"streamName"}` to sample a stream or `{"events": [{…}, …]}`, and if wanted `"schema"` (by default the
 * one that is inferred), `"edits"`, each one of `{"rename": {"column", "to"}}`, `{"retype": {"column", "type"}}`,
 * `{"unit": {"column", "value"}}`,
 * `{"default": {"column", "value"}}`, `{"drop": {"column"}}`, `{"add": {"column": {"name", "type", …}}}`; `"tableName"`,
 * `"databaseName"`, `"orderBy"`, `"partitionBy"`, `"unknownFields"`, `"missingFields"` as of
 * `helios_client_create_table`, and `"sample"`, the options of `helios_client_kinesis_sample`.
 */
helios_status helios_client_check_schema(const helios_client *client,
                                         const char *options_json,
                                         char **json,
                                         helios_error **error);

/**
 * Compares a table with later events of the stream that fills it: `{"streamARN", "databaseName", "tableName", "events",
 * "fitting", "rejected", "rejects": […], "newFields": [{"field", "column", "events", "why", "examples"}], "changed":
 * [{"column", "type", "events", "errorType", "message", "path", "proposed", "why"}], "unsent": […], "alter"}`, the last the
 * statement that mends what can be mended, or null. Nothing is changed.
 *
 * `options_json`: `{"tableName"}`, and if wanted `"databaseName"`, `"streamName"`, which is needed where several streams feed
 * the table, `"events"` in place of a sample, and `"sample"`, the options of `helios_client_kinesis_sample`.
 */
helios_status helios_client_schema_drift(const helios_client *client,
                                         const char *options_json,
                                         char **json,
                                         helios_error **error);

/**
 * Says what helios_client_create_table would do with the same request, and what would keep it from that. Nothing is made:
 * `{"possible", "obstacles": […], "steps": [{"what", "action": "create" | "use", "detail"}], "createTableQuery", "streamARN",
 * "shards", "batching": {"batchSize", "windowSeconds"}, "deduplicationWindow", "sample": {…}, "permissions": [{"check",
 * "status", "detail", "remedy"}], "warnings": […]}`; `sample` as the answer of helios_client_check_schema.
 *
 * `options_json`: as for helios_client_create_table, and if wanted `"sample"`, the options of helios_client_kinesis_sample.
 */
helios_status helios_client_plan(const helios_client *client,
                                 const char *options_json,
                                 char **json,
                                 helios_error **error);

/**
 * Makes a table and lets a stream fill it, all or nothing:
 * `{"success": true, "createTableQuery", "message", "tableUUID", "streamARN", "sourceId", "warnings": […]}`. The same request
 * again has the same answer.
 *
 * `options_json`: `{"streamName", "tableName", "schema": [{"name", "type"}]}`, and if wanted `"databaseName"`, `"createDatabase"`,
 * `"existingTable"` (`"allow"`, `"refuse"`), `"addBatchColumn"` (`true`: adds the column `_helios_batch` to an existing table that
 * does not have it, with an `ALTER` that the plan shows); of the table `"orderBy"`, `"partitionBy"`, `"ttl"` (`"at + INTERVAL 90 DAY"`),
 * `"engine"`, `"onCluster"`, `"provenance"`; `"startPosition"`, `"delivery"` (`"function"`, or `"consumer"`: no trigger is made);
 * of the trigger `"batchSize"`, `"batchingWindowSeconds"`, `"onFailure"` (an ARN); `"unknownFields"` (`"ignore"`,
 * `"quarantine"`, `"addColumn"`), `"missingFields"` (`"reject"`, `"zeroValue"`).
 */
helios_status helios_client_create_table(const helios_client *client,
                                         const char *spec_json,
                                         char **json,
                                         helios_error **error);

/**
 * Every source as it stands, in the order of creation; of each
 * `{"id", "streamName", "streamType": "kinesis", "tableName", "createdOn": "MM-DD-YYYY", "databaseName", "streamARN", "tableUUID",
 * "state": "pending" | "active" | "paused" | "failing" | "orphaned" | "removing", "delivery", "createdBy", "trigger": {"id",
 * "state", "lastResult", "batchSize", "windowSeconds"}, "delivered": {"received", "inserted", "quarantined",
 * "troubledShards", "lastEventTime"}, "problems": […]}`.
 */
helios_status helios_client_sources(const helios_client *client,
                                    char **json,
                                    helios_error **error);

/**
 * Delivers a source's events no more, until it is resumed. Answers the source, as helios_client_sources has it.
 *
 * `options_json`: `{"source"}`, its id, or its table: `"clicks"`, `"shop.clicks"`.
 */
helios_status helios_client_pause(const helios_client *client,
                                  const char *options_json,
                                  char **json,
                                  helios_error **error);

/**
 * Goes on with a source where it was paused. As helios_client_pause.
 */
helios_status helios_client_resume(const helios_client *client,
                                   const char *options_json,
                                   char **json,
                                   helios_error **error);

/**
 * Removes a source: `{"id", "streamARN", "databaseName", "tableName", "table", "triggerDeleted"}`.
 *
 * `options_json`: `{"source"}` as of helios_client_pause, and if wanted `"table"`: `"keep"`, or `"drop"` with its rows.
 */
helios_status helios_client_remove(const helios_client *client,
                                   const char *options_json,
                                   char **json,
                                   helios_error **error);

/**
 * Finishes or undoes what was interrupted, and mends what was changed by hand:
 * `{"done": [{"id", "table", "what"}], "left": [{"id", "table", "what"}]}`, the latter for a person.
 */
helios_status helios_client_repair(const helios_client *client,
                                   char **json,
                                   helios_error **error);

/**
 * Looks at all that Helios needs, and says what is missing and what to do: `{"healthy", "checks": [{"check", "status": "ok" |
 * "missing" | "unknown", "detail", "remedy"}]}`. Nothing is changed.
 */
helios_status helios_client_doctor(const helios_client *client,
                                   char **json,
                                   helios_error **error);

/**
 * Delivers a stream from this process to all its tables, and waits for its end:
 * `{"streamName", "streamARN", "ended": "caughtUp" | "stopped" | "timeLimit", "seconds", "records", "received",
 * "delivered", "quarantined", "duplicatesSkipped", "shards": [{"shard", …}]}`.
 *
 * `options_json`: `{"streamName"}`, and if wanted `"untilCaughtUp"` (by default `true`: it ends when every shard is
 * delivered to its present end; `false`: it goes on with what arrives), `"timeLimitSeconds"`, `"position"`.
 * `on_progress` may be NULL. It is called with `{"records", "received", "delivered", "quarantined", "duplicatesSkipped",
 * "shards": [{"shard", …}]}` after batches, and once a second where none comes; `user` is passed on to it as it is. It
 * goes on where the last delivery has ended, whoever made it.
 */
helios_status helios_client_consume(const helios_client *client,
                                    const char *options_json,
                                    helios_on_progress on_progress,
                                    void *user,
                                    char **json,
                                    helios_error **error);

/**
 * What became of the events of a source, shard by shard, whether any are missing, and what is in quarantine:
 * `{"streamName", …, "balanced": true, "received", "inserted", "quarantined", "duplicates", "abandoned", "shards": […],
 * "quarantine": {…}, "counted": {"rows", "expected", "underWay"} or null, "errors": […], "warnings": […]}`. It is
 * `balanced` if in every shard received = inserted + quarantined + duplicates + abandoned, no event is known to be missing or in
 * doubt, no shard has stopped, no events have waited for more than half the stream's retention, and the row count matches, if
 * rows were counted.
 *
 * `options_json`: `{"tableName"}`, and if wanted `"databaseName"`, `"streamName"`, which is needed where several streams
 * feed the table, and `"countRows"` (by default `false`; `true`: the table's rows are counted and compared with what was
 * inserted).
 */
helios_status helios_client_delivery_report(const helios_client *client,
                                            const char *options_json,
                                            char **json,
                                            helios_error **error);

/**
 * Settles a range that is uncertain or failing: somebody has looked into the table, and says what became of it.
 * `{"shard", "range", "outcome", "message"}`
 *
 * `options_json`: `{"tableName", "shard", "outcome": "committed" | "absent" | "abandon"}`, and if wanted `"databaseName"`
 * and `"streamName"`. The shard is `quarantine` for a replay that was interrupted.
 */
helios_status helios_client_settle_range(const helios_client *client,
                                         const char *options_json,
                                         char **json,
                                         helios_error **error);

/**
 * Starts to deliver a stream to all its tables, in the background, and returns when it has begun. To be freed by
 * `helios_consumer_free`.
 *
 * `options_json` as for `helios_client_consume`, which waits for the end: for one that goes on until it is stopped,
 * `{"streamName": "clicks", "untilCaughtUp": false}`.
 */
helios_status helios_client_start_consumer(const helios_client *client,
                                           const char *options_json,
                                           helios_consumer **consumer,
                                           helios_error **error);

/**
 * What the consumer has done so far, at most a second ago, and in the end, by the batches it has delivered: `{"records", "received", "delivered",
 * "quarantined", "duplicatesSkipped", "shards": [{"shard", …}]}`.
 */
helios_status helios_consumer_progress(const helios_consumer *consumer,
                                       char **json,
                                       helios_error **error);

/**
 * Asks the consumer to end, which it does within a second or with the batch under way, and does not wait for that. Asking
 * again is fine.
 */
helios_status helios_consumer_stop(const helios_consumer *consumer,
                                   helios_error **error);

/**
 * Waits for the end of the consumer, and answers as `helios_client_consume`: with its report, or with why it failed. That can be
 * asked again.
 *
 * `seconds`: how long to wait at most, 0 to look only, negative for no limit. HELIOS_STATUS_TIMEOUT if it still goes on then.
 */
helios_status helios_consumer_wait(const helios_consumer *consumer,
                                   double seconds,
                                   char **json,
                                   helios_error **error);

/**
 * Frees a consumer. NULL is fine. One that still runs is ended at once, as by the end of the process, and waited for: nothing is
 * lost or doubled by that. To end it in order, stop it and wait first. Whoever waits for it on another thread gets
 * HELIOS_STATUS_CANCELLED.
 *
 * In a fork of the process that made it it does nothing.
 */
void helios_consumer_free(helios_consumer *consumer);

/**
 * What of a table's events is in quarantine, by reason and place:
 * `{"total", "oldest", "newest", "groups": [{"errorType", "path", "column", "wanted", "events", "oldest", "newest",
 * "example": {…}}]}`.
 *
 * `options_json` selects rejects, here as in the functions that follow: `{"tableName"}`, and if wanted `"databaseName"`,
 * `"errorType"`, `"path"`, `"sequenceNumber"`, `"since"`, `"until"`, of which each must be met.
 */
helios_status helios_client_quarantine(const helios_client *client,
                                       const char *options_json,
                                       char **json,
                                       helios_error **error);

/**
 * Shows rejects with their bytes, the newest first: `{"total", "rejects": [{"errorType", "errorMessage", "rawData", …}]}`.
 *
 * `options_json`: those that select rejects, and if wanted `"limit"` (20, at most 1000) and `"offset"`.
 */
helios_status helios_client_quarantine_show(const helios_client *client,
                                            const char *options_json,
                                            char **json,
                                            helios_error **error);

/**
 * Replays rejects: those that fit the table as it is now become rows, once, and leave the quarantine.
 * `{"dryRun", "considered", "fit", "replayed", "message", "remaining": [{"errorType", "path", …, "events"}]}`.
 *
 * `options_json`: those that select rejects, and if wanted `"dryRun": true`, which only counts. Repeating it does nothing
 * more; one that was interrupted is finished by the next.
 */
helios_status helios_client_quarantine_replay(const helios_client *client,
                                              const char *options_json,
                                              char **json,
                                              helios_error **error);

/**
 * Throws rejects away: they are lost. `{"discarded": 12}`
 *
 * `options_json`: those that select rejects.
 */
helios_status helios_client_quarantine_discard(const helios_client *client,
                                               const char *options_json,
                                               char **json,
                                               helios_error **error);

/**
 * Sets for how long the rejects of a table are kept, at first for ever: `{"tableName", "databaseName", "days"}`.
 *
 * `options_json`: `{"tableName", "days"}`, 1 to 36500 days or `null` for ever, and if wanted `"databaseName"`.
 */
helios_status helios_client_quarantine_retention(const helios_client *client,
                                                 const char *options_json,
                                                 char **json,
                                                 helios_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* HELIOS_H */
