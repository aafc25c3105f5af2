"""SQL in your process, and a look into a stream: `python quickstart.py [STREAM]`.

Needs `pip install 'helios-py[embedded]'`, or a ClickHouse server in HELIOS_CLICKHOUSE_URL.
"""

import sys

import helios

# An engine of its own in `helios-data`, unless HELIOS_CLICKHOUSE_URL names a server.
with helios.connect() as client:
    client.query("CREATE OR REPLACE TABLE visits (at DateTime('UTC'), page String, user UInt64) ORDER BY at")
    client.query(
        "INSERT INTO visits SELECT toDateTime('2026-01-31 12:00:00', 'UTC') + number, '/cart', number % 7 FROM numbers(1000)"
    )
    result = client.query(
        "SELECT page, uniq(user) AS users, max(at) AS last FROM visits WHERE page = {page:String} GROUP BY page",
        {"page": "/cart"},
    )
    for row in result:
        print(row)

    # With a stream's name, what the AWS credentials of this shell let it see.
    for stream in sys.argv[1:]:
        sample = client.sample(stream)
        print(sample.events_read, "events read")
        for column in sample.inferred_schema:
            print(column.name, column.type)
