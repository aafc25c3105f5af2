package helios

/*
#include "operation.h"
*/
import "C"

import "context"

// CreateTable says which table to make, and which stream is to fill it.
type CreateTable struct {
	// StreamName is a name or an ARN.
	StreamName string `json:"streamName"`
	TableName  string `json:"tableName"`
	// DatabaseName is by default "default".
	DatabaseName string   `json:"databaseName,omitempty"`
	Schema       []Column `json:"schema"`
	// OrderBy is the sorting key: columns that are not nullable; an empty list for none. Default: the first column that is a
	// time and never null, else none.
	OrderBy *[]string `json:"orderBy,omitempty"`
	// PartitionBy is a column, or toYYYYMM, toDate, … of one.
	PartitionBy string `json:"partitionBy,omitempty"`
	// TTL is when rows are deleted: "at + INTERVAL 90 DAY", of a column that is a time. Default: never.
	TTL string `json:"ttl,omitempty"`
	// Engine is "MergeTree", "ReplacingMergeTree(version)", "ReplicatedMergeTree", …. Default: "MergeTree".
	Engine string `json:"engine,omitempty"`
	// OnCluster is the cluster on whose nodes the table is made. Default: where the statement is run.
	OnCluster string `json:"onCluster,omitempty"`
	// Provenance adds columns for where each row came from.
	Provenance bool `json:"provenance,omitempty"`
	// StartPosition is where in the stream to begin: "now", "oldest" or an ISO 8601 time. Default: "now".
	StartPosition string `json:"startPosition,omitempty"`
	// CreateDatabase makes the database if it does not exist.
	CreateDatabase bool `json:"createDatabase,omitempty"`
	// ExistingTable is whether a table that exists may be filled: "allow", if it fits, or "refuse". Default: "allow".
	ExistingTable string `json:"existingTable,omitempty"`
	// AddBatchColumn adds the column _helios_batch to an existing table that does not have it, with an ALTER that the plan
	// shows. A new table always has it.
	AddBatchColumn bool `json:"addBatchColumn,omitempty"`
	// Delivery is who delivers: "function", or "consumer", for which no trigger is made. Default: "function".
	Delivery string `json:"delivery,omitempty"`
	// BatchSize is how many records the function gets at once, 1 to 10,000. Default: 10,000.
	BatchSize int `json:"batchSize,omitempty"`
	// BatchingWindowSeconds is for how many seconds its records are gathered, 0 to 300. Default: so that a table sees at most
	// ten inserts a second, and at least 1.
	BatchingWindowSeconds *int `json:"batchingWindowSeconds,omitempty"`
	// OnFailure is where Lambda sends what it gives up: the ARN of an SQS queue, an SNS topic or an S3 bucket. Default: nowhere.
	OnFailure string `json:"onFailure,omitempty"`
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
	SourceID  string `json:"sourceId"`
	// Warnings say what puts the delivery at risk, for a person.
	Warnings []string `json:"warnings"`
}

// CreateTable makes a table and lets a stream fill it, all or nothing.
func (c *Client) CreateTable(ctx context.Context, table CreateTable) (*TableCreated, error) {
	if table.Schema == nil {
		table.Schema = []Column{}
	}
	return ask[TableCreated](ctx, c, "create_table", C.operation(C.helios_client_create_table), table)
}

// PlanTable says what to plan: what is to be created, and how to sample the stream.
type PlanTable struct {
	CreateTable
	Sample *SampleOptions `json:"sample,omitempty"`
}

// CreatePlan is what a create would do.
type CreatePlan struct {
	// Possible is whether nothing is known that would make it fail.
	Possible bool `json:"possible"`
	// Obstacles say what would make it fail, and what to do, for a person.
	Obstacles []string `json:"obstacles"`
	// Steps are what it would do, in order.
	Steps []PlanStep `json:"steps"`
	// CreateTableQuery is the statement that would be run, or the one of the table that is there.
	CreateTableQuery string `json:"createTableQuery"`
	// StreamARN is nil if the stream may not be described.
	StreamARN *string `json:"streamARN"`
	// Shards is how many open shards the stream has.
	Shards *int `json:"shards"`
	// Batching is nil if a consumer delivers.
	Batching *Batching `json:"batching"`
	// DeduplicationWindow is how many inserts back the table would recognise a repeated one.
	DeduplicationWindow int64 `json:"deduplicationWindow"`
	// Sample is what the table would make of the stream's present events; nil if they could not be sampled.
	Sample *SchemaCheck `json:"sample"`
	// Permissions are those that are missing, or of which that could not be found out.
	Permissions []Check `json:"permissions"`
	// Warnings say what puts the delivery at risk, for a person.
	Warnings []string `json:"warnings"`
}

// A PlanStep is one step of a create.
type PlanStep struct {
	// What is "database", "table", "batchColumn", "quarantine", "mapping" or "trigger".
	What string `json:"what"`
	// Action is "create", or "use" for what is there.
	Action string `json:"action"`
	Detail string `json:"detail"`
}

// Batching is how records are put together for the function.
type Batching struct {
	BatchSize     int `json:"batchSize"`
	WindowSeconds int `json:"windowSeconds"`
}

// A Check is one thing that was looked at.
type Check struct {
	Check string `json:"check"`
	// Status is "ok", "missing" or "unknown".
	Status string `json:"status"`
	Detail string `json:"detail"`
	// Remedy is what to do, unless it is as it must be.
	Remedy *string `json:"remedy"`
}

