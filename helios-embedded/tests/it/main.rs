//! The embedded engine through its HTTP interface, with the real `clickhouse` client.

mod smoke;
