package helios

/*
#include "operation.h"
*/
import "C"

// CreateTable says which table to make, and which stream is to fill it.
type CreateTable struct {
	// StreamName is a name or an ARN.
	StreamName string `json:"streamName"`
	TableName  string `json:"tableName"`
	// DatabaseName is by default "default".
	DatabaseName string   `json:"databaseName,omitempty"`
	Schema       []Column `json:"schema"`
	// OrderBy is the sorting key: columns that are not nullable.
	OrderBy []string `json:"orderBy,omitempty"`
	// PartitionBy is a column, or toYYYYMM, toDate, … of one.
	PartitionBy string `json:"partitionBy,omitempty"`
	// StartPosition is where in the stream to begin: "now", "oldest" or an ISO 8601 time. Default: "now".
	StartPosition string `json:"startPosition,omitempty"`
	// CreateDatabase makes the database if it does not exist.
	CreateDatabase bool `json:"createDatabase,omitempty"`
	// Delivery is who delivers: "function", or "consumer", for which no trigger is made. Default: "function".
	Delivery string `json:"delivery,omitempty"`
	// UnknownFields is what becomes of events with fields that the table has not: "ignore", "quarantine" or "addColumn".
	// Default: "ignore".
	UnknownFields string `json:"unknownFields,omitempty"`
	// MissingFields is what becomes of events that lack a field which cannot be null: "reject" or "zeroValue". Default:
	// "reject".
	MissingFields string `json:"missingFields,omitempty"`
}

// TableCreated is what was made.
type TableCreated struct {
	Success          bool   `json:"success"`
	CreateTableQuery string `json:"createTableQuery"`
	// Message is for a person.
	Message   string `json:"message"`
	TableUUID string `json:"tableUUID"`
	StreamARN string `json:"streamARN"`
}

// CreateTable makes a table and lets a stream fill it, all or nothing.
func (c *Client) CreateTable(table CreateTable) (*TableCreated, error) {
	if table.Schema == nil {
		table.Schema = []Column{}
	}
	return ask[TableCreated](c, C.operation(C.helios_client_create_table), table)
}

// A Source is a stream that feeds a table.
type Source struct {
	StreamName string `json:"streamName"`
	// StreamType is "kinesis".
	StreamType string `json:"streamType"`
	TableName  string `json:"tableName"`
	// CreatedOn is the day of creation in UTC, MM-DD-YYYY.
	CreatedOn    string `json:"createdOn"`
	DatabaseName string `json:"databaseName"`
	StreamARN    string `json:"streamARN"`
	TableUUID    string `json:"tableUUID"`
}

// Sources lists every source, in the order of creation.
func (c *Client) Sources() ([]Source, error) {
	var sources []Source
	err := c.answer(&sources, func(client *C.helios_client, text **C.char, failure **C.helios_error) C.helios_status {
		return C.helios_client_sources(client, text, failure)
	})
	return sources, err
}
