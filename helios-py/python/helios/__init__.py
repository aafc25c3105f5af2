"""Kinesis streams as ClickHouse tables."""
