//! Kinesis: credentials and session, list, shard reader, sample, record.
