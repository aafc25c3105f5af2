package helios

/*
#include <helios.h>
*/
import "C"

import "encoding/json"

// Credentials say who calls AWS: keys, or a profile, or else what the AWS SDKs find; in a role if one is named.
//
// What is nil is not given. A key that is empty is refused: it is not taken for one that the SDKs are to find.
type Credentials struct {
	AccessKey    *string `json:"accessKey,omitempty"`
	SecretKey    *Secret `json:"secretKey,omitempty"`
	SessionToken *Secret `json:"sessionToken,omitempty"`
	Region       *string `json:"region,omitempty"`
	RoleARN      *string `json:"roleArn,omitempty"`
	ExternalID   *Secret `json:"externalId,omitempty"`
	Profile      *string `json:"profile,omitempty"`
}

// Keys are an access key id and its secret.
func Keys(accessKey string, secretKey Secret) Credentials {
	return Credentials{AccessKey: &accessKey, SecretKey: &secretKey}
}

// An Authentication is what credentials are good for.
type Authentication struct {
	Authenticated bool `json:"authenticated"`
	// StreamNames are all streams of the region, sorted.
	StreamNames []string `json:"streamNames"`
	// Account is the AWS account.
	Account string `json:"account"`
	// ARN is that of the user or role.
	ARN string `json:"arn"`
}

// Authenticate checks the client's AWS credentials and lists the streams they see.
func (c *Client) Authenticate() (*Authentication, error) {
	authentication := new(Authentication)
	err := c.answer(authentication, func(client *C.helios_client, text **C.char, failure **C.helios_error) C.helios_status {
		return C.helios_client_authenticate(client, text, failure)
	})
	if err != nil {
		return nil, err
	}
	return authentication, nil
}

// SampleOptions says how to read a sample. What is nil or empty is at its default.
type SampleOptions struct {
	// MaxEvents is how many events are enough. Default: 100.
	MaxEvents *int `json:"maxEvents,omitempty"`
	// Position is where to begin: "now", "oldest" or an ISO 8601 time. Default: recent history first.
	Position string `json:"position,omitempty"`
	// TimeLimitSeconds is how long it may take. Default: 10.
	TimeLimitSeconds *float64 `json:"timeLimitSeconds,omitempty"`
}

// A Column of a table.
type Column struct {
	Name string `json:"name"`
	// Type is ClickHouse's.
	Type string `json:"type"`
}

// ColumnEvidence is why a column has its type.
type ColumnEvidence struct {
	Name string `json:"name"`
	// Present, Null and Absent count events: with a value, with null, without the key.
	Present uint64 `json:"present"`
	Null    uint64 `json:"null"`
	Absent  uint64 `json:"absent"`
	// Kinds counts the values of each kind.
	Kinds map[string]uint64 `json:"kinds"`
	// Examples are the first different values, as JSON.
	Examples []string `json:"examples"`
	Why      string   `json:"why"`
}

// A StreamSample is what a stream holds.
type StreamSample struct {
	// SampleEvent is a typical event as it was sent, null if there is none.
	SampleEvent json.RawMessage `json:"sampleEvent"`
	// InferredSchema are columns that every sampled event fits.
	InferredSchema []Column `json:"inferredSchema"`
	// OrderBy is a sorting key that suits them.
	OrderBy []string `json:"orderBy"`
	// PartitionBy is a partition key that suits them, nil if none does.
	PartitionBy *string `json:"partitionBy"`
	EventsRead  uint64  `json:"eventsRead"`
	// Unreadable counts those that are no JSON objects.
	Unreadable uint64           `json:"unreadable"`
	Evidence   []ColumnEvidence `json:"evidence"`
	Notes      []string         `json:"notes"`
}

// KinesisSample reads a few events of a stream and infers the schema that fits them all. Options may be nil.
func (c *Client) KinesisSample(stream string, options *SampleOptions) (*StreamSample, error) {
	cStream, err := cText("stream", stream)
	if err != nil {
		return nil, err
	}
	defer free(cStream)
	cOptions, err := optionsJSON(options)
	if err != nil {
		return nil, err
	}
	defer free(cOptions)
	sample := new(StreamSample)
	err = c.answer(sample, func(client *C.helios_client, text **C.char, failure **C.helios_error) C.helios_status {
		return C.helios_client_kinesis_sample(client, cStream, cOptions, text, failure)
	})
	if err != nil {
		return nil, err
	}
	return sample, nil
}