// Plan says what CreateTable would do, and what would keep it from that. Nothing is made.
func (c *Client) Plan(ctx context.Context, plan PlanTable) (*CreatePlan, error) {
	if plan.Schema == nil {
		plan.Schema = []Column{}
	}
	return ask[CreatePlan](ctx, c, "plan", C.operation(C.helios_client_plan), plan)
}

// A Source is a stream that feeds a table.
type Source struct {
	// ID is what it is paused, resumed and removed by; nil for what cannot be read.
	ID         *string `json:"id"`
	StreamName string  `json:"streamName"`
	// StreamType is "kinesis".
	StreamType string `json:"streamType"`
	TableName  string `json:"tableName"`
	// CreatedOn is the day of creation in UTC, MM-DD-YYYY; empty if that is not known.
	CreatedOn    string  `json:"createdOn"`
	DatabaseName string  `json:"databaseName"`
	StreamARN    string  `json:"streamARN"`
	TableUUID    *string `json:"tableUUID"`
	// State is "pending", "active", "paused", "failing", "orphaned" or "removing".
	State string `json:"state"`
	// Delivery is "function" or "consumer".
	Delivery string `json:"delivery"`
	// CreatedBy is the user or role, as AWS knows them.
	CreatedBy *string `json:"createdBy"`
	// Trigger is that of its stream, which the stream's other tables share.
	Trigger *Trigger `json:"trigger"`
	// Delivered is nil if that could not be found out.
	Delivered *DeliverySummary `json:"delivered"`
	// Problems say what is wrong, and what to do, for a person.
	Problems []string `json:"problems"`
}

// A Trigger hands a stream's records to the delivery function.
type Trigger struct {
	ID string `json:"id"`
	// State is AWS' word: "Enabled", "Disabled", ….
	State string `json:"state"`
	// LastResult is AWS' word for what became of the last batch.
	LastResult    *string `json:"lastResult"`
	BatchSize     int     `json:"batchSize"`
	WindowSeconds int     `json:"windowSeconds"`
}

// A DeliverySummary says what was delivered of a source, of all shards together.
type DeliverySummary struct {
	Received    int64 `json:"received"`
	Inserted    int64 `json:"inserted"`
	Quarantined int64 `json:"quarantined"`
	// TroubledShards is how many shards have events that do not get into the table.
	TroubledShards int64   `json:"troubledShards"`
	LastEventTime  *string `json:"lastEventTime"`
}

// Sources lists every source as it stands, in the order of creation.
func (c *Client) Sources(ctx context.Context) ([]Source, error) {
	sources, err := tell[[]Source](ctx, c, "sources", C.question(C.helios_client_sources))
	if err != nil {
		return nil, err
	}
	return *sources, nil
}

type namedSource struct {
	Source string `json:"source"`
}

// Pause delivers a source's events no more, until it is resumed. A source is named by its id, or by its table: "clicks",
// "shop.clicks".
func (c *Client) Pause(ctx context.Context, source string) (*Source, error) {
	return ask[Source](ctx, c, "pause", C.operation(C.helios_client_pause), namedSource{source})
}

// Resume goes on with a source where it was paused.
func (c *Client) Resume(ctx context.Context, source string) (*Source, error) {
	return ask[Source](ctx, c, "resume", C.operation(C.helios_client_resume), namedSource{source})
}

// RemoveSource says which source to remove.
type RemoveSource struct {
	// Source is its id, or its table.
	Source string `json:"source"`
	// Table is "keep", or "drop" with its rows. Default: "keep".
	Table string `json:"table,omitempty"`
}

// SourceRemoved is what was removed.
type SourceRemoved struct {
	ID           string `json:"id"`
	StreamARN    string `json:"streamARN"`
	DatabaseName string `json:"databaseName"`
	TableName    string `json:"tableName"`
	// Table is what became of it: "keep" or "drop".
	Table string `json:"table"`
	// TriggerDeleted is whether it was the last source of the stream.
	TriggerDeleted bool `json:"triggerDeleted"`
}

// Remove removes a source; its table stays unless it is to be dropped.
func (c *Client) Remove(ctx context.Context, removal RemoveSource) (*SourceRemoved, error) {
	return ask[SourceRemoved](ctx, c, "remove", C.operation(C.helios_client_remove), removal)
}

// Repair is what was repaired, and what was not.
type Repair struct {
	Done []RepairStep `json:"done"`
	// Left is for a person.
	Left []RepairStep `json:"left"`
}

// A RepairStep is one thing that was repaired, or was not.
type RepairStep struct {
	ID    *string `json:"id"`
	Table string  `json:"table"`
	// What was done, or what is wrong and what to do.
	What string `json:"what"`
}

// Repair finishes or undoes what was interrupted, and mends what was changed by hand.
func (c *Client) Repair(ctx context.Context) (*Repair, error) {
	return tell[Repair](ctx, c, "repair", C.question(C.helios_client_repair))
}

// Diagnosis is what was looked at.
type Diagnosis struct {
	// Healthy is whether nothing is known to be missing.
	Healthy bool    `json:"healthy"`
	Checks  []Check `json:"checks"`
}

// Doctor looks at all that Helios needs, and says what is missing and what to do. Nothing is changed.
func (c *Client) Doctor(ctx context.Context) (*Diagnosis, error) {
	return tell[Diagnosis](ctx, c, "doctor", C.question(C.helios_client_doctor))
}
